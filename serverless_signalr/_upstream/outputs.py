"""SignalR outputs, sent by the library instead of the host."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serverless_signalr.rest import ServiceClient

__all__ = ["send_items"]


async def send_items(client: "ServiceClient", items: Iterable[Mapping[str, Any]]) -> None:
    """Send messages and group actions one by one, and stop at the first that fails.

    Raise ServiceError as the client does, and TypeError for an item with endpoints.
    """
    for item in items:
        if item.get("endpoints") is not None:
            raise TypeError(
                "a message or group action chooses its endpoints, which only the host's output binding "
                "supports: leave out endpoints behind the HTTP upstream"
            )
        if "target" in item:
            await _send(client, item)
        else:
            await _change_group(client, item)


async def _send(client: "ServiceClient", message: Mapping[str, Any]) -> None:
    target, arguments = message["target"], message["arguments"]
    if (connection_id := message.get("connectionId")) is not None:
        await client.send_to_connection(connection_id, target, *arguments)
    elif (user_id := message.get("userId")) is not None:
        await client.send_to_user(user_id, target, *arguments)
    elif (group_name := message.get("groupName")) is not None:
        await client.send_to_group(group_name, target, *arguments)
    else:
        await client.send_to_all(target, *arguments)


async def _change_group(client: "ServiceClient", action: Mapping[str, Any]) -> None:
    group, connection_id, user_id = (action.get(name) for name in ("groupName", "connectionId", "userId"))
    match action["action"]:
        case "add" if connection_id is not None:
            await client.add_connection_to_group(str(group), connection_id=connection_id)
        case "add":
            await client.add_user_to_group(str(group), user_id=str(user_id))
        case "remove" if connection_id is not None:
            await client.remove_connection_from_group(str(group), connection_id=connection_id)
        case "remove":
            await client.remove_user_from_group(str(group), user_id=str(user_id))
        case _:
            await client.remove_user_from_all_groups(user_id=str(user_id))
