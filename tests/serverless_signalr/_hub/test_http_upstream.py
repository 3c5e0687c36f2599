"""A hub's events through one HTTP function: what the service sends, and what it is answered."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import msgpack
import pytest
from azure_functions_runtime.bindings import meta
from azure_functions_runtime.functions import Registry
from pytest_mock import MockerFixture

from serverless_signalr import FunctionApp
from serverless_signalr._upstream import receiver
from serverless_signalr.hub import ServerlessHub
from signalr_local.worker import protos
from tests.serverless_signalr._hub.upstream_requests import (
    JSON,
    MESSAGEPACK,
    Chat,
    call,
    packed_call,
    post,
    request_for,
    upstream,
)

# The function.


def test_all_events_have_one_function() -> None:
    assert upstream(Chat()).get_function_name() == "chat_upstream"


def test_function_is_anonymous_and_answers_post_alone() -> None:
    bindings = {binding["type"]: binding for binding in map(json.loads, upstream(Chat()).get_raw_bindings())}
    trigger = bindings["httpTrigger"]
    assert (trigger["route"], trigger["methods"], trigger["authLevel"]) == (
        "signalr/events",
        ["POST"],
        "ANONYMOUS",
    )


def test_worker_accepts_the_function() -> None:
    meta.load_binding_registry()
    function = upstream(Chat())
    assert Registry().add_indexed_function(function, protos).func is function.get_user_function()


# What a caller is answered.


@pytest.mark.parametrize(
    ("target", "arguments", "completion"),
    [
        pytest.param("echo", ["hi"], b'{"type":3,"invocationId":"1","result":"hi"}\x1e', id="text"),
        pytest.param("echo", [True], b'{"type":3,"invocationId":"1","result":true}\x1e', id="true"),
        pytest.param("echo", [False], b'{"type":3,"invocationId":"1","result":false}\x1e', id="false"),
        pytest.param("echo", [None], b'{"type":3,"invocationId":"1","result":null}\x1e', id="null"),
        pytest.param("echo", [0], b'{"type":3,"invocationId":"1","result":0}\x1e', id="zero"),
        pytest.param("echo", [1.5], b'{"type":3,"invocationId":"1","result":1.5}\x1e', id="fraction"),
        pytest.param("echo", [""], b'{"type":3,"invocationId":"1","result":""}\x1e', id="empty-text"),
        pytest.param("echo", [[]], b'{"type":3,"invocationId":"1","result":[]}\x1e', id="empty-list"),
        pytest.param(
            "echo",
            [{"B": [1, {"a": "2026-02-03T04:05:06.789Z"}]}],
            b'{"type":3,"invocationId":"1","result":{"B":[1,{"a":"2026-02-03T04:05:06.789Z"}]}}\x1e',
            id="object",
        ),
        pytest.param(
            "echo",
            ["Zoë 群"],
            '{"type":3,"invocationId":"1","result":"Zoë 群"}\x1e'.encode(),
            id="not-ascii",
        ),
        pytest.param("nothing", [], b'{"type":3,"invocationId":"1","result":null}\x1e', id="nothing"),
        pytest.param("sync", [], b'{"type":3,"invocationId":"1","result":true}\x1e', id="sync-method"),
        pytest.param(
            "sayHello", ["ann"], b'{"type":3,"invocationId":"1","result":"hello ann"}\x1e', id="default"
        ),
        pytest.param(
            "photo",
            [],
            b'{"type":3,"invocationId":"1","result":{"name":"cat","data":"AP8="}}\x1e',
            id="bytes-as-base64",
        ),
        pytest.param(
            "length", ["AP8="], b'{"type":3,"invocationId":"1","result":2}\x1e', id="bytes-from-base64"
        ),
        pytest.param(
            "answerWithHalfAnEmoji",
            [],
            '{"type":3,"invocationId":"1","result":"\ufffd"}\x1e'.encode(),
            id="half-an-emoji",
        ),
        pytest.param(
            "answerWithAHugeNumber",
            [],
            b'{"type":3,"invocationId":"1","result":18446744073709551616}\x1e',
            id="huge-number",
        ),
        pytest.param(
            "refuse",
            [],
            '{"type":3,"invocationId":"1","error":"Nicht heute, Zoë."}\x1e'.encode(),
            id="hub-exception",
        ),
        pytest.param(
            "fail",
            [],
            b'{"type":3,"invocationId":"1","error":"fail failed on the server."}\x1e',
            id="other-exception",
        ),
        pytest.param(
            "deleteAll",
            [],
            b'{"type":3,"invocationId":"1","error":"deleteAll is not allowed: it requires the role '
            b'admin."}\x1e',
            id="not-allowed",
        ),
        pytest.param(
            "sayHello",
            [],
            b'{"type":3,"invocationId":"1","error":"sayHello(name: string, times?: integer) was called with '
            b'0 arguments."}\x1e',
            id="wrong-call",
        ),
        pytest.param(
            "answerWithAnObject",
            [],
            b'{"type":3,"invocationId":"1","error":"answerWithAnObject failed on the server."}\x1e',
            id="result-that-cannot-be-sent",
        ),
        pytest.param(
            "answerWithNoNumber",
            [],
            b'{"type":3,"invocationId":"1","error":"answerWithNoNumber failed on the server."}\x1e',
            id="number-that-json-has-not",
        ),
    ],
)
async def test_invoke_is_answered_with_a_completion_as_json(
    chat: Chat, target: str, arguments: list[object], completion: bytes
) -> None:
    answer = await post(chat, call(target, *arguments), target)
    assert (answer.status_code, answer.get_body()) == (200, completion)


MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("target", "arguments", "completion"),
    [
        pytest.param("echo", ["hi"], "09 95 03 80 a1 31 03 a2 68 69", id="text"),
        pytest.param("echo", [True], "07 95 03 80 a1 31 03 c3", id="true"),
        pytest.param("echo", [False], "07 95 03 80 a1 31 03 c2", id="false"),
        pytest.param("echo", [None], "07 95 03 80 a1 31 03 c0", id="nil"),
        pytest.param("echo", [42], "07 95 03 80 a1 31 03 2a", id="number"),
        pytest.param("echo", [b"\x00\xff"], "0a 95 03 80 a1 31 03 c4 02 00 ff", id="bytes"),
        pytest.param(
            "echo",
            [[b"\x00", {"a": b"\xff"}]],
            "10 95 03 80 a1 31 03 92 c4 01 00 81 a1 61 c4 01 ff",
            id="nested",
        ),
        pytest.param(
            "photo",
            [],
            "19 95 03 80 a1 31 03 82 a4 6e 61 6d 65 a3 63 61 74 a4 64 61 74 61 c4 02 00 ff",
            id="bytes-of-a-dataclass",
        ),
        pytest.param("length", [b"\x00\xff"], "07 95 03 80 a1 31 03 02", id="bytes-as-argument"),
        pytest.param("year", [MOMENT], "09 95 03 80 a1 31 03 cd 07 ea", id="timestamp"),
        pytest.param("nothing", [], "07 95 03 80 a1 31 03 c0", id="nothing"),
        pytest.param("echo", ["x" * 200], "d0 01 95 03 80 a1 31 03 d9 c8" + " 78" * 200, id="long"),
        pytest.param(
            "refuse",
            [],
            "19 95 03 80 a1 31 01 b2" + "Nicht heute, Zoë.".encode().hex(),
            id="hub-exception",
        ),
        pytest.param(
            "fail", [], "21 95 03 80 a1 31 01 ba" + b"fail failed on the server.".hex(), id="other-exception"
        ),
        pytest.param(
            "answerWithAHugeNumber",
            [],
            "33 95 03 80 a1 31 01 d9 2b" + b"answerWithAHugeNumber failed on the server.".hex(),
            id="number-that-messagepack-has-not",
        ),
        pytest.param(
            "answerWithHalfAnEmoji",
            [],
            "0a 95 03 80 a1 31 03 a3 ef bf bd",
            id="half-an-emoji",
        ),
    ],
)
async def test_invoke_is_answered_with_a_completion_as_messagepack(
    chat: Chat, target: str, arguments: list[object], completion: str
) -> None:
    answer = await post(chat, packed_call(target, *arguments), target, content_type=MESSAGEPACK)
    assert (answer.status_code, answer.get_body()) == (200, bytes.fromhex(completion))


async def test_invocation_of_five_elements_is_answered(chat: Chat) -> None:
    body = msgpack.packb([1, {}, "1", "echo", [42]])
    answer = await post(chat, body, content_type=MESSAGEPACK)
    assert answer.get_body() == bytes.fromhex("07 95 03 80 a1 31 03 2a")


async def test_completion_has_the_id_of_the_call(chat: Chat) -> None:
    answer = await post(chat, call("nothing", id="a/b 群"), "nothing")
    assert json.loads(answer.get_body().rstrip(b"\x1e"))["invocationId"] == "a/b 群"


@pytest.mark.parametrize("body", [call("echo", 1) + b"\x1e", b" " + call("echo", 1) + b"\n"])
async def test_separator_and_blanks_around_the_call_are_free(chat: Chat, body: bytes) -> None:
    assert (await post(chat, body)).status_code == 200


@pytest.mark.parametrize("target", ["nothing", "echo", "refuse", "fail", "deleteAll", "answerWithAnObject"])
@pytest.mark.parametrize(
    ("make", "content_type"), [(call, JSON), (packed_call, MESSAGEPACK)], ids=["json", "messagepack"]
)
async def test_send_is_answered_with_nothing(chat: Chat, target: str, make: Any, content_type: str) -> None:
    body = make(target, *(["x"] if target == "echo" else []), id=None)
    answer = await post(chat, body, target, content_type=content_type)
    assert (answer.status_code, answer.get_body()) == (200, b"")


async def test_failure_is_logged_once(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    await post(chat, call("fail"), "fail")
    assert [record.message for record in caplog.records if record.exc_info] == ["fail failed"]


@pytest.mark.parametrize("target", ["fail", "answerWithAnObject"])
async def test_failure_is_logged_with_its_traceback(
    chat: Chat, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "serverless_signalr"):
        await post(chat, call(target), target)
    assert f"{target} failed\nTraceback" in caplog.text


# Connections.


async def test_connected_is_answered_with_nothing(chat: Chat) -> None:
    answer = await post(chat, b'{"type":10}', "connected", category="connections", user_id="ann")
    assert (answer.status_code, answer.get_body()) == (200, b"")
    assert (chat.seen[0].event, chat.seen[0].user_id, chat.seen[0].error) == ("connected", "ann", None)


async def test_connection_that_is_refused_is_forbidden(chat: Chat) -> None:
    answer = await post(chat, b'{"type":10}', "connected", category="connections", user_id="eve")
    assert (answer.status_code, answer.get_body()) == (403, b"")


@pytest.mark.parametrize(
    ("event", "status"), [("connected", 403), ("disconnected", 200)], ids=["connected", "disconnected"]
)
async def test_connection_whose_method_crashes_is_forbidden_while_it_can_be(
    connection_string: None, event: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    class Crashing(ServerlessHub, hub="chat"):
        async def connected(self) -> None:
            raise KeyError("crashed")

        async def disconnected(self) -> None:
            raise KeyError("crashed")

    answer = await post(Crashing(upstream_route="x"), b"{}", event, category="connections")
    assert (answer.status_code, answer.get_body()) == (status, b"")
    assert f"{event} failed" in caplog.text
    assert "KeyError: 'crashed'" in caplog.text


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b'{"type":11}', None, id="none"),
        pytest.param(b'{"type":11,"error":null}', None, id="null"),
        pytest.param(b'{"type":11,"error":""}', None, id="empty"),
        pytest.param(b'{"type":11,"error":"Ping timeout"}', "Ping timeout", id="lower-case"),
        pytest.param(b'{"Type":11,"Error":"Ping timeout"}', "Ping timeout", id="upper-case"),
        pytest.param(b'{"type":11,"error":5}', None, id="number"),
        pytest.param(b"", None, id="empty-body"),
        pytest.param(b"[1]", None, id="list"),
        pytest.param(b"\xff", None, id="not-utf-8"),
        pytest.param(b"[" * 100_000, None, id="nested-without-end"),
        pytest.param(b'{"error":' * 100_000, None, id="object-nested-without-end"),
    ],
)
async def test_error_that_ended_a_connection_is_told(chat: Chat, body: bytes, error: str | None) -> None:
    answer = await post(chat, body, "disconnected", category="connections")
    assert (answer.status_code, [seen.error for seen in chat.seen]) == (200, [error])


async def test_settings_are_read_once(chat: Chat, mocker: MockerFixture) -> None:
    read: Any = mocker.spy(receiver, "service_connection")
    app = FunctionApp()
    app.register_functions(chat.blueprint)
    [function] = app.get_functions()
    for _ in range(3):
        answer = await function.get_user_function()(request_for(call("echo", 1)))
        assert answer.status_code == 200
    assert read.call_count == 1
