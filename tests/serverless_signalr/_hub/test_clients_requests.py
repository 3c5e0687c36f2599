"""The clients of a hub: which request a call on them becomes."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr import run_sync
from tests.serverless_signalr._hub.recorder import HI, AnyChat, Chat, ChatClient, Recorder


@pytest.mark.parametrize(
    ("choose", "path", "query"),
    [
        pytest.param(lambda to: to.all, "/:send", [], id="all"),
        pytest.param(
            lambda to: to.all_except(["c1", "c2"]),
            "/:send",
            [("excluded", "c1"), ("excluded", "c2")],
            id="all-except",
        ),
        pytest.param(lambda to: to.all_except([]), "/:send", [], id="all-except-nobody"),
        pytest.param(lambda to: to.client("c1"), "/connections/c1/:send", [], id="client"),
        pytest.param(lambda to: to.client("a/b c?"), "/connections/a%2Fb%20c%3F/:send", [], id="escaped"),
        pytest.param(lambda to: to.group("g"), "/groups/g/:send", [], id="group"),
        pytest.param(
            lambda to: to.group_except("g", ["c1"]),
            "/groups/g/:send",
            [("excluded", "c1")],
            id="group-except",
        ),
        pytest.param(lambda to: to.user("ann"), "/users/ann/:send", [], id="user"),
    ],
)
async def test_choice_of_clients_is_one_request(
    recorded_chat: Chat, recorder: Recorder, choose: Callable[[Any], ChatClient], path: str, query: list[Any]
) -> None:
    await choose(recorded_chat.clients).new_message("hi")
    assert recorder.requests == [("POST", path, query, HI)]


@pytest.mark.parametrize(
    ("choose", "paths"),
    [
        pytest.param(
            lambda to: to.clients(["c1", "c2"]),
            {"/connections/c1/:send", "/connections/c2/:send"},
            id="clients",
        ),
        pytest.param(lambda to: to.groups(["g", "h"]), {"/groups/g/:send", "/groups/h/:send"}, id="groups"),
        pytest.param(
            lambda to: to.users(["ann", "bob"]), {"/users/ann/:send", "/users/bob/:send"}, id="users"
        ),
        pytest.param(lambda to: to.users(["ann", "ann"]), {"/users/ann/:send"}, id="the-same-twice"),
        pytest.param(lambda to: to.users([]), set(), id="nobody"),
    ],
)
async def test_choice_of_several_is_a_request_for_each(
    recorded_chat: Chat, recorder: Recorder, choose: Callable[[Any], ChatClient], paths: set[str]
) -> None:
    await choose(recorded_chat.clients).new_message("hi")
    assert [request for request in recorder.requests if request[3] != HI] == []
    assert sorted(request[1] for request in recorder.requests) == sorted(paths)


@pytest.mark.parametrize(
    "choose",
    [
        lambda chat: chat.clients.clients("ann"),
        lambda chat: chat.clients.groups("ann"),
        lambda chat: chat.clients.users("ann"),
        lambda chat: chat.clients.all_except("ann"),
        lambda chat: chat.clients.group_except("g", "ann"),
    ],
    ids=["clients", "groups", "users", "all_except", "group_except"],
)
def test_text_in_place_of_several_is_refused_where_it_is_written(
    recorded_chat: Chat, choose: Callable[[Chat], object]
) -> None:
    with pytest.raises(TypeError, match="are 'ann', expected a list of texts"):
        choose(recorded_chat)


async def test_name_of_the_target_may_differ(recorded_chat: Chat, recorder: Recorder) -> None:
    await recorded_chat.clients.all.other("hi")
    assert recorder.requests[0][3] == {"target": "Renamed", "arguments": ["hi"]}


async def test_hub_without_an_interface_sends_any_target(recorder: Recorder) -> None:
    chat = AnyChat()
    await chat.clients.user("ann").send("Any_Target", 1, None)
    await chat.service.aclose()
    assert recorder.requests == [
        ("POST", "/users/ann/:send", [], {"target": "Any_Target", "arguments": [1, None]})
    ]


async def test_sync_code_sends_from_a_thread(recorded_chat: Chat, recorder: Recorder) -> None:
    def send() -> None:
        run_sync(recorded_chat.clients.all.new_message("hi"))

    await asyncio.to_thread(send)
    assert recorder.requests == [("POST", "/:send", [], HI)]


async def test_client_is_asked_for_a_result(recorded_chat: Chat, recorder: Recorder) -> None:
    recorder.answers["/connections/c1/:invoke"] = [web.json_response({"result": 42})]
    assert await recorded_chat.clients.client("c1").ask_age() == 42
    assert recorder.requests == [
        ("POST", "/connections/c1/:invoke", [], {"target": "askAge", "arguments": []})
    ]
