"""A hub's events through one HTTP function: what the service sends, and what it is answered."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import azure.functions as func
import msgpack
import pytest
from azure_functions_runtime.bindings import meta
from azure_functions_runtime.functions import Registry

from serverless_signalr import ConnectionStringError, FunctionApp, HubException, SignalRInvocationContext
from serverless_signalr._hub.authorization import requires
from serverless_signalr._hub.methods import Call
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.worker import protos

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


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, CONNECTION)


@pytest.fixture
def chat() -> Chat:
    return Chat()


def upstream(hub: ServerlessHub[Any]) -> Any:
    """Return the hub's one function."""
    app = FunctionApp()
    app.register_functions(hub.blueprint)
    [function] = app.get_functions()
    return function


async def post(
    hub: ServerlessHub[Any],
    body: bytes,
    event: str = "echo",
    *,
    category: str = "messages",
    content_type: str = JSON,
    keys: tuple[str, ...] = (KEY,),
    headers: Mapping[str, str | None] | None = None,
    **options: Any,
) -> func.HttpResponse:
    """Send a request as the service does; a header of None is left out."""
    upstream_event = UpstreamEvent("chat", category, event, "c1", **options)
    all_headers = {"Content-Type": content_type, **upstream_event.headers(keys), **(headers or {})}
    request = func.HttpRequest(
        method="POST",
        url="https://chat.azurewebsites.net/api/signalr/events",
        headers={name: value for name, value in all_headers.items() if value is not None},
        body=body,
    )
    answer: func.HttpResponse = await upstream(hub).get_user_function()(request)
    return answer


def call(target: str, *arguments: object, id: str | None = "1") -> bytes:
    """Return the body of a call as JSON, without the separator that a client sends."""
    message: dict[str, object] = {"type": 1, "target": target, "arguments": arguments}
    return json.dumps(message if id is None else message | {"invocationId": id}).encode()


def packed_call(target: str, *arguments: object, id: str | None = "1") -> bytes:
    """Return the body of a call as MessagePack, without the length that a client sends."""
    return bytes(msgpack.packb([1, {}, id, target, arguments, []], datetime=True))


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
            b'{"type":3,"invocationId":"1","result":"\\ud83d"}\x1e',
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
            "33 95 03 80 a1 31 01 d9 2b" + b"answerWithHalfAnEmoji failed on the server.".hex(),
            id="text-that-messagepack-has-not",
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


@pytest.mark.parametrize("target", ["fail", "answerWithAnObject"])
async def test_failure_is_logged_with_its_traceback(
    chat: Chat, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "serverless_signalr"):
        await post(chat, call(target), target)
    assert f"{target} failed\nTraceback" in caplog.text


# What a method learns.


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


async def test_headers_of_the_request_are_there(chat: Chat) -> None:
    await post(chat, call("echo", 1), headers={"X-More": "1"})
    headers = {name.lower(): value for name, value in chat.seen[0].headers.items()}
    assert (headers["x-more"], headers["x-asrs-connection-id"]) == ("1", "c1")


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


# Connections.


async def test_connected_is_answered_with_nothing(chat: Chat) -> None:
    answer = await post(chat, b'{"type":10}', "connected", category="connections", user_id="ann")
    assert (answer.status_code, answer.get_body()) == (200, b"")
    assert (chat.seen[0].event, chat.seen[0].user_id, chat.seen[0].error) == ("connected", "ann", None)


async def test_connection_that_is_refused_is_forbidden(chat: Chat) -> None:
    answer = await post(chat, b'{"type":10}', "connected", category="connections", user_id="eve")
    assert (answer.status_code, answer.get_body()) == (403, b"")


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
    ],
)
async def test_error_that_ended_a_connection_is_told(chat: Chat, body: bytes, error: str | None) -> None:
    answer = await post(chat, body, "disconnected", category="connections")
    assert (answer.status_code, [seen.error for seen in chat.seen]) == (200, [error])


# What is refused.


@dataclass(frozen=True)
class Refused:
    """Describe a request that is refused: how it differs from a good one, the status, what the log says."""

    status: int
    log: str
    body: bytes = call("echo", 1)
    event: str = "echo"
    options: Any = None


REFUSED = [
    pytest.param(
        Refused(415, "its content type is 'text/plain'", options={"content_type": "text/plain"}),
        id="content-type",
    ),
    pytest.param(
        Refused(415, "its content type is ''", options={"headers": {"Content-Type": None}}),
        id="no-content-type",
    ),
    pytest.param(
        Refused(
            415, "its content type is 'application/jsonp'", options={"content_type": "application/jsonp"}
        ),
        id="longer-content-type",
    ),
    *(
        pytest.param(
            Refused(400, f"the upstream request has no {name} header", options={"headers": {name: value}}),
            id=f"{'no' if value is None else 'empty'}-{name.lower()}",
        )
        for name in ("X-ASRS-Hub", "X-ASRS-Category", "X-ASRS-Event", "X-ASRS-Connection-Id")
        for value in (None, "")
    ),
    pytest.param(
        Refused(404, "nothing listens to hub 'chat', category 'messages', event 'unknown'", event="unknown"),
        id="unknown-event",
    ),
    pytest.param(
        Refused(404, "nothing listens to hub 'other'", options={"headers": {"X-ASRS-Hub": "other"}}),
        id="other-hub",
    ),
    pytest.param(
        Refused(404, "category 'connections', event 'echo'", options={"category": "connections"}),
        id="message-as-connection",
    ),
    pytest.param(
        Refused(404, "category 'messages', event 'connected'", event="connected"), id="connection-as-message"
    ),
    pytest.param(Refused(404, "event 'upstream_route'", event="upstream_route"), id="attribute"),
    pytest.param(Refused(404, "event 'negotiate'", event="negotiate"), id="member-of-every-hub"),
    pytest.param(
        Refused(
            401, f"its X-ASRS-Signature fits no access key of the setting {SETTING}", options={"keys": ["x"]}
        ),
        id="other-key",
    ),
    pytest.param(
        Refused(401, "its X-ASRS-Signature", options={"headers": {"X-ASRS-Signature": None}}),
        id="no-signature",
    ),
    pytest.param(
        Refused(401, "its X-ASRS-Signature", options={"headers": {"X-ASRS-Signature": ""}}),
        id="empty-signature",
    ),
    pytest.param(
        Refused(401, "its X-ASRS-Signature", options={"headers": {"X-ASRS-Connection-Id": "c2"}}),
        id="signature-of-another-connection",
    ),
    pytest.param(Refused(400, "the message is not JSON", body=b"{"), id="no-json"),
    pytest.param(Refused(400, "the message is not JSON", body=b""), id="empty-body"),
    pytest.param(Refused(400, "the message is not JSON", body=b"[" * 100_000), id="deep"),
    pytest.param(
        Refused(400, "the message is not MessagePack", body=b"\xc1", options={"content_type": MESSAGEPACK}),
        id="no-messagepack",
    ),
    pytest.param(
        Refused(
            400,
            "the message is not MessagePack",
            body=b"\x95\x01\x80\xc0\xa4echo\x91\x81\x90\x01",
            options={"content_type": MESSAGEPACK},
        ),
        id="list-as-key",
    ),
    pytest.param(
        Refused(400, "the message is not JSON", body=packed_call("echo", 1)), id="messagepack-as-json"
    ),
    pytest.param(
        Refused(400, "the message is no", options={"content_type": MESSAGEPACK}), id="json-as-messagepack"
    ),
    pytest.param(Refused(400, "its body is no invocation of echo", body=b'{"type":6}'), id="ping"),
    pytest.param(Refused(400, "its body is no invocation of echo", body=b'{"type":99}'), id="unknown-type"),
    pytest.param(
        Refused(
            400,
            "its body is no invocation of echo",
            body=b'{"type":4,"invocationId":"1","target":"echo","arguments":[1]}',
        ),
        id="stream",
    ),
    pytest.param(
        Refused(400, "its body is no invocation of echo", body=call("deleteAll")),
        id="other-method-in-the-body",
    ),
]


async def refuse(chat: Chat, refused: Refused) -> func.HttpResponse:
    return await post(chat, refused.body, refused.event, **(refused.options or {}))


@pytest.mark.parametrize("refused", REFUSED)
async def test_request_that_is_not_the_services_is_refused(chat: Chat, refused: Refused) -> None:
    answer = await refuse(chat, refused)
    assert (answer.status_code, answer.get_body()) == (refused.status, b"")


@pytest.mark.parametrize("refused", REFUSED)
async def test_method_does_not_run_for_a_request_that_is_refused(chat: Chat, refused: Refused) -> None:
    await refuse(chat, refused)
    assert chat.seen == []


@pytest.mark.parametrize("refused", REFUSED)
async def test_log_says_why_a_request_is_refused(
    chat: Chat, refused: Refused, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "serverless_signalr"):
        await refuse(chat, refused)
    [message] = [record.message for record in caplog.records if record.name == "serverless_signalr"]
    assert message.startswith("an upstream request for the hub chat was refused: ")
    assert refused.log in message


async def test_unknown_event_is_told_those_there_are(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "serverless_signalr"):
        await post(chat, call("x"), "x")
    assert "connections/connected" in caplog.text
    assert "messages/sayhello" in caplog.text.lower()


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json ;charset=utf-8"]
)
async def test_parameters_and_case_of_the_content_type_are_free(chat: Chat, content_type: str) -> None:
    assert (await post(chat, call("echo", 1), content_type=content_type)).status_code == 200


@pytest.mark.parametrize("keys", [(KEY, OTHER_KEY), (OTHER_KEY, KEY)], ids=["first", "second"])
async def test_one_of_the_services_two_keys_suffices(chat: Chat, keys: tuple[str, ...]) -> None:
    assert (await post(chat, call("echo", 1), keys=keys)).status_code == 200


async def test_key_is_that_of_the_hubs_own_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(ServerlessHub, hub="chat", connection="Other"):
        async def echo(self, value: Any) -> Any:
            return value

    monkeypatch.setenv("Other", CONNECTION.replace(KEY, OTHER_KEY))
    hub = Other(upstream_route="x")
    answers = [await post(hub, call("echo", 1), keys=(key,)) for key in (KEY, OTHER_KEY)]
    assert [answer.status_code for answer in answers] == [401, 200]


async def test_connection_without_a_key_refuses_every_event(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "Endpoint=https://chat.service.signalr.net;AuthType=azure.msi;Version=1.0;")
    assert (await post(chat, call("echo", 1))).status_code == 401


async def test_setting_that_is_missing_is_named(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    with pytest.raises(ConnectionStringError, match=f"^the app setting {SETTING} is not set"):
        await post(chat, call("echo", 1))


# The same class, either way.


class Answering(Protocol):
    async def new_message(self, text: str) -> None: ...


class Both(ServerlessHub[Answering], hub="chat"):
    async def call(self, caller: SignalRInvocationContext, number: int) -> dict[str, object]:
        return {
            "user": caller.user_id,
            "roles": caller.claims.get("role"),
            "query": caller.query,
            "n": number,
        }

    @requires(role="owner")
    async def guarded(self) -> None: ...


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        pytest.param("call", [1], id="result"),
        pytest.param("call", ["x"], id="wrong-argument"),
        pytest.param("call", [], id="no-argument"),
        pytest.param("guarded", [], id="not-allowed"),
    ],
)
async def test_trigger_and_upstream_answer_the_same(target: str, arguments: list[object]) -> None:
    claims = {"role": ("a", "b")}
    event = UpstreamEvent("chat", "messages", target, "c1", user_id="ann", claims=claims, query="?x=1")
    delivered = {
        "Arguments": arguments,
        "Error": None,
        "Category": "messages",
        "Event": target,
        "Hub": "chat",
        "ConnectionId": "c1",
        "UserId": "ann",
        "Headers": event.headers([KEY]),
        "Query": {"x": "1"},
        "Claims": {"role": "a"},
    }
    app = FunctionApp()
    app.register_functions(Both().blueprint)
    [function] = [item for item in app.get_functions() if item.get_function_name() == f"chat_{target}"]
    trigger: Any = function.get_user_function()
    expected: dict[str, object] = {"type": 3, "invocationId": "1"}
    try:
        expected["result"] = await trigger(invocation=json.dumps(delivered))
    except HubException as error:
        expected["error"] = str(error)
    answer = await post(
        Both(upstream_route="x"), call(target, *arguments), target, user_id="ann", claims=claims, query="?x=1"
    )
    assert json.loads(answer.get_body()[:-1]) == json.loads(json.dumps(expected))
