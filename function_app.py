"""The function app: every blueprint, registered."""

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
