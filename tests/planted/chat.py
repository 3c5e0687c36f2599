"""A chat without a fault, for tests to plant some in: the tests change its text, line by line."""

from datetime import timedelta

from serverless_signalr import ServerlessHub, SignalRInvocationContext, requires


class Chat(ServerlessHub, hub="chat"):
    async def connected(self, caller: SignalRInvocationContext) -> None:
        await self.groups.add("people", connection_id=caller.connection_id)
        await self.clients.all.send("newConnection", {"userId": caller.user_id})

    async def disconnected(self, caller: SignalRInvocationContext) -> None:
        await self.clients.all.send("connectionClosed", {"userId": caller.user_id, "error": caller.error})

    async def broadcast(self, caller: SignalRInvocationContext, text: str) -> None:
        await self.clients.all.send("newMessage", {"sender": caller.user_id, "text": text})

    async def send_to_group(self, caller: SignalRInvocationContext, group_name: str, text: str) -> None:
        await self.clients.group(group_name).send("newMessage", {"sender": caller.user_id, "text": text})

    async def send_to_groups(self, group_names: list[str], text: str) -> None:
        for group_name in group_names:
            await self.clients.group(group_name).send("newMessage", {"text": text})

    async def send_to_user(self, user_id: str, text: str) -> bool:
        await self.clients.user(user_id).send("newMessage", {"text": text})
        return await self.client_manager.user_exists(user_id)

    async def typing(self, caller: SignalRInvocationContext, group_name: str) -> None:
        others = self.clients.group_except(group_name, [caller.connection_id])
        await others.send("typing", caller.user_id)

    async def join_group(self, caller: SignalRInvocationContext, group_name: str) -> None:
        await self.groups.add(group_name, connection_id=caller.connection_id)

    async def leave_group(self, caller: SignalRInvocationContext, group_name: str) -> None:
        await self.groups.remove(group_name, connection_id=caller.connection_id)

    async def watch(self, caller: SignalRInvocationContext, group_name: str, hours: int) -> None:
        await self.user_groups.add(group_name, user_id=caller.user_id or "", ttl=timedelta(hours=hours))

    async def people(self) -> list[str | None]:
        return [one.user_id async for one in self.client_manager.list_group("people")]

    @requires(role="moderator")
    async def close_group(self, group_name: str) -> None:
        await self.client_manager.close_group(group_name, reason="The discussion is over.")
