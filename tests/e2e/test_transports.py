"""The JavaScript client over each transport that it knows, against the real app."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest


@pytest.mark.parametrize("app", ["bindings"], indirect=True)
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
async def test_a_client_chats_over_the_transport(
    app: Any, create_client: Callable[..., Awaitable[Any]], group: str, transport: str
) -> None:
    client = await create_client("node", ["newMessage", "newConnection"])
    await client.start(app.api, transport=transport)
    await client.invoke("joinGroup", group)
    await client.invoke("sendToGroup", group, "hello")
    assert (await client.next("newMessage"))["text"] == "hello"
    assert await client.invoke("echo", {"a": [True, "ü"]}) == {"a": [True, "ü"]}
    assert await client.refusal("broadcast") == "broadcast(text: string) was called with 0 arguments."
    await client.stop()
