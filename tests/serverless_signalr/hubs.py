"""A hub as a user writes it, and what the worker makes of it."""

from typing import Protocol

import azure.functions as func
from azure.functions.decorators.function_app import Function

from serverless_signalr import (
    FunctionApp,
    HubException,
    ServerlessHub,
    SignalRInvocationContext,
    event,
    requires,
)

__all__ = ["AUDIENCE", "CONNECTION", "KEY", "SETTING", "Chat", "ChatClient", "functions"]

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
CONNECTION = f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"
SETTING = "AzureSignalRConnectionString"
AUDIENCE = "https://chat.service.signalr.net/client/?hub=chat"


class ChatClient(Protocol):
    async def new_message(self, text: str) -> None: ...


class Chat(ServerlessHub[ChatClient]):
    """What the page calls."""

    async def connected(self, caller: SignalRInvocationContext) -> None: ...

    async def disconnected(self) -> None:
        raise HubException("gone already")

    async def send_to_group(self, group_name: str, text: str) -> str:
        """Send to a group."""
        return f"{group_name}: {text}"

    @event("Exactly-This")
    async def named(self, caller: SignalRInvocationContext) -> list[object]:
        return [caller.user_id, caller.connection_id]

    async def fail(self) -> None:
        raise ValueError("secret")

    async def refuse(self) -> None:
        raise HubException("Not today.") from ValueError("secret")

    @requires(role="admin")
    async def delete_all(self) -> bool:
        return True

    def sync(self, number: int) -> int:
        return number + 1

    async def answer_with_an_object(self) -> object:
        return object()


def functions(*blueprints: func.Blueprint) -> dict[str, Function]:
    """Return what the worker finds in an app with these blueprints."""
    app = FunctionApp()
    for blueprint in blueprints:
        app.register_functions(blueprint)
    return {str(function.get_function_name()): function for function in app.get_functions()}
