"""A hub behind the HTTP upstream, and requests to it as the service makes them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import azure.functions as func
import msgpack

from serverless_signalr import FunctionApp, HubException, SignalRInvocationContext
from serverless_signalr._functions.authorization import requires
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.upstream import UpstreamEvent

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
OTHER_KEY = "7aab239577fd4f24bc919802fb629f5f"
SETTING = "AzureSignalRConnectionString"
CONNECTION = f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"

JSON = "application/json"
MESSAGEPACK = "application/x-msgpack"


@dataclass
class Photo:
    name: str
    data: bytes


class Chat(ServerlessHub, hub="chat"):
    """Keep what its methods were called with."""

    def __init__(self) -> None:
        super().__init__(upstream_route="signalr/events")
        self.seen: list[SignalRInvocationContext] = []

    async def connected(self, caller: SignalRInvocationContext) -> None:
        self.seen.append(caller)
        if caller.user_id == "eve":
            raise HubException("Not you.")

    async def disconnected(self, caller: SignalRInvocationContext) -> None:
        self.seen.append(caller)

    async def echo(self, caller: SignalRInvocationContext, value: Any) -> Any:
        self.seen.append(caller)
        return value

    async def nothing(self) -> None: ...

    async def say_hello(self, name: str, times: int = 1) -> str:
        return "hello " * times + name

    def sync(self) -> bool:
        return True

    async def photo(self) -> Photo:
        return Photo("cat", b"\x00\xff")

    async def length(self, data: bytes) -> int:
        return len(data)

    async def year(self, moment: datetime) -> int:
        return moment.year

    async def refuse(self) -> None:
        raise HubException("Nicht heute, Zoë.")

    async def fail(self) -> None:
        raise ValueError("secret")

    async def answer_with_an_object(self) -> object:
        return object()

    async def answer_with_no_number(self) -> float:
        return float("nan")

    async def answer_with_half_an_emoji(self) -> str:
        return "\ud83d"

    async def answer_with_a_huge_number(self) -> int:
        return 2**64

    @requires(role="admin")
    async def delete_all(self) -> str:
        return "gone"


def upstream(hub: ServerlessHub[Any]) -> Any:
    """Return the hub's one function."""
    app = FunctionApp()
    app.register_functions(hub.blueprint)
    [function] = app.get_functions()
    return function


def request_for(
    body: bytes,
    event: str = "echo",
    *,
    category: str = "messages",
    content_type: str = JSON,
    keys: Iterable[str] = (KEY,),
    headers: Mapping[str, str | None] | None = None,
    **options: Any,
) -> func.HttpRequest:
    """Return a request as the service makes it; a header of None is left out."""
    upstream_event = UpstreamEvent("chat", category, event, "c1", **options)
    all_headers = {"Content-Type": content_type, **upstream_event.headers(keys), **(headers or {})}
    return func.HttpRequest(
        method="POST",
        url="https://chat.azurewebsites.net/api/signalr/events",
        headers={name: value for name, value in all_headers.items() if value is not None},
        body=body,
    )


async def post(
    hub: ServerlessHub[Any], body: bytes, event: str = "echo", **options: Any
) -> func.HttpResponse:
    """Send a request to a hub as the service does, and return its answer."""
    function = upstream(hub).get_user_function()
    answer: func.HttpResponse = await function(request_for(body, event, **options))
    return answer


def call(target: str, *arguments: object, id: str | None = "1") -> bytes:
    """Return the body of a call as JSON, without the separator that a client sends."""
    message: dict[str, object] = {"type": 1, "target": target, "arguments": arguments}
    return json.dumps(message if id is None else message | {"invocationId": id}).encode()


def packed_call(target: str, *arguments: object, id: str | None = "1") -> bytes:
    """Return the body of a call as MessagePack, without the length that a client sends."""
    return bytes(msgpack.packb([1, {}, id, target, arguments, []], datetime=True))
