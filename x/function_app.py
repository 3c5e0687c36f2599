"""The function app: every blueprint, registered."""

import os

from serverless_signalr import FunctionApp

from blueprints import events, web

app = FunctionApp()

app.register_functions(events.bp)
app.register_functions(web.bp)

# With the setting UPSTREAM_ROUTE, events come to an HTTP function of that route, which checks signatures.
# Without it, they come to the webhook of the Functions host.
app.add_signalr_upstream(os.environ.get("UPSTREAM_ROUTE"))
