"""Servers that ask one client: for a result, or to take the items of a stream.

The service's description (2024-12-01) does not say what is answered where the client fails: here the error of
the client is 400, a client that goes is 404, one that does not answer in time is 504.
"""

from serverless_signalr.protocol.messages import NO_RESULT, Completion
from signalr_local.emulator.call import Call, NotExistedError
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.protocols import Outgoing
from signalr_local.emulator.values import for_json

__all__ = ["complete_stream", "invoke_client", "send_stream_item"]

_GONE = "Error.Connection.NotExisted"


async def invoke_client(call: Call) -> dict[str, object]:
    """Invoke a method of a client and answer with its result."""
    assert call.message is not None  # noqa: S101 - the table says that this operation has one
    try:
        completion = await _connection(call).ask(call.message)
    except ConnectionError:
        raise NotExistedError(_GONE) from None
    if completion.error is not None:
        raise ValueError(completion.error)
    return {"result": None if completion.result is NO_RESULT else for_json(completion.result)}


def send_stream_item(call: Call) -> None:
    """Send one item of a stream to a client, and its end where the query says ``completed``."""
    assert call.message is not None  # noqa: S101 - the table says that this operation has one
    connection = _connection(call)
    connection.send(call.message)
    if call.query.get("completed", "").lower() == "true":
        connection.send(Outgoing(Completion(call.names["stream"])))


def complete_stream(call: Call) -> None:
    """End a stream, with an error where the query has a ``reason``, or an ``error`` as .NET sends it."""
    error = call.query.get("reason") or call.query.get("error") or None
    _connection(call).send(Outgoing(Completion(call.names["stream"], error=error)))


def _connection(call: Call) -> Connection:
    connection = call.hub.connections.get(call.names["connection"])
    if connection is None:
        raise NotExistedError(_GONE)
    return connection
