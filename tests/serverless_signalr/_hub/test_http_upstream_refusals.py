"""What the HTTP upstream refuses, and what a stranger learns from it: nothing."""

import logging
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import pytest
from pytest_mock import MockerFixture

from serverless_signalr import ConnectionStringError
from serverless_signalr.hub import ServerlessHub
from tests.serverless_signalr._hub.upstream_requests import (
    CONNECTION,
    KEY,
    MESSAGEPACK,
    OTHER_KEY,
    SETTING,
    Chat,
    call,
    packed_call,
    post,
)


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
        for name in ("X-ASRS-Hub", "X-ASRS-Category", "X-ASRS-Event")
        for value in (None, "")
    ),
    *(
        pytest.param(
            Refused(401, f"it has no {name} header", options={"headers": {name: value}}),
            id=f"{'no' if value is None else 'empty'}-{name.lower()}",
        )
        for name in ("X-ASRS-Connection-Id", "X-ASRS-Signature")
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
        Refused(401, "its X-ASRS-Signature", options={"headers": {"X-ASRS-Connection-Id": "c2"}}),
        id="signature-of-another-connection",
    ),
    *(
        pytest.param(
            Refused(401, "its X-ASRS-Signature", options={"headers": {name: "sha256=\udcff"}}), id=id
        )
        for id, name in (
            ("raw-bytes-in-the-signature", "X-ASRS-Signature"),
            ("raw-bytes-in-the-connection-id", "X-ASRS-Connection-Id"),
        )
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


@pytest.mark.parametrize("signature", [None, "", "sha256=0", ","], ids=["absent", "empty", "wrong", "commas"])
@pytest.mark.parametrize("refused", [pytest.param(Refused(200, ""), id="nothing-wrong"), *REFUSED])
async def test_stranger_learns_nothing(
    chat: Chat, refused: Refused, signature: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    options = {**(refused.options or {})}
    options["headers"] = {**options.get("headers", {}), "X-ASRS-Signature": signature}
    answer = await post(chat, refused.body, refused.event, **options)
    assert (answer.status_code, answer.get_body(), dict(answer.headers)) == (401, b"", {})
    assert "Traceback" not in caplog.text


async def test_stranger_cannot_make_the_app_read_the_body(chat: Chat, mocker: MockerFixture) -> None:
    read: Any = mocker.spy(func.HttpRequest, "get_body")
    await post(chat, b"[" * 100_000, keys=(OTHER_KEY,))
    assert read.call_count == 0


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


async def test_key_is_that_of_the_hubs_own_setting(
    connection_string: None, monkeypatch: pytest.MonkeyPatch
) -> None:
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
