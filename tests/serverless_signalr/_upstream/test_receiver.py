"""The receiver of events: which listener one reaches, and which requests are turned away."""

import json
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import HubException, SignalRInvocationContext
from serverless_signalr._upstream.receiver import Listener, Receiver, add_receiver
from serverless_signalr.protocol.upstream import UpstreamEvent
from tests.serverless_signalr.hubs import CONNECTION, KEY, SETTING

OTHER_KEY = KEY[::-1]
OTHER = "OtherService"


class App:
    """Keep the one function that is added."""

    def __init__(self) -> None:
        self.function: Any = None
        self.options: dict[str, Any] = {}

    def route(self, **options: Any) -> Any:
        self.options = options

        def decorate(function: Any) -> Any:
            self.function = function
            return function

        return decorate


class Seen:
    """Keep the invocations of the listeners."""

    def __init__(self) -> None:
        self.invocations: list[SignalRInvocationContext] = []
        self.raises: Exception | None = None

    async def run(self, invocation: SignalRInvocationContext) -> object:
        self.invocations.append(invocation)
        if self.raises is not None:
            raise self.raises
        return {"seen": invocation.arguments}


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def app(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv(SETTING, CONNECTION)
    monkeypatch.setenv(OTHER, CONNECTION.replace(KEY, OTHER_KEY))
    listeners = [
        Listener("chat", "messages", "say", SETTING, seen.run),
        Listener("chat", "connections", "connected", SETTING, seen.run),
        Listener("chat", "connections", "disconnected", SETTING, seen.run),
        Listener("news", "messages", "say", OTHER, seen.run),
    ]
    app = App()
    add_receiver(app, Receiver("the app", listeners), "upstream", "events")
    return app


def invocation(target: str = "say", *arguments: object) -> bytes:
    return json.dumps({"type": 1, "invocationId": "7", "target": target, "arguments": arguments}).encode()


async def answer(
    app: App,
    event: UpstreamEvent,
    body: bytes,
    *,
    key: str = KEY,
    **headers: str,
) -> func.HttpResponse:
    sent = {**event.headers([key]), "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    response: func.HttpResponse = await app.function(func.HttpRequest("POST", "/", headers=sent, body=body))
    return response


SAY = UpstreamEvent("chat", "messages", "say", "c1", "ann", {"role": ("user",)}, "?hub=chat&a=1&a=2")


def test_function_is_an_anonymous_post_which_the_signature_protects(app: App) -> None:
    assert (app.options["methods"], app.options["auth_level"]) == (["POST"], func.AuthLevel.ANONYMOUS)
    assert app.function.__name__ == "upstream"


async def test_listener_gets_the_event_and_its_result_answers_the_call(app: App, seen: Seen) -> None:
    response = await answer(app, SAY, invocation("say", "hi"))
    completion = json.loads(response.get_body().rstrip(b"\x1e"))
    assert completion == {"type": 3, "invocationId": "7", "result": {"seen": ["hi"]}}
    [found] = seen.invocations
    assert (found.hub, found.event, found.user_id, found.claims) == (
        "chat",
        "say",
        "ann",
        {"role": ("user",)},
    )
    assert found.query == {"hub": "chat", "a": "1,2"}


@pytest.mark.parametrize(
    ("event", "body", "headers", "status"),
    [
        pytest.param(SAY, invocation(), {"X_ASRS_Signature": "sha256=00"}, 401, id="wrong-signature"),
        pytest.param(SAY, invocation(), {"X_ASRS_Signature": ""}, 401, id="no-signature"),
        pytest.param(SAY, invocation(), {"X_ASRS_Connection_Id": ""}, 401, id="no-connection"),
        pytest.param(SAY, invocation(), {"Content_Type": "text/plain"}, 415, id="content-type"),
        pytest.param(SAY, b"{", {}, 400, id="no-json"),
        pytest.param(SAY, b"[" * 100_000, {}, 400, id="nested-without-end"),
        pytest.param(SAY, invocation("other"), {}, 400, id="another-target"),
        pytest.param(UpstreamEvent("chat", "messages", "x", "c1"), invocation("x"), {}, 404, id="event"),
        pytest.param(UpstreamEvent("chat", "connections", "say", "c1"), b"{}", {}, 404, id="category"),
    ],
)
async def test_request_that_is_wrong_reaches_no_listener(
    app: App, seen: Seen, event: UpstreamEvent, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert (await answer(app, event, body, **headers)).status_code == status
    assert seen.invocations == []


async def test_stranger_does_not_learn_which_events_there_are(app: App) -> None:
    found = [
        (await answer(app, UpstreamEvent("chat", "messages", event, "c1"), invocation(event), key="wrong"))
        for event in ("say", "nothing")
    ]
    assert [(each.status_code, each.get_body()) for each in found] == [(401, b""), (401, b"")]


async def test_service_speaks_for_its_own_hubs_only(app: App, seen: Seen) -> None:
    news = UpstreamEvent("news", "messages", "say", "c1")
    assert (await answer(app, news, invocation())).status_code == 401
    assert (await answer(app, news, invocation(), key=OTHER_KEY)).status_code == 200
    assert (await answer(app, SAY, invocation(), key=OTHER_KEY)).status_code == 401
    assert [each.hub for each in seen.invocations] == ["news"]


@pytest.mark.parametrize(
    ("event", "raises", "status"),
    [
        ("connected", None, 200),
        ("connected", HubException("no"), 403),
        ("connected", ValueError("secret"), 403),
        ("disconnected", HubException("no"), 200),
        ("disconnected", ValueError("secret"), 200),
    ],
)
async def test_connection_can_be_refused_only_when_it_comes(
    app: App, seen: Seen, event: str, raises: Exception | None, status: int
) -> None:
    seen.raises = raises
    response = await answer(app, UpstreamEvent("chat", "connections", event, "c1"), b"{}")
    assert (response.status_code, response.get_body()) == (status, b"")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"type":11,"error":"timeout"}', "timeout"),
        (b'{"Type":11,"Error":"timeout"}', "timeout"),
        (b'{"type":11}', None),
        (b'{"error":5}', None),
        (b"[]", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
    ids=["camel", "pascal", "none", "number", "list", "empty", "nested"],
)
async def test_reason_for_the_end_of_a_connection_is_read(
    app: App, seen: Seen, body: bytes, error: str | None
) -> None:
    await answer(app, UpstreamEvent("chat", "connections", "disconnected", "c1"), body)
    assert [each.error for each in seen.invocations] == [error]


async def test_unexpected_error_is_kept_from_the_client(
    app: App, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    seen.raises = ValueError("secret")
    body = (await answer(app, SAY, invocation())).get_body()
    assert b'"error":"say failed on the server."' in body
    assert b"secret" not in body
    assert "secret" in caplog.text
