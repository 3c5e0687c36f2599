"""Servers that ask one client: for a result, or to take the items of a stream.

The description of 2024-12-01 does not say how the failure of a client is answered. In the JSON form its
error is a 400. A caller that accepts ``application/octet-stream``, as the .NET SDK does, gets the client's
own completion, in the client's protocol, whatever it says. A client that goes is a 404. One that does not
answer is a 500: SDKs repeat requests that were answered with a higher status, and would invoke it again.
"""

from serverless_signalr.protocol.messages import NO_RESULT, Completion
from signalr_local.emulator.call import Call, Framed, NotExistedError, invalid
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.protocols import Outgoing
from signalr_local.emulator.values import for_json

__all__ = ["complete_stream", "invoke_client", "send_stream_item"]

_GONE = "Error.Connection.NotExisted"


async def invoke_client(call: Call) -> dict[str, object] | Framed:
    """Invoke a method of a client and answer with its result."""
    assert call.message is not None  # noqa: S101 - the table says that this operation has one
    connection = _connection(call)
    call.quota.take(1, len(call.message.encode(connection.protocol)))
    try:
        completion, frame = await connection.ask(call.message)
    except ConnectionError:
        raise NotExistedError(_GONE) from None
    if call.wants_frames:
        return Framed(connection.protocol.name, connection.protocol.frame(frame))
    if completion.error is not None:
        raise ValueError(completion.error)
    return {"result": None if completion.result is NO_RESULT else for_json(completion.result)}


def send_stream_item(call: Call) -> None:
    """Send one item of a stream to a client, and its end where the query says ``completed``."""
    assert call.message is not None  # noqa: S101 - the table says that this operation has one
    is_last = call.query.get("completed", "false").lower()
    if is_last not in ("true", "false"):
        raise invalid(f"completed is {is_last[:20]!r}, expected true or false.", "completed")
    connection = _connection(call)
    call.quota.take(1, len(call.message.encode(connection.protocol)))
    connection.send(call.message)
    if is_last == "true":
        connection.send(Outgoing(Completion(call.names["stream"])))


def complete_stream(call: Call) -> None:
    """End a stream, with an error where the query has a ``reason``, or an ``error`` as .NET sends it."""
    error = call.query.get("reason") or call.query.get("error") or None
    _connection(call).send(Outgoing(Completion(call.names["stream"], error=error)))


def _connection(call: Call) -> Connection:
    connection = call.hub.connections.get(call.names["connection"])
    if connection is None:
        raise NotExistedError(_GONE)
    call.report.reached = 1
    return connection
