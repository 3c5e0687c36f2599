"""A reference desk with a streamed answer, results from clients, roles and timed groups."""

import azure.functions as func
from desk import Desk

from serverless_signalr import FunctionApp, SignalRUser, platform_user


def reader(req: func.HttpRequest) -> SignalRUser:
    """Return the caller with their roles, or an anonymous user, with a claim for the main desk."""
    user = platform_user(req) or SignalRUser(None)
    return SignalRUser(user.id, {**user.claims, "desk": "main"})


desk = Desk()
desk.add_negotiate(user=reader, anonymous=True, close_on_expiry=True)

app = FunctionApp()
app.register_functions(desk)
