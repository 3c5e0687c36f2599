"""The events of clients: they connect, disconnect, and call the methods of the hub.

A function handles the event of its name: ``connection.invoke("broadcast", "hello")`` in the page calls
``broadcast``.
"""

from serverless_signalr import Blueprint, SignalRInvocationContext, SignalROutput

from blueprints import HUB

bp = Blueprint(hub=HUB)


@bp.signalr_trigger()
@bp.signalr_output()
def connected(caller: SignalRInvocationContext, outbox: SignalROutput) -> None:
    """Tell everybody who came."""
    outbox.send("newConnection", {"userId": caller.user_id})


@bp.signalr_trigger()
@bp.signalr_output()
def disconnected(caller: SignalRInvocationContext, outbox: SignalROutput) -> None:
    """Tell everybody who left."""
    outbox.send("connectionClosed", {"userId": caller.user_id})


@bp.signalr_trigger()
@bp.signalr_output()
def broadcast(caller: SignalRInvocationContext, outbox: SignalROutput, text: str) -> None:
    """Send a text to everybody, the caller included."""
    outbox.send("newMessage", {"sender": caller.user_id, "text": text})
