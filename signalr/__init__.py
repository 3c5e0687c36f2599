"""Azure SignalR Service, first-class in Azure Functions for Python."""

from signalr.bindings import Blueprint, FunctionApp
from signalr.errors import ConnectionStringError, HubException
from signalr.models import (
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
