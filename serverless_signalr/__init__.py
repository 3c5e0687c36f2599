"""Azure SignalR Service, first-class in Azure Functions for Python."""

from serverless_signalr.bindings import Blueprint, FunctionApp
from serverless_signalr.errors import ConnectionStringError, HubException
from serverless_signalr.models import (
    SignalRConnectionInfo,
    SignalREndpoint,
    SignalRGroupAction,
    SignalRInvocationContext,
    SignalRMessage,
    SignalRNegotiation,
    SignalROutput,
)

__all__ = [
    "Blueprint",
    "ConnectionStringError",
    "FunctionApp",
    "HubException",
    "SignalRConnectionInfo",
    "SignalREndpoint",
    "SignalRGroupAction",
    "SignalRInvocationContext",
    "SignalRMessage",
    "SignalRNegotiation",
    "SignalROutput",
]
