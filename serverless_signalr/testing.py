"""Tools for testing functions and hubs without a network or a separate process.

``call``, ``connect``, ``disconnect``, ``request`` and ``fire`` run the functions of an app, a blueprint or a
hub as the service and the host do. They return the answer and what was sent. FakeService replaces the service
in a test's context. Import this module in tests only, not in an app.
"""

from serverless_signalr._testing.calls import Called, call, connect, disconnect, fire
from serverless_signalr._testing.hub import FakeConnection
from serverless_signalr._testing.made import connection_info, invocation_context, principal
from serverless_signalr._testing.requests import Response, request
from serverless_signalr._testing.sent import (
    Closed,
    GroupAction,
    Message,
    Recipient,
    Sent,
    StreamItem,
    message,
)
from serverless_signalr._testing.service import FakeService

__all__ = [
    "Called",
    "Closed",
    "FakeConnection",
    "FakeService",
    "GroupAction",
    "Message",
    "Recipient",
    "Response",
    "Sent",
    "StreamItem",
    "call",
    "connect",
    "connection_info",
    "disconnect",
    "fire",
    "invocation_context",
    "message",
    "principal",
    "request",
]
