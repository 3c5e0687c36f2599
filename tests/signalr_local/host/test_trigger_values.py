"""What events and results become on their way: dates, integers, bytes and depth, as in Azure."""

from datetime import UTC, datetime
from typing import Any

import pytest

from serverless_signalr.protocol import messagepack_protocol
from serverless_signalr.protocol.messages import Completion, HubMessage, Invocation
from signalr_local.host.options import HostOptions
from tests.signalr_local.host.test_trigger import app, invoke, message, signed
from tests.signalr_local.host.test_trigger_typed import TYPED, typed

__all__ = ["app", "typed"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def invoke_packed(app: Any, target: str, *arguments: object) -> tuple[int, HubMessage | None]:
    """Call a method as a MessagePack client does, and return the status and the completion, if any."""
    headers = signed(message(target)) | {"Content-Type": "application/x-msgpack"}
    (body,) = messagepack_protocol.FrameSplitter().feed(
        messagepack_protocol.encode(Invocation(target, [*arguments], "7"))
    )
    reply = await app.deliver(headers, body)
    frames = messagepack_protocol.FrameSplitter().feed(reply.body)
    return reply.status, messagepack_protocol.parse(frames[0]) if frames else None


async def test_a_result_that_messagepack_cannot_carry_is_an_error_of_the_call(app: Any, log: Any) -> None:
    text = (
        "give returned what MessagePack cannot carry to a client: the message has no form in MessagePack: "
        "Integer value out of range."
    )
    assert await invoke_packed(app, "give", "{'a': [2**70]}") == (200, Completion("7", error=text))
    assert text in log.text
    assert "Traceback" not in log.text


@pytest.mark.parametrize("result", ["2**63", "-(2**63) - 1"])
async def test_an_integer_that_azure_s_worker_cannot_carry_is_an_error_of_the_call(
    app: Any, log: Any, result: str
) -> None:
    text = (
        "Value out of range: an integer has more than 63 bits and a sign, which is what Azure's worker "
        "carries. Pass it as a text, or inside a list or a dict."
    )
    assert await invoke(app, "give", result) == {"error": text}
    assert await invoke_packed(app, "give", result) == (200, Completion("7", error=text))
    assert "Traceback" not in log.text


@pytest.mark.parametrize("result", [2**63 - 1, -(2**63), [2**70], {"a": -(2**70)}])
async def test_an_integer_of_64_bits_and_any_inside_a_list_is_kept(app: Any, result: object) -> None:
    assert await invoke(app, "give", repr(result)) == {"result": result}


async def test_an_integer_that_azure_s_host_loses_is_lost_and_told_once(typed: Any, log: Any) -> None:
    for _ in range(2):
        assert await invoke(typed, "number", 12345678901234567890) == {
            "result": {"isPowerOfTwo": False, "isZero": False, "isOne": False, "isEven": True, "sign": 1}
        }
    log.find("A result was lost, as in Azure: Functions.number returned an integer of more than 64 bits")


async def test_arguments_that_azure_s_host_does_not_read_are_refused(app: Any, log: Any) -> None:
    value: object = 1
    for _ in range(100):
        value = [value]
    assert await invoke_packed(app, "context", value) == (500, None)
    assert "levels of lists and objects" in log.text
    assert "Traceback" not in log.text


async def test_a_result_with_too_many_levels_is_an_error_of_the_call(app: Any, log: Any) -> None:
    source = "json.loads('[' * 64 + ']' * 64)"
    text = "give returned what JSON cannot carry to a client: more than 63 levels of lists and objects."
    assert await invoke(app, "give", source) == {"error": text}
    assert "Traceback" not in log.text


@pytest.mark.parametrize(
    ("result", "received"), [("'a\\ud800b'", "a\ufffdb"), ("b'\\x00\\xff'", b"\x00\xff")]
)
async def test_a_messagepack_client_receives_text_and_bytes(app: Any, result: str, received: object) -> None:
    assert await invoke_packed(app, "give", result) == (200, Completion("7", received))


async def test_a_date_that_is_rewritten_is_told_once(app: Any, log: Any) -> None:
    for _ in range(2):
        await invoke(app, "context", "2026-01-02T03:04:05.120Z")
    told = log.find("A date in an argument was rewritten").getMessage()
    assert "2026-01-02T03:04:05.120Z, the function got 2026-01-02T03:04:05.12Z" in told


@pytest.mark.parametrize(
    ("source", "target"),
    [("{'outbox': {'target': 'returned'}, 'x': 1}", "returned"), ("{'x': 1}", "set"), ("5", "set")],
)
async def test_a_dict_that_is_returned_fills_the_outputs_of_its_names(
    app: Any, service: Any, source: str, target: str
) -> None:
    answer = await invoke(app, "fill", source)
    assert "result" in answer
    assert [request.json()["target"] for request in service.requests] == [target]


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05.120Z", "2026-01-02T03:04:05+02:00"])
async def test_values_may_be_kept_where_azure_rewrites_them(
    start_host: Any, signalr_settings: dict[str, str], text: str
) -> None:
    source = (
        "import json\nimport azure.functions as func\napp = func.FunctionApp()\n"
        '@app.generic_trigger("i", type="signalRTrigger", hub_name="chat", category="messages", '
        'event="show")\n'
        'def show(i):\n    return json.loads(i)["Arguments"]\n'
    )
    host = await start_host(source, settings=signalr_settings, options=HostOptions(keep_values=True))
    assert await invoke(host, "show", text) == {"result": [text]}
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    status, completion = await invoke_packed(host, "show", moment, "after")
    assert status == 200
    assert completion == Completion("7", ["2026-01-02T00:00:00Z", "after"])


async def test_an_integer_may_be_kept_where_azure_loses_it(
    start_host: Any, signalr_settings: dict[str, str]
) -> None:
    host = await start_host(TYPED, settings=signalr_settings, options=HostOptions(keep_values=True))
    assert await invoke(host, "number", 12345678901234567890) == {"result": 12345678901234567890}
