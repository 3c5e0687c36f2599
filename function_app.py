"""The function app: every blueprint, registered."""

import os

from blueprints import connections, events, groups, health, messages, negotiate, people, web
from serverless_signalr import FunctionApp

app = FunctionApp()

app.register_functions(negotiate.bp)
app.register_functions(events.bp)
app.register_functions(people.bp)
app.register_functions(messages.bp)
app.register_functions(groups.bp)
app.register_functions(connections.bp)
app.register_functions(health.bp)
app.register_functions(web.bp)

# With the setting, events can come over HTTP too, where the webhook of the host cannot be used.
app.add_signalr_upstream(os.environ.get("UPSTREAM_ROUTE"))
