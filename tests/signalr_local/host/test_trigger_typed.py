"""The SignalR trigger with the bindings of this project."""

import json
from typing import Any

import pytest
import pytest_asyncio

from tests.signalr_local.host.test_trigger import StartHost, call, invoke, message, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


TYPED = """
import logging
from datetime import date

from serverless_signalr import FunctionApp, HubException, SignalRInvocationContext, SignalROutput

app = FunctionApp()

@app.signalr_trigger(hub="chat", event="isLong")
def is_long(text: str) -> bool:
    return len(text) > 3

@app.signalr_trigger(hub="chat", event="number")
def number(value: int) -> int:
    return value

@app.signalr_trigger("invocation", hub="chat", event="facts")
def facts(invocation: SignalRInvocationContext) -> dict[str, object]:
    return {"user": invocation.user_id, "day": date(2026, 10, 21), "yes": True}

@app.signalr_trigger(hub="chat", event="refuse")
async def refuse(reason: str) -> None:
    raise HubException(reason)

@app.signalr_trigger(hub="chat", event="fail")
def fail() -> None:
    raise ValueError("my own mistake")

@app.signalr_trigger("invocation", hub="chat", event="send")
@app.signalr_output("outbox", hub="chat")
def send(invocation: SignalRInvocationContext, outbox: SignalROutput, *words: str) -> int:
    for word in words:
        outbox.send("newMessage", word)
    outbox.add_to_group("g", connection_id=invocation.connection_id)
    return len(words)

@app.signalr_trigger(hub="chat", event="show")
def show(invocation: SignalRInvocationContext) -> str:
    logging.warning("called by %s with %s", invocation, dict(invocation.query))
    print(invocation.headers, invocation.query)
    return invocation.query["access_token"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def typed(start_shared_host: StartHost, signalr_settings: dict[str, str]) -> Any:
    """Run an app with the bindings of ``serverless_signalr`` for all tests."""
    return await start_shared_host(TYPED, settings=signalr_settings)


@pytest.mark.parametrize("target", ["show", "fail", "nobody"])
async def test_the_client_s_token_is_in_no_log(typed: Any, log: Any, target: str) -> None:
    event = message(target, query="?hub=chat&id=c-token&access_token=eyJ.secret")
    reply = await typed.deliver(signed(event), call(target))
    if target == "show":
        assert json.loads(reply.text[:-1])["result"] == "eyJ.secret"
        await log.wait_for("'access_token': '")
    assert "secret" not in log.text
    assert "c-token" not in log.text


@pytest.mark.parametrize(("text", "result"), [("long", True), ("not", False)])
async def test_a_boolean_stays_one(typed: Any, text: str, result: bool) -> None:
    assert (await invoke(typed, "isLong", text))["result"] is result


async def test_a_typed_function_s_result_is_json(typed: Any) -> None:
    assert await invoke(typed, "facts") == {"result": {"user": None, "day": "2026-10-21", "yes": True}}


async def test_a_typed_function_s_output_is_sent(typed: Any, service: Any) -> None:
    assert await invoke(typed, "send", "a", "b") == {"result": 2}
    assert service.lines == [
        "POST /api/hubs/chat/:send",
        "POST /api/hubs/chat/:send",
        "PUT /api/hubs/chat/groups/g/connections/c1",
    ]
    assert [request.json()["arguments"] for request in service.requests[:2]] == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "isLong(text: string) was called with 0 arguments."),
        (("a", "b"), "isLong(text: string) was called with 2 arguments."),
        ((5,), "isLong(text: string) was called with a wrong text: expected string, got integer."),
    ],
)
async def test_a_call_that_does_not_fit_is_told_what_fits(
    typed: Any, arguments: tuple[object, ...], error: str
) -> None:
    assert await invoke(typed, "isLong", *arguments) == {"error": error}


async def test_a_hub_exception_is_told_word_for_word(typed: Any, log: Any) -> None:
    assert await invoke(typed, "refuse", "The room is full.") == {"error": "The room is full."}
    assert "The room is full." in log.text
    assert "Traceback" not in log.text


async def test_any_other_exception_of_a_typed_function_stays_in_the_log(typed: Any, log: Any) -> None:
    assert await invoke(typed, "fail") == {"error": "fail failed on the server."}
    text = log.find("my own mistake").getMessage()
    assert "Traceback (most recent call last)" in text
    assert f'File "{typed.folder / "function_app.py"}"' in text
