"""The SignalR trigger: events as the service delivers them, and what it is answered."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from serverless_signalr.protocol import messagepack_protocol
from serverless_signalr.protocol.messages import Completion, Invocation
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator import DEFAULT_ACCESS_KEY
from signalr_local.host import trigger

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

PLAIN = """
import json

import azure.functions as func

app = func.FunctionApp()

class ForTheCaller(Exception):
    __traceback__ = property(lambda self: None, lambda self, value: None)

def on(event, category="messages", **properties):
    return app.generic_trigger(
        "invocation",
        type="signalRTrigger",
        **{"hub_name": "Chat", "category": category, "event": event, **properties},
    )

@on("context")
def context(invocation: str):
    return {"text": invocation, "context": json.loads(invocation)}

@on("give")
async def give(invocation: str):
    return eval(json.loads(invocation)["Arguments"][0])

@on("sendMessage")
def send_message(invocation: str) -> None:
    print("ran", json.loads(invocation)["Arguments"])

@on("fail")
def fail(invocation: str) -> None:
    kind, *words = json.loads(invocation)["Arguments"]
    raise {"clean": ForTheCaller, "other": ValueError}[kind](*words)

@on("connected", "connections")
def connected(invocation: str) -> None:
    _on_connection(invocation)

@on("disconnected", "connections")
def disconnected(invocation: str) -> None:
    _on_connection(invocation)

def _on_connection(invocation):
    print(invocation)
    if json.loads(invocation)["UserId"] == "nobody":
        raise ValueError("my own mistake")

@on("fill")
@app.generic_output_binding("outbox", type="signalR", hub_name="chat")
def fill(invocation: str, outbox: func.Out[str]) -> str:
    outbox.set('{"target": "set"}')
    return eval(json.loads(invocation)["Arguments"][0])

@on("named", parameter_names=["room", "text"])
@app.generic_output_binding("outbox", type="signalR", hub_name="{room}")
def named(invocation: str, outbox: func.Out[str]) -> str:
    outbox.set({"target": "t", "arguments": [json.loads(invocation)["Arguments"][1]]})
    return "done"

@on("identity", connection_string_setting="Identity")
def identity(invocation: str) -> str:
    return "unchecked"

@on("rotated", connection_string_setting="Rotated")
def rotated(invocation: str) -> str:
    return "checked"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(start_shared_host: StartHost, signalr_settings: dict[str, str]) -> Any:
    """Run an app with the worker library's own bindings for all tests."""
    settings = {
        **signalr_settings,
        "Identity": "Endpoint=http://localhost;AuthType=azure.msi",
        "Rotated": f"Endpoint=http://localhost;AccessKey={'second' * 6}",
    }
    return await start_shared_host(PLAIN, settings=settings)


def message(event: str, **fields: Any) -> UpstreamEvent:
    return UpstreamEvent("chat", "messages", event, "c1", **fields)


def signed(event: UpstreamEvent) -> dict[str, str]:
    return event.headers([DEFAULT_ACCESS_KEY])


def call(target: str, *arguments: object, id: str | None = "0") -> dict[str, object]:
    """Return the body of a call, as ``invoke`` makes it, or ``send`` without an id."""
    body: dict[str, object] = {"type": 1, "target": target, "arguments": arguments}
    return body if id is None else {**body, "invocationId": id}


async def invoke(app: Any, target: str, *arguments: object) -> dict[str, Any]:
    """Call a method and return the completion."""
    reply = await app.deliver(signed(message(target)), call(target, *arguments))
    assert reply.status == 200
    assert reply.text.endswith("\x1e")
    completion: dict[str, Any] = json.loads(reply.text[:-1])
    assert completion.pop("type") == 3
    assert completion.pop("invocationId") == "0"
    return completion


# What is refused.


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", ["X-ASRS-Hub", "X-ASRS-Category", "X-ASRS-Event", "X-ASRS-Connection-Id"])
async def test_an_event_without_one_of_its_headers_is_a_bad_request(
    app: Any, log: Any, name: str, value: str | None
) -> None:
    headers = signed(message("context"))
    del headers[name]
    if value is not None:
        headers[name] = value
    reply = await app.deliver(headers, call("context"))
    assert (reply.status, reply.body) == (400, b"")
    assert log.text == (
        f"WARNING An upstream request was refused: the upstream request has no {name} header."
    )


@pytest.mark.parametrize(
    "event",
    [
        message("unheard"),
        UpstreamEvent("other", "messages", "context", "c1"),
        UpstreamEvent("chat", "connections", "context", "c1"),
    ],
    ids=["event", "hub", "category"],
)
async def test_an_event_that_nobody_listens_to_is_not_found(app: Any, log: Any, event: UpstreamEvent) -> None:
    reply = await app.deliver(signed(event), call(event.event))
    assert (reply.status, reply.body) == (404, b"")
    text = log.find("No function listens to hub").getMessage()
    assert f"hub '{event.hub}', category '{event.category}', event '{event.event}'" in text
    assert "chat/connections/connected" in text


@pytest.mark.parametrize(
    "signature", [None, "", "sha256=0", "sha256=", "é"], ids=["absent", "empty", "wrong", "short", "odd"]
)
async def test_an_event_that_is_not_signed_is_unauthorized(app: Any, log: Any, signature: str | None) -> None:
    headers = signed(message("sendMessage"))
    del headers["X-ASRS-Signature"]
    if signature is not None:
        headers["X-ASRS-Signature"] = signature
    reply = await app.deliver(headers, call("sendMessage"))
    assert (reply.status, reply.body) == (401, b"")
    assert reply.reason == "The request is unauthorized, please check the Signature."
    assert "its X-ASRS-Signature fits no access key of the setting AzureSignalRConnectionString" in log.text
    assert "ran" not in log.text


async def test_a_signature_for_another_connection_is_unauthorized(app: Any) -> None:
    headers = signed(message("context")) | {"X-ASRS-Connection-Id": "c2"}
    assert (await app.deliver(headers, call("context"))).status == 401


async def test_one_of_several_signatures_is_enough(app: Any) -> None:
    headers = message("context").headers(["other", DEFAULT_ACCESS_KEY])
    assert (await app.deliver(headers, call("context"))).status == 200
    headers["X-ASRS-Signature"] = headers["X-ASRS-Signature"].replace("a", "A").replace("f", "F")
    assert (await app.deliver(headers, call("context"))).status == 200


@pytest.mark.parametrize("name", ["X-ASRS-Signature", "X-ASRS-Connection-Id"])
async def test_bytes_that_are_no_text_in_a_header_are_refused(app: Any, log: Any, name: str) -> None:
    lines = {**signed(message("context")), "Content-Type": "application/json", "Content-Length": "2"}
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items() if key != name)
    reader, writer = await asyncio.open_connection("127.0.0.1", app.host.port)
    writer.write(f"POST {trigger.PATH} HTTP/1.1\r\nHost: localhost\r\n{head}{name}: ".encode())
    writer.write(b"sha256=\xff\r\n\r\n{}")
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert status.split()[1] == b"400"
    assert "Traceback" not in log.text


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000], ids=["lists", "objects"])
async def test_a_body_that_is_nested_without_end_leaves_no_traceback(app: Any, log: Any, body: bytes) -> None:
    event = UpstreamEvent("chat", "connections", "disconnected", "c1")
    assert (await app.deliver(signed(event), body)).status == 200
    assert (await app.deliver(signed(message("context")), body)).status == 500
    assert "Traceback" not in log.text


async def test_the_key_is_that_of_the_function_s_own_connection(app: Any) -> None:
    assert (await app.deliver(signed(message("rotated")), call("rotated"))).status == 401
    headers = message("rotated").headers(["second" * 6])
    assert (await app.deliver(headers, call("rotated"))).status == 200


async def test_an_identity_has_no_key_to_check_a_signature_with(app: Any) -> None:
    headers = message("identity").headers([])
    reply = await app.deliver(headers, call("identity"))
    assert reply.status == 200
    assert json.loads(reply.text[:-1])["result"] == "unchecked"


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", ""])
async def test_what_is_neither_json_nor_messagepack_is_an_unsupported_media_type(
    app: Any, content_type: str
) -> None:
    headers = signed(message("context")) | {"Content-Type": content_type}
    reply = await app.deliver(headers, call("context"))
    assert (reply.status, reply.body) == (415, b"")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        {"type": 10},
        {"type": 3, "invocationId": "0"},
        {"type": 1, "target": "other", "arguments": []},
        {"type": 1, "arguments": []},
        {"type": 4, "invocationId": "0", "target": "context", "arguments": []},
    ],
    ids=repr,
)
async def test_a_body_that_is_no_call_of_the_event_is_an_error(app: Any, log: Any, body: object) -> None:
    reply = await app.deliver(signed(message("context")), body)
    assert (reply.status, reply.body, reply.reason) == (500, b"", "Parsing message failed")
    assert log.text.startswith("WARNING An upstream request was refused: ")


@pytest.mark.parametrize(
    "path", ["/runtime/webhooks/signalr?code=key", "/runtime/webhooks/signalr/", "/Runtime/WebHooks/SignalR"]
)
async def test_the_webhook_has_one_address_however_it_is_written(app: Any, path: str) -> None:
    headers = signed(message("context")) | {"Content-Type": "application/json"}
    reply = await app.post(path, data=json.dumps(call("context")), headers=headers)
    assert reply.status == 200


# What a function receives.


async def test_a_function_receives_the_event_in_the_extension_s_words(app: Any) -> None:
    event = UpstreamEvent(
        "chat",
        "messages",
        "context",
        "c1",
        "ann",
        {"role": ("a", "b"), "iss": ("azure-signalr",)},
        "?hub=chat&x=a%20b&x=c&empty=",
    )
    sent = {**signed(event), "X-Forwarded-For": "::1"}
    reply = await app.deliver(sent, call("Context", "hi", {"a": [1, None, True]}))
    result = json.loads(reply.text[:-1])["result"]
    context = result["context"]
    assert result["text"] == json.dumps(context, separators=(",", ":"))
    headers = context.pop("Headers")
    assert list(context.items()) == [
        ("Arguments", ["hi", {"a": [1, None, True]}]),
        ("Error", None),
        ("Category", "messages"),
        ("Event", "context"),
        ("Hub", "chat"),
        ("ConnectionId", "c1"),
        ("UserId", "ann"),
        ("Query", {"hub": "chat", "x": "a b,c", "empty": ""}),
        ("Claims", {"role": "a", "iss": "azure-signalr"}),
    ]
    assert headers.items() >= sent.items()
    assert headers["Host"] == app.url.removeprefix("http://")
    assert not {"content-type", "content-length"} & {name.lower() for name in headers}


async def test_what_an_event_does_not_say_is_null(app: Any) -> None:
    result = (await invoke(app, "context"))["result"]["context"]
    assert {name for name, value in result.items() if value is None} == {"Error", "UserId", "Query", "Claims"}
    assert result["Arguments"] == []


async def test_names_of_hub_and_event_have_no_case(app: Any) -> None:
    event = UpstreamEvent("CHAT", "Messages", "CONTEXT", "c1")
    reply = await app.deliver(signed(event), call("context"))
    context = json.loads(reply.text[:-1])["result"]["context"]
    assert (context["Hub"], context["Category"], context["Event"]) == ("CHAT", "Messages", "CONTEXT")


# What the service is answered.


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("None", None),
        ("'text'", "text"),
        ("'{}'", "{}"),
        ("'caf\u00e9 \U0001f600'", "café \N{GRINNING FACE}"),
        ("12", 12),
        ("1.5", 1.5),
        ("{'A': [1, None, True]}", {"A": [1, None, True]}),
        ("[1, 'a']", [1, "a"]),
        ("True", 1),
        ("b'abc'", "YWJj"),
        ("''", ""),
        ("[]", []),
        ("0", 0),
    ],
)
async def test_what_a_function_returns_is_the_caller_s_result(app: Any, source: str, result: object) -> None:
    assert await invoke(app, "give", source) == {"result": result}


@pytest.mark.parametrize("source", ["{1, 2}", "object()", "{'a': {1}}"])
async def test_a_value_that_json_cannot_carry_fails(app: Any, log: Any, source: str) -> None:
    assert await invoke(app, "give", source) == {"error": "give failed on the server."}
    assert "Executed 'Functions.give' (Failed" in log.text


async def test_a_caller_that_waits_for_nothing_gets_nothing(app: Any, log: Any) -> None:
    reply = await app.deliver(signed(message("sendMessage")), call("sendMessage", 1, id=None))
    assert (reply.status, reply.body) == (200, b"")
    assert log.find("ran").getMessage() == "ran [1]"


async def test_a_caller_that_waits_for_nothing_learns_of_no_failure(app: Any, log: Any) -> None:
    reply = await app.deliver(signed(message("fail")), call("fail", "other", "x", id=None))
    assert (reply.status, reply.body) == (200, b"")
    assert "Executed 'Functions.fail' (Failed" in log.text


async def test_an_exception_made_for_the_caller_is_told_word_for_word(app: Any, log: Any) -> None:
    assert await invoke(app, "fail", "clean", "The room is full.") == {"error": "The room is full."}
    assert "ForTheCaller: The room is full." in log.text
    assert "Traceback" not in log.text


async def test_any_other_exception_is_told_in_general_and_logged_whole(app: Any, log: Any) -> None:
    assert await invoke(app, "fail", "other", "password 123") == {"error": "fail failed on the server."}
    text = log.find(
        "Exception while executing function: Functions.fail. ValueError: password 123"
    ).getMessage()
    assert "Traceback (most recent call last)" in text
    assert f'File "{app.folder / "function_app.py"}"' in text
    assert "raise serverless_signalr.HubException for an error that a client may see" in log.text


async def test_the_log_tells_start_and_end_of_an_event(app: Any, log: Any) -> None:
    await invoke(app, "give", "1")
    assert log.records[0].getMessage().startswith("Executing 'Functions.give' (Reason='(null)', Id=")
    assert log.records[-1].getMessage().startswith("Executed 'Functions.give' (Succeeded, Id=")


@pytest.mark.parametrize(
    ("event", "user", "status"),
    [
        ("connected", "ann", 200),
        ("connected", "nobody", 403),
        ("Connected", "nobody", 403),
        ("disconnected", "ann", 200),
        ("disconnected", "nobody", 200),
    ],
)
async def test_only_a_failed_connect_is_forbidden(app: Any, event: str, user: str, status: int) -> None:
    headers = signed(UpstreamEvent("chat", "connections", event, "c1", user))
    reply = await app.deliver(headers, {"type": 10})
    assert (reply.status, reply.body) == (status, b"")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"type": 11, "error": "gone"}, "gone"),
        ({"type": 11, "Error": "gone"}, "gone"),
        ({"type": 11, "error": None}, None),
        ({"type": 11, "error": ""}, ""),
        ({"type": 11}, None),
        (b"", None),
        (b"[]", None),
    ],
)
async def test_a_disconnect_tells_its_error(app: Any, log: Any, body: object, error: str | None) -> None:
    headers = signed(UpstreamEvent("chat", "connections", "disconnected", "c1"))
    assert (await app.deliver(headers, body)).status == 200
    context = json.loads(log.find("ConnectionId").getMessage())
    assert (context["Error"], context["Arguments"]) == (error, None)


# Parameter names.


async def test_named_arguments_serve_other_bindings(app: Any, service: Any) -> None:
    assert await invoke(app, "named", "Blue", "hi") == {"result": "done"}
    [request] = service.requests
    assert request.path == "/api/hubs/blue/:send"
    assert request.json() == {"target": "t", "arguments": ["hi"]}


@pytest.mark.parametrize("arguments", [(), ("Blue",), ("Blue", "hi", "more")])
async def test_named_arguments_must_all_be_there(
    app: Any, service: Any, log: Any, arguments: tuple[str, ...]
) -> None:
    assert await invoke(app, "named", *arguments) == {"error": "Exception binding parameter 'invocation'"}
    expected = f"The function accepts 2 arguments but the message has {len(arguments)}."
    assert log.text == f"ERROR Functions.named was not run. {expected}"
    assert service.requests == []


async def test_an_output_that_cannot_be_sent_fails_the_call(app: Any, service: Any, log: Any) -> None:
    service.answer(500, "broken")
    assert await invoke(app, "named", "Blue", "hi") == {"error": "named failed on the server."}
    assert "POST /api/hubs/blue/:send failed with 500 (broken)" in log.text


async def test_a_call_in_messagepack_is_answered_in_messagepack(app: Any) -> None:
    headers = signed(message("context")) | {"Content-Type": "application/x-msgpack"}
    (body,) = messagepack_protocol.FrameSplitter().feed(
        messagepack_protocol.encode(Invocation("context", [b"\x00\xff"], "7"))
    )
    reply = await app.deliver(headers, body)
    (frame,) = messagepack_protocol.FrameSplitter().feed(reply.body)
    answer = messagepack_protocol.parse(frame)
    assert reply.status == 200
    assert isinstance(answer, Completion)
    assert answer.error is None
    assert "AP8=" in json.dumps(answer.result)
