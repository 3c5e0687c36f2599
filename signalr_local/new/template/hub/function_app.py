"""The function app: the hub and the page, registered."""

from serverless_signalr import FunctionApp

import page
from hub import hub

app = FunctionApp()

app.register_functions(hub)
app.register_functions(page.bp)
