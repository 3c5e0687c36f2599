"""Authentication refresh over REST: what the service is asked, and what its answers mean."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serverless_signalr.errors import (
    ConnectionNotFoundError,
    InvalidArgumentError,
    NotFoundError,
    RefreshNotSupportedError,
    ServiceError,
    ServiceUnavailableError,
    UnauthorizedError,
    UserMismatchError,
)
from serverless_signalr.rest import ServiceClient
from tests.serverless_signalr.rest_service import Service, connected

NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"


def shown(**claims: str) -> dict[str, Any]:
    return {"claims": [{"type": name.replace("_", "."), "value": value} for name, value in claims.items()]}


ANN = shown(asrs_s_uid="ann", role="author")


async def test_refresh_is_asked_as_the_sdk_asks_it(service: Service, client: ServiceClient) -> None:
    service.answer(200, ANN)
    claims = await client.refresh_authentication(
        "secret", user_id="ann", claims={"role": ["author", "editor"], "iss": "mine"}
    )
    assert claims == {"asrs.s.uid": ("ann",), "role": ("author",)}
    [request] = service.requests
    assert request.line == "POST /api/hubs/chat/connections/:refreshAuth"
    assert request.query == [("api-version", "2026-07-01")]
    body = json.loads(request.body)
    expires = datetime.fromisoformat(body.pop("expireTime"))
    assert abs(expires - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    assert body == {
        "connectionToken": "secret",
        "claims": [
            {"type": NAME_IDENTIFIER, "value": "ann"},
            {"type": "role", "value": "author"},
            {"type": "role", "value": "editor"},
            {"type": "asrs.u.iss", "value": "mine"},
        ],
    }


async def test_claims_are_asked_for_by_their_own_method(service: Service, client: ServiceClient) -> None:
    service.answer(200, shown(asrs_s_uid="ann") | {"more": 1})
    assert await client.connection_claims("secret") == {"asrs.s.uid": ("ann",)}
    [request] = service.requests
    assert request.line == "QUERY /api/hubs/chat/connections/claims"
    assert (request.query, request.body) == ([("api-version", "2026-07-01")], b'{"connectionToken":"secret"}')


async def test_other_operations_keep_their_version(service: Service, client: ServiceClient) -> None:
    service.answer(200, ANN)
    await client.refresh_authentication("secret", user_id="ann")
    await client.send_to_all("m")
    assert service.requests[1].query == [("api-version", "2024-12-01")]


async def test_later_version_of_the_app_is_kept(service: Service) -> None:
    async with connected(service, api_version="2027-01-01") as client:
        service.answer(200, ANN)
        await client.connection_claims("secret")
    assert service.requests[0].query == [("api-version", "2027-01-01")]


async def test_anonymous_refresh_first_looks_whose_connection_it_is(
    service: Service, client: ServiceClient
) -> None:
    service.answer(200, shown(room="1"), times=2)
    await client.refresh_authentication("secret")
    assert [request.method for request in service.requests] == ["QUERY", "POST"]
    assert json.loads(service.requests[1].body)["claims"] == []


@pytest.mark.parametrize("name", ["asrs_s_uid", "nameid", "sub"])
async def test_anonymous_refresh_of_a_users_connection_is_not_even_asked_for(
    service: Service, client: ServiceClient, name: str
) -> None:
    service.answer(200, shown(**{name: "ann"}))
    with pytest.raises(UserMismatchError, match="belongs to another user"):
        await client.refresh_authentication("secret", claims={"role": "admin"})
    assert [request.method for request in service.requests] == ["QUERY"]


@pytest.mark.parametrize("answer", [shown(asrs_s_uid="bob"), shown(role="author"), {}, []])
async def test_service_that_refreshed_the_connection_of_another_user_is_not_believed(
    service: Service, client: ServiceClient, answer: object
) -> None:
    service.answer(200, answer)
    with pytest.raises(UserMismatchError):
        await client.refresh_authentication("secret", user_id="ann")


@pytest.mark.parametrize(
    ("status", "body", "kind", "base"),
    [
        (403, None, UserMismatchError, UnauthorizedError),
        (404, None, ConnectionNotFoundError, NotFoundError),
        (405, None, RefreshNotSupportedError, InvalidArgumentError),
        (501, None, RefreshNotSupportedError, InvalidArgumentError),
        (400, {"message": "api-version is not known"}, RefreshNotSupportedError, InvalidArgumentError),
        (
            400,
            {"error": {"code": "UnsupportedApiVersion", "message": "… the API version '2026-07-01'."}},
            RefreshNotSupportedError,
            InvalidArgumentError,
        ),
    ],
)
async def test_refusals_have_names(
    service: Service, body: object, status: int, kind: type[ServiceError], base: type[ServiceError]
) -> None:
    async with connected(service, retries=0) as client:
        service.answer(status, body, times=2)
        with pytest.raises(kind) as raised:
            await client.refresh_authentication("secret", user_id="ann")
        assert isinstance(raised.value, base)
        assert raised.value.status == status
        assert "secret" not in str(raised.value)
        with pytest.raises(kind):
            await client.connection_claims("secret")


async def test_service_that_is_too_old_is_told_with_the_version(
    service: Service, client: ServiceClient
) -> None:
    service.answer(400, {"message": "The query parameter api-version '2026-07-01' is not known."})
    with pytest.raises(RefreshNotSupportedError, match="does not support version 2026-07-01 of its API"):
        await client.connection_claims("secret")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, InvalidArgumentError), (401, UnauthorizedError), (500, ServiceUnavailableError)],
)
async def test_other_refusals_are_what_they_are(
    service: Service, status: int, kind: type[ServiceError]
) -> None:
    async with connected(service, retries=0) as client:
        service.answer(status, {"message": "no"})
        with pytest.raises(kind) as raised:
            await client.connection_claims("secret")
        assert type(raised.value) is kind


async def test_token_that_speaks_of_versions_does_not_pass_for_a_reason(
    service: Service, client: ServiceClient
) -> None:
    service.answer(400, {"message": "the connection token api-version is not valid"})
    with pytest.raises(InvalidArgumentError) as raised:
        await client.connection_claims("api-version")
    assert not isinstance(raised.value, RefreshNotSupportedError)


@pytest.mark.parametrize("token", ["", " ", "a b", "a\n", "ü", "x" * 513])
async def test_token_that_cannot_be_one_is_refused_before_anything_is_sent(
    service: Service, client: ServiceClient, token: str
) -> None:
    with pytest.raises(ValueError, match="the connection token has"):
        await client.refresh_authentication(token, user_id="ann")
    with pytest.raises(ValueError, match="the connection token has"):
        await client.connection_claims(token)
    assert service.requests == []


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"claims": {"asrs.s.uid": "bob"}}, ValueError),
        ({"claims": {"sub": "bob"}}, ValueError),
        ({"claims": {NAME_IDENTIFIER: "bob"}}, ValueError),
        ({"claims": {"name": "x, role: admin"}}, ValueError),
        ({"claims": {"tenant": 5}}, TypeError),
        ({"user_id": ""}, ValueError),
        ({"user_id": " ann"}, ValueError),
        ({"lifetime": timedelta(0)}, ValueError),
        ({"lifetime": 60}, TypeError),
    ],
)
async def test_what_negotiate_refuses_is_refused_before_anything_is_sent(
    service: Service, client: ServiceClient, options: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await client.refresh_authentication("secret", **{"user_id": "ann", **options})
    assert service.requests == []


async def test_token_is_no_text_at_all(client: ServiceClient) -> None:
    with pytest.raises(TypeError, match="the connection token is a NoneType"):
        await client.connection_claims(None)  # type: ignore[arg-type]
