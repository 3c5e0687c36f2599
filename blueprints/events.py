"""The events of clients: they connect, disconnect, and call the hub's methods."""

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

bp = Blueprint(hub=HUB)


@bp.signalr_trigger()
@bp.signalr_output()
def connected(caller: SignalRInvocationContext, outbox: SignalROutput) -> None:
    """Add the connection to the list of people, and announce it to everybody."""
    outbox.add_to_group(PEOPLE, connection_id=caller.connection_id)
    outbox.send("newConnection", {"connectionId": caller.connection_id, "userId": caller.user_id})


@bp.signalr_trigger()
@bp.signalr_output()
def disconnected(caller: SignalRInvocationContext, outbox: SignalROutput) -> None:
    """Announce to everybody who has left, with the error if there was one."""
    outbox.send(
        "connectionClosed",
        {
            "connectionId": caller.connection_id,
            "userId": caller.user_id,
            "error": caller.error,
        },
    )


@bp.signalr_trigger()
@bp.signalr_output()
def broadcast(caller: SignalRInvocationContext, outbox: SignalROutput, text: str) -> None:
    """Send to everybody."""
    outbox.send("newMessage", _message(caller, text))


@bp.signalr_trigger()
@bp.signalr_output()
def send_to_group(
    caller: SignalRInvocationContext, outbox: SignalROutput, group_name: str, text: str
) -> None:
    """Send to the members of a group. The sender does not have to be a member."""
    group_name = _group(group_name)
    outbox.send("newMessage", _message(caller, text, group_name=group_name), group_name=group_name)


@bp.signalr_trigger()
@bp.signalr_output()
async def send_to_user(
    caller: SignalRInvocationContext, outbox: SignalROutput, user_id: str, text: str
) -> bool:
    """Send to every connection of one user, and return whether there is one."""
    outbox.send("newMessage", _message(caller, text, is_private=True), user_id=_given("userId", user_id))
    return await clients().user_exists(user_id)


@bp.signalr_trigger()
@bp.signalr_output()
async def send_to_connection(
    caller: SignalRInvocationContext, outbox: SignalROutput, connection_id: str, text: str
) -> bool:
    """Send to one connection, and return whether it exists."""
    outbox.send(
        "newMessage",
        _message(caller, text, is_private=True),
        connection_id=_given("connectionId", connection_id),
    )
    return await clients().connection_exists(connection_id)


@bp.signalr_trigger()
@bp.signalr_output()
def join_group(caller: SignalRInvocationContext, outbox: SignalROutput, group_name: str) -> None:
    """Add the caller's own connection to a group. Clients cannot add other connections."""
    outbox.add_to_group(_group(group_name), connection_id=caller.connection_id)


@bp.signalr_trigger()
@bp.signalr_output()
def leave_group(caller: SignalRInvocationContext, outbox: SignalROutput, group_name: str) -> None:
    """Remove the caller's own connection from a group."""
    outbox.remove_from_group(_group(group_name), connection_id=caller.connection_id)


@bp.signalr_trigger()
def echo(value: Any) -> Any:
    """Return the value to the caller."""
    return value


def _message(
    caller: SignalRInvocationContext,
    text: str,
    *,
    group_name: str | None = None,
    is_private: bool = False,
) -> dict[str, object]:
    return {
        "sender": caller.user_id,
        "connectionId": caller.connection_id,
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
