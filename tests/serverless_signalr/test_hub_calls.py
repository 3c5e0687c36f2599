"""Calls to a hub: what becomes of them between the worker and a method."""

import asyncio
import inspect
import json
import logging
import traceback
import typing
from typing import Any

import pytest

from serverless_signalr import (
    HubException,
    SignalRInvocationContext,
)
from serverless_signalr._hub.methods import Call
from serverless_signalr.hub import ServerlessHub
from tests.serverless_signalr.hubs import SETTING, Chat, functions

pytestmark = pytest.mark.usefixtures("service_setting")


def delivered(event: str, *arguments: object, category: str = "messages", claims: str = "") -> str:
    """Return what the trigger binding delivers."""
    headers = {"X-ASRS-User-Claims": claims} if claims else {}
    return json.dumps(
        {
            "Arguments": arguments,
            "Error": None,
            "Category": category,
            "Event": event,
            "Hub": "chat",
            "ConnectionId": "c1",
            "UserId": "ann",
            "Headers": headers,
            "Query": None,
            "Claims": None,
        }
    )


async def run(hub: ServerlessHub[Any], method: str, *arguments: object, **options: Any) -> object:
    """Call a method of a hub as the worker calls its function."""
    function: Any = functions(hub.blueprint)[f"{hub.hub_name}_{method}"].get_user_function()
    return await function(invocation=delivered(method, *arguments, **options))


async def test_call_is_answered_with_what_the_method_returns() -> None:
    assert await run(Chat(), "send_to_group", "g", "hi") == "g: hi"


async def test_method_learns_who_calls() -> None:
    assert await run(Chat(), "named") == ["ann", "c1"]


async def test_sync_method_is_answered_too() -> None:
    assert await run(Chat(), "sync", 1) == 2


async def test_wrong_call_is_told_what_fits() -> None:
    message = r"^sendToGroup\(groupName: string, text: string\) was called with 1 argument\.$"
    with pytest.raises(HubException, match=message):
        await run(Chat(), "send_to_group", "g")


async def test_hub_exception_reaches_the_caller() -> None:
    with pytest.raises(HubException, match=r"^Not today\.$"):
        await run(Chat(), "refuse")


async def test_other_exception_reaches_the_caller_as_a_general_sentence() -> None:
    with pytest.raises(HubException, match=r"^fail failed on the server\.$"):
        await run(Chat(), "fail")


async def test_result_that_cannot_be_sent_is_told_as_a_general_sentence() -> None:
    # Left to the worker, it would fail there, and the caller would see the worker's traceback.
    with pytest.raises(HubException, match=r"^answerWithAnObject failed on the server\.$"):
        await run(Chat(), "answer_with_an_object")


@pytest.mark.parametrize("method", ["fail", "refuse", "answer_with_an_object"])
async def test_caller_sees_neither_traceback_nor_cause(method: str) -> None:
    with pytest.raises(HubException) as raised:
        await run(Chat(), method)
    error = raised.value
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert shown.count("\n") == 1


async def test_other_exception_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "serverless_signalr"), pytest.raises(HubException):
        await run(Chat(), "fail")
    assert "ValueError: secret" in caplog.text


async def test_hub_exception_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(HubException):
        await run(Chat(), "refuse")
    assert [record for record in caplog.records if record.name == "serverless_signalr"] == []


async def test_caller_with_the_role_may_call() -> None:
    assert await run(Chat(), "delete_all", claims="name: ann, role: user, role: admin") is True


@pytest.mark.parametrize("claims", ["", "role: user", "name: admin"])
async def test_caller_without_the_role_may_not_call(claims: str) -> None:
    with pytest.raises(HubException, match=r"^deleteAll is not allowed: it requires the role admin\.$"):
        await run(Chat(), "delete_all", claims=claims)


@pytest.mark.parametrize("method", ["connected", "disconnected"])
async def test_exception_of_a_connection_stays_what_it_is(method: str) -> None:
    class Broken(ServerlessHub, hub="chat"):
        async def connected(self) -> None:
            raise ValueError("broken")

        async def disconnected(self) -> None:
            raise ValueError("broken")

    with pytest.raises(ValueError, match=r"^broken$"):
        await run(Broken(), method, category="connections")


async def test_cancelled_call_is_cancelled() -> None:
    started = asyncio.Event()

    class Slow(ServerlessHub, hub="chat"):
        async def wait(self) -> None:
            started.set()
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(run(Slow(), "wait"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_filters_surround_messages_and_connections() -> None:
    seen: list[str] = []

    async def note(invocation: SignalRInvocationContext, call: Call) -> object:
        seen.append(f"{invocation.category}/{invocation.event}")
        return await call()

    class Noted(ServerlessHub, hub="chat"):
        filters = (note,)

        async def connected(self) -> None: ...
        async def send(self) -> None: ...

    hub = Noted()
    await run(hub, "connected", category="connections")
    await run(hub, "send")
    assert seen == ["connections/connected", "messages/send"]


async def test_exception_of_a_filter_reaches_the_caller_as_a_general_sentence() -> None:
    async def fail(invocation: SignalRInvocationContext, call: Call) -> object:
        raise ValueError("secret")

    class Filtered(ServerlessHub, hub="chat"):
        filters = (fail,)

        async def send(self) -> None: ...

    with pytest.raises(HubException, match=r"^send failed on the server\.$"):
        await run(Filtered(), "send")


async def test_call_does_not_need_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    assert await run(Chat(), "send_to_group", "g", "hi") == "g: hi"


async def test_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "serverless_signalr"), pytest.raises(HubException):
        await run(Chat(), "fail")
    assert [record.getMessage() for record in caplog.records] == ["fail failed"]


async def test_call_reads_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    function: Any = functions(Chat().blueprint)["chat_send_to_group"].get_user_function()

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a call costs what loading could have done")

    monkeypatch.setattr(inspect, "signature", fail)
    monkeypatch.setattr(typing, "get_type_hints", fail)
    assert await function(invocation=delivered("sendToGroup", "g", "hi")) == "g: hi"
