"""What a method that is called through the HTTP upstream learns about its caller."""

import json

import pytest

from serverless_signalr import SignalRInvocationContext
from serverless_signalr._hub.methods import Call
from tests.serverless_signalr._hub.upstream_requests import (
    Chat,
    call,
    post,
)


async def test_method_learns_who_calls(chat: Chat) -> None:
    claims = {"role": ("user", "admin"), "name": ("Ann",)}
    await post(chat, call("echo", 1), user_id="ann", claims=claims, query="?hub=chat&x=a%20b&y=1&y=2")
    [seen] = chat.seen
    assert (seen.hub, seen.category, seen.event, seen.connection_id) == ("chat", "messages", "echo", "c1")
    assert (seen.user_id, seen.claims, seen.arguments) == ("ann", claims, [1])
    assert seen.query == {"hub": "chat", "x": "a b", "y": "1,2"}


async def test_anonymous_caller_has_no_user_id(chat: Chat) -> None:
    await post(chat, call("echo", 1))
    assert (chat.seen[0].user_id, chat.seen[0].claims, chat.seen[0].query) == (None, {}, {})


async def test_headers_of_the_request_are_looked_up_in_any_case(chat: Chat) -> None:
    await post(chat, call("echo", 1), headers={"X-More": "1"})
    headers = chat.seen[0].headers
    assert (headers["X-More"], headers["x-asrs-connection-id"]) == ("1", "c1")


@pytest.mark.parametrize(
    ("event", "hub"), [("ECHO", "chat"), ("Echo", "CHAT")], ids=["event", "hub-and-event"]
)
async def test_case_of_names_is_free(chat: Chat, event: str, hub: str) -> None:
    answer = await post(chat, call("echo", 1), event, headers={"X-ASRS-Hub": hub})
    assert (answer.status_code, len(chat.seen)) == (200, 1)


async def test_token_with_the_role_opens_the_method(chat: Chat) -> None:
    answer = await post(chat, call("deleteAll"), "deleteAll", claims={"role": ("admin",)})
    assert json.loads(answer.get_body()[:-1])["result"] == "gone"


async def test_filters_surround_the_call(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    async def shout(invocation: SignalRInvocationContext, call: Call) -> object:
        return str(await call()).upper()

    monkeypatch.setattr(Chat, "filters", (shout,))
    answer = await post(chat, call("echo", "hi"))
    assert json.loads(answer.get_body()[:-1])["result"] == "HI"
