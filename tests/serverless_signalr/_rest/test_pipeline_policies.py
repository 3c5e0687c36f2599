"""What is put into requests, logged and traced: tokens of identities, ids, spans."""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.settings import settings

from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import (
    UnauthorizedError,
)
from serverless_signalr.rest import (
    ServiceClient,
)
from tests.serverless_signalr.rest_service import KEY, Service, connected

# Identities.


class Credential:
    """Issue a new token each time, as an identity's credential does whose cache is empty."""

    def __init__(self, error: Exception | None = None) -> None:
        self.issued: list[str] = []
        self.scopes: list[str] = []
        self._error = error

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        if self._error is not None:
            raise self._error
        self.scopes += scopes
        self.issued.append(f"eyJ0b2tlbg.{len(self.issued)}")
        return AccessToken(self.issued[-1], int(time.time()) + 3600)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        pass


@asynccontextmanager
async def identified(service: Service, credential: Credential) -> AsyncIterator[ServiceClient]:
    text = f"Endpoint={service.url};AuthType=azure;Version=1.0;"
    async with ServiceClient(text, "chat", credential=credential) as client:
        yield client


async def test_identity_has_one_token_for_all_operations(service: Service) -> None:
    credential = Credential()
    service.accepted_tokens = {"eyJ0b2tlbg.0"}
    async with identified(service, credential) as client:
        await client.send_to_all("m")
        await client.send_to_user("ann", "m")
    assert credential.scopes == ["https://signalr.azure.com/.default"]
    assert service.refused == 0


async def test_credential_goes_before_an_access_key(service: Service) -> None:
    service.accepted_tokens = {"eyJ0b2tlbg.0"}
    async with connected(service, credential=Credential()) as client:
        await client.send_to_all("m")
    assert service.refused == 0


async def test_refused_identity_is_tried_once_with_a_fresh_token(service: Service) -> None:
    credential = Credential()
    service.accepted_tokens = {"eyJ0b2tlbg.1"}
    async with identified(service, credential) as client:
        await client.send_to_all("m")
    assert (len(credential.issued), len(service.requests)) == (2, 2)


async def test_identity_that_stays_refused_is_told_the_role(service: Service) -> None:
    service.accepted_tokens = {"another"}
    async with identified(service, Credential()) as client:
        with pytest.raises(UnauthorizedError, match="SignalR REST API Owner") as raised:
            await client.send_to_all("m")
    assert len(service.requests) == 2
    assert raised.value.status == 401
    assert "eyJ" not in str(raised.value)


async def test_credential_without_a_token_is_no_answer_of_the_service(service: Service) -> None:
    error = ClientAuthenticationError("no sign-in found.\nAttempted: many things")
    async with identified(service, Credential(error)) as client:
        with pytest.raises(
            UnauthorizedError, match=r"signalr\.azure\.com/\.default: no sign-in found\.; sign in"
        ) as raised:
            await client.send_to_all("m")
    assert raised.value.__cause__ is error
    assert raised.value.status is None
    assert service.requests == []


def test_token_of_an_identity_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match=r"must start with https://, since Entra ID access tokens"):
        ServiceClient("Endpoint=http://chat.example;AuthType=azure;", "chat", credential=Credential())


# What is logged and traced.


@pytest.mark.parametrize("is_identity", [False, True], ids=["key", "identity"])
async def test_log_shows_requests_without_tokens_and_queries(
    service: Service, caplog: pytest.LogCaptureFixture, is_identity: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    service.accepted_tokens = {"eyJ0b2tlbg.0"} if is_identity else set()
    credential = Credential() if is_identity else None
    async with connected(service, credential=credential) as client:
        await client.close_user_connections("ann", reason="secret")
    assert "/api/hubs/chat/users/ann/:closeConnections" in caplog.text
    assert "Response status: 204" in caplog.text
    assert service.requests[0].token not in caplog.text
    assert KEY not in caplog.text
    assert "secret" not in caplog.text


async def test_requests_are_not_logged_at_the_level_of_the_worker(
    service: Service, client: ServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await client.send_to_all("m")
    assert caplog.messages == []


async def test_client_does_not_show_its_key(client: ServiceClient) -> None:
    assert KEY not in repr(client)


class Span:
    """Stand in for a tracer's span."""

    ended: list["Span"]

    def __init__(self, span: object = None, name: str = "", **kwargs: object) -> None:
        self.name = name
        self.attributes: dict[str, object] = {}
        self.span_instance = self

    def add_attribute(self, key: str, value: object) -> None:
        self.attributes[key] = value

    def set_http_attributes(self, request: Any, response: Any = None) -> None:
        self.attributes["status"] = response.status_code if response else None

    def to_header(self) -> dict[str, str]:
        return {"traceparent": "00-trace-span-01"}

    def finish(self) -> None:
        self.ended.append(self)

    def __exit__(self, *_: object) -> None:
        self.finish()

    @classmethod
    def change_context(cls, span: object) -> Any:
        from contextlib import nullcontext

        return nullcontext()


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    """Trace as an app does that has set azure-core up for it."""
    Span.ended = []
    traced: Any = Span
    settings.tracing_implementation.set_value(traced)
    yield Span.ended
    settings.tracing_implementation.unset_value()


async def test_each_attempt_is_traced(service: Service, spans: list[Span]) -> None:
    service.answer(503)
    async with connected(service) as client:
        await client.close_user_connections("ann", reason="secret")
    assert [request.headers["traceparent"] for request in service.requests] == ["00-trace-span-01"] * 2
    assert [span.attributes["status"] for span in spans] == [503, 204]
    assert [span.attributes.get("http.request.resend_count") for span in spans] == [None, 1]
    assert "secret" not in str([span.attributes for span in spans])


async def test_token_that_was_signed_while_the_clock_was_ahead_is_not_used(
    service: Service, client: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for ahead in (7200, 60, 0):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: now + ahead)
        await client.send_to_all("m")
    monkeypatch.undo()
    starts = [
        jwt.decode(request.token, options={"verify_signature": False})["nbf"] - int(now)
        for request in service.requests
    ]
    assert starts == [7200, 60, 0]


async def test_token_that_was_refused_is_not_used_again(
    service: Service, client: ServiceClient, signed: list[str]
) -> None:
    service.answer(202)
    service.answer(401)
    await client.send_to_all("m")
    with pytest.raises(UnauthorizedError):
        await client.send_to_all("m")
    await client.send_to_all("m")
    assert len(signed) == 2


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses for which tokens are signed."""
    urls: list[str] = []

    def sign(endpoint: Endpoint, url: str, **options: Any) -> str:
        urls.append(url)
        return sign_server_token(endpoint, url, **options)

    monkeypatch.setattr("serverless_signalr._rest.pipeline.sign_server_token", sign)
    return urls


async def test_tokens_that_are_kept_have_a_limit(
    service: Service, client: ServiceClient, signed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serverless_signalr._rest.pipeline._MAX_TOKENS", 3)
    for user in ("a", "b", "c", "c", "d", "a"):
        await client.send_to_user(user, "m")
    assert [url.split("/")[-2] for url in signed] == ["a", "b", "c", "d", "a"]
