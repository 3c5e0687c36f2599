"""The hub class of the chat, with a method for each event."""

from collections.abc import Mapping
from typing import Any, Protocol

from serverless_signalr import HubException, ServerlessHub, SignalRInvocationContext, check_group_name

type Message = Mapping[str, object]

PEOPLE = "$people"
"""The group that every connection joins when it connects, because the service lists the members of groups."""


class ChatClient(Protocol):
    """The methods of the page that the hub calls."""

    async def new_message(self, message: Message) -> None: ...
    async def new_connection(self, connection: Message) -> None: ...
    async def connection_closed(self, connection: Message) -> None: ...


class Chat(ServerlessHub[ChatClient], hub="chat"):
    """The methods of the hub that the page calls."""

    async def connected(self, caller: SignalRInvocationContext) -> None:
        await self.groups.add(PEOPLE, connection_id=caller.connection_id)
        came = {"connectionId": caller.connection_id, "userId": caller.user_id}
        await self.clients.all.new_connection(came)

    async def disconnected(self, caller: SignalRInvocationContext) -> None:
        went = {"connectionId": caller.connection_id, "userId": caller.user_id, "error": caller.error}
        await self.clients.all.connection_closed(went)

    async def broadcast(self, caller: SignalRInvocationContext, text: str) -> None:
        await self.clients.all.new_message(_message(caller, text))

    async def send_to_group(self, caller: SignalRInvocationContext, group_name: str, text: str) -> None:
        message = _message(caller, text, group_name=_group(group_name))
        await self.clients.group(group_name).new_message(message)

    async def send_to_user(self, caller: SignalRInvocationContext, user_id: str, text: str) -> bool:
        await self.clients.user(user_id).new_message(_message(caller, text, is_private=True))
        return await self.client_manager.user_exists(user_id)

    async def send_to_connection(
        self, caller: SignalRInvocationContext, connection_id: str, text: str
    ) -> bool:
        await self.clients.client(connection_id).new_message(_message(caller, text, is_private=True))
        return await self.client_manager.connection_exists(connection_id)

    async def join_group(self, caller: SignalRInvocationContext, group_name: str) -> None:
        await self.groups.add(_group(group_name), connection_id=caller.connection_id)

    async def leave_group(self, caller: SignalRInvocationContext, group_name: str) -> None:
        await self.groups.remove(_group(group_name), connection_id=caller.connection_id)

    async def people(self) -> list[Message]:
        there = self.client_manager.list_group(PEOPLE)
        return [{"connectionId": one.connection_id, "userId": one.user_id} async for one in there]

    async def echo(self, value: Any) -> Any:
        return value


def _message(
    caller: SignalRInvocationContext, text: str, *, group_name: str | None = None, is_private: bool = False
) -> Message:
    who = {"sender": caller.user_id, "connectionId": caller.connection_id}
    return who | {"text": text, "groupName": group_name, "isPrivate": is_private}


def _group(name: str) -> str:
    try:
        check_group_name(name)
    except ValueError as error:
        raise HubException(f"groupName is wrong: {error}.") from None
    if name == PEOPLE:
        raise HubException(f"groupName is wrong: {PEOPLE} is the app's own group.")
    return name
