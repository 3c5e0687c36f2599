"""Whom answers are sent to: clients of any interface that can receive them, and nobody by mistake."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import pytest

from serverless_signalr._answers.streaming import send_answer, stream_answer
from serverless_signalr._answers.targets import ANSWER_TARGET, AnswerClient, owner_of
from serverless_signalr.connection import service_connection
from serverless_signalr.hub import ServerlessHub
from tests.serverless_signalr.rest_service import Service

SETTING = "AzureSignalRConnectionString"


class ChatClient(AnswerClient, Protocol):
    async def new_message(self, text: str) -> None: ...


class Sender(Protocol):
    async def send(self, text: str) -> None: ...


class Typed(ServerlessHub[ChatClient], hub="chat"):
    pass


class Untyped(ServerlessHub, hub="chat"):
    pass


class Unfit(ServerlessHub[Sender], hub="chat"):
    pass


@pytest.fixture
def setting(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, service.connection_string)


async def texts() -> AsyncIterator[str]:
    yield "hello"


async def sent_by(service: Service, target: Any) -> list[tuple[str, Any]]:
    await send_answer(target, texts(), id="a")
    return [(request.path, json.loads(request.body)) for request in service.requests]


async def test_pieces_are_messages_to_one_target_of_typed_clients(service: Service, setting: None) -> None:
    path = "/api/hubs/chat/users/ann/:send"
    assert await sent_by(service, Typed().clients.user("ann")) == [
        (
            path,
            {"target": ANSWER_TARGET, "arguments": [{"id": "a", "seq": 1, "kind": "text", "text": "hello"}]},
        ),
        (path, {"target": ANSWER_TARGET, "arguments": [{"id": "a", "seq": 2, "kind": "done"}]}),
    ]


async def test_pieces_reach_clients_without_an_interface(service: Service, setting: None) -> None:
    sent = await sent_by(service, Untyped().clients.group("tea"))
    assert [(path, body["target"]) for path, body in sent] == [
        ("/api/hubs/chat/groups/tea/:send", ANSWER_TARGET)
    ] * 2


async def test_pieces_reach_whom_a_function_sends_them_to(service: Service, setting: None) -> None:
    client = service_connection().client("chat")
    sent = await sent_by(service, partial(client.send_to_user, "ann", ANSWER_TARGET))
    assert [path for path, _ in sent] == ["/api/hubs/chat/users/ann/:send"] * 2


async def test_429_and_lost_connections_of_the_service_cost_no_letter(
    service: Service, setting: None
) -> None:
    client = service_connection().client("chat", retries=0)
    service.answer(202)
    service.answer(429, times=2)
    service.drop()

    async def words() -> AsyncIterator[str]:
        for number in range(30):
            yield f"word{number} "
            await asyncio.sleep(0.01)

    await send_answer(partial(client.send_to_user, "ann", ANSWER_TARGET), words(), every=timedelta(0))
    received: dict[int, str] = {}
    for request in service.requests:
        [piece] = json.loads(request.body)["arguments"]
        # Whatever is sent again is the same piece.
        assert received.setdefault(piece["seq"], piece.get("text", "")) == piece.get("text", "")
    assert "".join(received.values()) == "".join(f"word{number} " for number in range(30))
    assert len(received) < 30
    assert len(service.requests) == len(received) + 3


def test_clients_that_cannot_receive_answers_are_refused(setting: None) -> None:
    clients: Any = Unfit().clients.user("ann")
    with pytest.raises(
        TypeError, match=r"Sender has no method answer_piece.*class Sender\(AnswerClient, Protocol\)"
    ):
        stream_answer(clients)


@pytest.mark.parametrize("target", [None, "ann", 5, ChatClient])
def test_what_is_no_client_is_refused(target: Any) -> None:
    with pytest.raises(TypeError, match="has no method answer_piece"):
        stream_answer(target)


def test_owner_is_the_user_that_was_chosen(setting: None) -> None:
    clients = Untyped().clients
    assert owner_of(clients.user("ann/b é")) == "ann/b é"
    others = [
        clients.all,
        clients.group("users"),
        clients.client("c"),
        clients.users(["ann"]),
        clients.group_except("g", ["c"]),
    ]
    assert [owner_of(each) for each in others] == [None] * 5
