"""What clients do: they come, they go, and they call the hub's methods."""

from typing import Any

from blueprints.hub import HUB
from blueprints.people import PEOPLE
from blueprints.service import clients
from serverless_signalr import (
    Blueprint,
    HubException,
    SignalRInvocationContext,
    SignalROutput,
    check_group_name,
)

bp = Blueprint()


@bp.signalr_trigger("invocation", hub_name=HUB, event="connected", category="connections")
@bp.signalr_output("outbox", hub_name=HUB)
def connected(invocation: SignalRInvocationContext, outbox: SignalROutput) -> None:
    """Put the connection among those who are there, and tell everybody who came."""
    outbox.add_to_group(PEOPLE, connection_id=invocation.connection_id)
    outbox.send("newConnection", {"connectionId": invocation.connection_id, "userId": invocation.user_id})


@bp.signalr_trigger("invocation", hub_name=HUB, event="disconnected", category="connections")
@bp.signalr_output("outbox", hub_name=HUB)
def disconnected(invocation: SignalRInvocationContext, outbox: SignalROutput) -> None:
    """Tell everybody who went, and why if it was not on purpose."""
    outbox.send(
        "connectionClosed",
        {
            "connectionId": invocation.connection_id,
            "userId": invocation.user_id,
            "error": invocation.error,
        },
    )


@bp.signalr_trigger("invocation", hub_name=HUB, event="broadcast")
@bp.signalr_output("outbox", hub_name=HUB)
def broadcast(invocation: SignalRInvocationContext, outbox: SignalROutput, text: str) -> None:
    """Send to everybody."""
    outbox.send("newMessage", _message(invocation, text))


@bp.signalr_trigger("invocation", hub_name=HUB, event="sendToGroup")
@bp.signalr_output("outbox", hub_name=HUB)
def send_to_group(
    invocation: SignalRInvocationContext, outbox: SignalROutput, group_name: str, text: str
) -> None:
    """Send to the members of a group; the sender need not be one."""
    group_name = _group(group_name)
    outbox.send("newMessage", _message(invocation, text, group_name=group_name), group_name=group_name)


@bp.signalr_trigger("invocation", hub_name=HUB, event="sendToUser")
@bp.signalr_output("outbox", hub_name=HUB)
async def send_to_user(
    invocation: SignalRInvocationContext, outbox: SignalROutput, user_id: str, text: str
) -> bool:
    """Send to every connection of one user, and answer whether there is one."""
    outbox.send("newMessage", _message(invocation, text, is_private=True), user_id=_given("userId", user_id))
    return await clients().user_exists(user_id)


@bp.signalr_trigger("invocation", hub_name=HUB, event="sendToConnection")
@bp.signalr_output("outbox", hub_name=HUB)
async def send_to_connection(
    invocation: SignalRInvocationContext, outbox: SignalROutput, connection_id: str, text: str
) -> bool:
    """Send to one connection, and answer whether it is there."""
    outbox.send(
        "newMessage",
        _message(invocation, text, is_private=True),
        connection_id=_given("connectionId", connection_id),
    )
    return await clients().connection_exists(connection_id)


@bp.signalr_trigger("invocation", hub_name=HUB, event="joinGroup")
@bp.signalr_output("outbox", hub_name=HUB)
def join_group(invocation: SignalRInvocationContext, outbox: SignalROutput, group_name: str) -> None:
    """Put the caller's own connection into a group: nobody can move others."""
    outbox.add_to_group(_group(group_name), connection_id=invocation.connection_id)


@bp.signalr_trigger("invocation", hub_name=HUB, event="leaveGroup")
@bp.signalr_output("outbox", hub_name=HUB)
def leave_group(invocation: SignalRInvocationContext, outbox: SignalROutput, group_name: str) -> None:
    """Take the caller's own connection out of a group."""
    outbox.remove_from_group(_group(group_name), connection_id=invocation.connection_id)


@bp.signalr_trigger("invocation", hub_name=HUB, event="echo")
def echo(value: Any) -> Any:
    """Answer the caller with what it sent."""
    return value


def _message(
    invocation: SignalRInvocationContext,
    text: str,
    *,
    group_name: str | None = None,
    is_private: bool = False,
) -> dict[str, object]:
    return {
        "sender": invocation.user_id,
        "connectionId": invocation.connection_id,
        "text": text,
        "groupName": group_name,
        "isPrivate": is_private,
    }


def _group(name: str) -> str:
    try:
        check_group_name(name)
    except ValueError as error:
        raise HubException(f"groupName is wrong: {error}.") from None
    if name == PEOPLE:
        raise HubException(f"groupName is wrong: {PEOPLE} is the app's own group.")
    return name


def _given(name: str, value: str) -> str:
    if not value:
        raise HubException(f"{name} must not be empty.")
    return value
