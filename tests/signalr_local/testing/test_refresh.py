"""Connections that stay signed in: those that refresh their authentication, and those that do not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import (
    FunctionApp,
    HubException,
    ServerlessHub,
    SignalRConnectionInfo,
    SignalRInvocationContext,
    SignalRUser,
    not_an_event,
    platform_user,
    requires,
)
from signalr_local.testing import ConnectionRefused, SignalRTest

LIFETIME = timedelta(seconds=6)
HEADER = "X-SignalR-Connection-Token"


class Provider:
    """The identity provider: who is known, and with which roles."""

    def __init__(self) -> None:
        self.roles: dict[str, list[str]] = {"ann": ["author"], "bob": []}

    def user(self, req: func.HttpRequest) -> SignalRUser | None:
        name = req.params.get("user", "")
        if name and name not in self.roles:
            raise PermissionError(f"{name} is unknown")
        return SignalRUser(name, {"role": self.roles[name]}) if name else None


class Desk(ServerlessHub, hub="desk"):
    async def who(self, caller: SignalRInvocationContext) -> list[object]:
        return [caller.user_id, sorted(caller.claims.get("role", ()))]

    @requires(role="author")
    async def write(self) -> str:
        return "written"


def hub_app(provider: Provider, **options: Any) -> Any:
    desk = Desk()
    desk.add_negotiate(user=provider.user, **{"lifetime": LIFETIME, "refresh": True, **options})
    return desk


def decorated_app(provider: Provider, **options: Any) -> Any:
    app = FunctionApp(hub="desk")

    @app.signalr_negotiate(**{"lifetime": LIFETIME, "refresh": True, **options})
    async def negotiate(req: func.HttpRequest) -> SignalRUser | None:
        return provider.user(req)

    @app.signalr_trigger()
    def who(invocation: SignalRInvocationContext) -> list[object]:
        return [invocation.user_id, sorted(invocation.claims.get("role", ()))]

    @app.signalr_trigger()
    @requires(role="author")
    def write() -> str:
        return "written"

    return app


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture(params=[hub_app, decorated_app], ids=["hub", "decorators"])
def make(request: pytest.FixtureRequest) -> Any:
    """Return what makes the app, in each of the styles."""
    return request.param


@pytest.fixture
async def env(make: Callable[..., Any], provider: Provider) -> Any:
    async with SignalRTest(make(provider)) as env:
        yield env


async def ann(env: SignalRTest) -> Any:
    return await env.connect("ann", negotiate="negotiate?user=ann")


async def test_negotiate_tells_the_client_how_long_its_token_lives(env: SignalRTest) -> None:
    response = await env.request("POST", "/api/negotiate?user=ann")
    assert response.json()["tokenLifetimeSeconds"] == 6


async def test_client_that_refreshes_stays_for_a_minute(env: SignalRTest) -> None:
    client = await ann(env)
    for _ in range(15):
        await env.advance(seconds=4)
        answer = await env.refresh(client, "refresh?user=ann")
        assert (answer.status, answer.json()["tokenLifetimeSeconds"]) == (200, 6)
        assert await client.invoke("who") == ["ann", ["author"]]
    assert client.is_open


async def test_client_that_does_not_refresh_is_closed_when_its_token_expires(env: SignalRTest) -> None:
    client = await ann(env)
    await env.advance(seconds=5)
    assert client.is_open
    await env.advance(seconds=2)
    await client.expect_closed()
    assert client.closed is not None
    assert client.closed.error == "The connection's token has expired."


async def test_answer_is_never_cached(env: SignalRTest) -> None:
    client = await ann(env)
    for path in ("refresh?user=ann", "refresh?user=bob", "refresh"):
        assert (await env.refresh(client, path)).headers["Cache-Control"] == "no-store"


async def test_new_token_opens_the_service(env: SignalRTest) -> None:
    client = await ann(env)
    await env.advance(seconds=4)
    token = (await env.refresh(client, "refresh?user=ann")).json()["accessToken"]
    await env.advance(seconds=4)
    other = await env.connect(token=token)
    assert await other.invoke("who") == ["ann", ["author"]]


async def test_role_that_was_taken_away_is_gone_at_the_next_refresh(
    env: SignalRTest, provider: Provider
) -> None:
    client = await ann(env)
    assert await client.invoke("write") == "written"
    provider.roles["ann"] = []
    assert (await env.refresh(client, "refresh?user=ann")).status == 200
    with pytest.raises(HubException, match="requires the role author"):
        await client.invoke("write")


async def test_role_that_was_given_is_there_at_the_next_refresh(env: SignalRTest, provider: Provider) -> None:
    client = await env.connect("bob", negotiate="negotiate?user=bob")
    provider.roles["bob"] = ["author"]
    assert (await env.refresh(client, "refresh?user=bob")).status == 200
    assert await client.invoke("write") == "written"


async def test_user_who_is_refused_stays_until_the_token_expires_and_no_longer(
    env: SignalRTest, provider: Provider
) -> None:
    client = await ann(env)
    await env.advance(seconds=4)
    assert (await env.refresh(client, "refresh?user=ann")).status == 200
    del provider.roles["ann"]
    await env.advance(seconds=4)
    assert (await env.refresh(client, "refresh?user=ann")).status == 401
    assert await client.invoke("who") == ["ann", ["author"]]
    await env.advance(seconds=3)
    await client.expect_closed()
    with pytest.raises(ConnectionRefused):
        await env.connect("ann", negotiate="negotiate?user=ann")


# The attacker, who has the connection token of somebody else.


async def test_stolen_connection_token_does_nothing_without_credentials(env: SignalRTest) -> None:
    client = await ann(env)
    answer = await env.refresh(client, "refresh")
    assert (answer.status, answer.text) == (401, "Sign in first.")
    await env.advance(seconds=7)
    await client.expect_closed()


async def test_stolen_connection_token_does_nothing_with_credentials_of_another_user(
    env: SignalRTest, provider: Provider
) -> None:
    provider.roles["bob"] = ["admin", "author"]
    client = await ann(env)
    answer = await env.refresh(client, "refresh?user=bob")
    assert (answer.status, answer.text) == (403, "The connection belongs to another user.")
    assert await client.invoke("who") == ["ann", ["author"]]
    await env.advance(seconds=7)
    await client.expect_closed()


@pytest.mark.parametrize("claims", [None, {"role": ["admin"]}])
async def test_anonymous_sender_does_not_refresh_the_connection_of_a_user(
    make: Callable[..., Any], claims: dict[str, list[str]] | None
) -> None:
    class Open(Provider):
        def user(self, req: func.HttpRequest) -> SignalRUser | None:
            return super().user(req) or SignalRUser(None, claims or {})

    async with SignalRTest(make(Open(), anonymous=True)) as env:
        client = await ann(env)
        assert (await env.refresh(client, "refresh")).status == 403
        assert await client.invoke("who") == ["ann", ["author"]]


async def test_user_does_not_take_over_an_anonymous_connection(
    make: Callable[..., Any], provider: Provider
) -> None:
    async with SignalRTest(make(provider, anonymous=True)) as env:
        client = await env.connect(negotiate="negotiate")
        assert (await env.refresh(client, "refresh?user=ann")).status == 403
        assert await client.invoke("who") == [None, []]


async def test_anonymous_connection_is_refreshed_by_anybody_who_has_its_token(
    make: Callable[..., Any], provider: Provider
) -> None:
    async with SignalRTest(make(provider, anonymous=True)) as env:
        client = await env.connect(negotiate="negotiate")
        await env.advance(seconds=4)
        assert (await env.refresh(client, "refresh")).status == 200
        await env.advance(seconds=4)
        assert client.is_open


@pytest.mark.parametrize("token", ["", "unknown token", "ü", "x" * 513])
async def test_request_without_a_valid_connection_token_is_refused(env: SignalRTest, token: str) -> None:
    headers = {HEADER: token.encode().decode("latin-1")}
    answer = await env.request("POST", "/api/refresh?user=ann", headers=headers)
    assert answer.status == 400
    assert HEADER in answer.text


async def test_connection_id_is_no_connection_token(env: SignalRTest) -> None:
    client = await ann(env)
    headers = {HEADER: client.connection_id}
    answer = await env.request("POST", "/api/refresh?user=ann", headers=headers)
    assert (answer.status, answer.text) == (404, "There is no such connection.")


async def test_client_that_is_gone_is_not_found(env: SignalRTest) -> None:
    client = await ann(env)
    await client.close()
    assert (await env.refresh(client, "refresh?user=ann")).status == 404


async def test_clients_of_the_first_drafts_send_the_token_as_id(env: SignalRTest) -> None:
    client = await ann(env)
    path = f"/api/refresh?user=ann&id={client.connection_token}"
    assert (await env.request("POST", path)).status == 200
    assert (await env.request("POST", path, headers={HEADER: "unknown"})).status == 404


async def test_tokens_are_not_logged(env: SignalRTest, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client = await ann(env)
    answer = await env.refresh(client, "refresh?user=ann")
    await env.refresh(client, "refresh?user=bob")
    assert client.connection_token not in caplog.text.replace(f"id={client.connection_token}", "")
    assert answer.json()["accessToken"] not in caplog.text


# Options.


async def test_nothing_is_refreshed_unless_it_is_asked_for(
    make: Callable[..., Any], provider: Provider
) -> None:
    async with SignalRTest(make(provider, refresh=False)) as env:
        assert "tokenLifetimeSeconds" not in (await env.request("POST", "/api/negotiate?user=ann")).json()
        client = await ann(env)
        assert (await env.refresh(client, "refresh?user=ann")).status == 404
        await env.advance(seconds=7)
        assert client.is_open


async def test_connections_may_outlive_their_token_if_the_app_says_so(
    make: Callable[..., Any], provider: Provider
) -> None:
    async with SignalRTest(make(provider, close_on_expiry=False)) as env:
        client = await ann(env)
        assert (await env.refresh(client, "refresh?user=ann")).status == 200
        await env.advance(seconds=7)
        assert client.is_open


async def test_refresh_is_beside_negotiate_wherever_that_is(
    make: Callable[..., Any], provider: Provider
) -> None:
    async with SignalRTest(make(provider, route="v1/desk/negotiate")) as env:
        client = await env.connect("ann", negotiate="v1/desk/negotiate?user=ann")
        assert (await env.refresh(client, "v1/desk/refresh?user=ann")).status == 200


@pytest.mark.parametrize("route", ["connect", "negotiates", "negotiate/chat", ""])
def test_route_that_clients_would_not_find_is_refused(
    make: Callable[..., Any], provider: Provider, route: str
) -> None:
    with pytest.raises(ValueError, match="expected it to end in negotiate"):
        make(provider, route=route)


# Overrides.


class Guarded(Desk, hub="desk"):
    def __init__(self) -> None:
        super().__init__()
        self.banned: set[str | None] = set()

    @not_an_event
    async def negotiate(self, **options: Any) -> SignalRConnectionInfo:
        if options["user_id"] in self.banned:
            raise PermissionError("banned")
        claims = {**(options.pop("claims") or {}), "tier": "gold"}
        return await super().negotiate(claims=claims, **options)

    async def tier(self, caller: SignalRInvocationContext) -> object:
        return list(caller.claims.get("tier", ()))


async def test_override_of_negotiate_guards_refresh_too(provider: Provider) -> None:
    desk = Guarded()
    desk.add_negotiate(user=provider.user, lifetime=LIFETIME, refresh=True)
    async with SignalRTest(desk) as env:
        client = await ann(env)
        assert (await env.refresh(client, "refresh?user=ann")).status == 200
        assert await client.invoke("tier") == ["gold"]
        desk.banned.add("ann")
        assert (await env.refresh(client, "refresh?user=ann")).status == 401
        assert (await env.request("POST", "/api/negotiate?user=ann")).status == 401
        await env.advance(seconds=7)
        await client.expect_closed()


async def test_override_that_names_another_user_refreshes_that_users_connections(provider: Provider) -> None:
    class Internal(Desk, hub="desk"):
        @not_an_event
        async def negotiate(self, **options: Any) -> SignalRConnectionInfo:
            return await super().negotiate(**{**options, "user_id": f"internal-{options['user_id']}"})

    desk = Internal()
    desk.add_negotiate(user=provider.user, lifetime=LIFETIME, refresh=True)
    async with SignalRTest(desk) as env:
        client = await ann(env)
        assert (await env.refresh(client, "refresh?user=ann")).status == 200
        assert (await env.refresh(client, "refresh?user=bob")).status == 403
        assert await client.invoke("who") == ["internal-ann", ["author"]]


async def test_override_that_returns_something_else_refreshes_nothing(provider: Provider) -> None:
    class Odd(Desk, hub="desk"):
        @not_an_event
        async def refresh_authentication(self, *args: Any, **options: Any) -> Any:
            raise PermissionError("not today")

    desk = Odd()
    desk.add_negotiate(user=provider.user, lifetime=LIFETIME, refresh=True)
    async with SignalRTest(desk) as env:
        client = await ann(env)
        assert (await env.refresh(client, "refresh?user=ann")).status == 401


async def test_claims_that_negotiate_refuses_are_refused_at_refresh(provider: Provider) -> None:
    extra: dict[str, Any] = {}

    def user(req: func.HttpRequest) -> SignalRUser:
        return SignalRUser("ann", extra)

    desk = Desk()
    desk.add_negotiate(user=user, lifetime=LIFETIME, refresh=True)
    async with SignalRTest(desk) as env:
        client = await env.connect("ann", negotiate="negotiate")
        for claims in ({"asrs.s.uid": "bob"}, {"asrs.s.coae": "false"}, {"sub": "bob"}, {"a": "b, role: c"}):
            extra.clear()
            extra.update(claims)
            assert (await env.refresh(client)).status == 500
        extra.clear()
        assert await client.invoke("who") == ["ann", []]


async def test_users_of_the_platform_are_asked_for_at_refresh_too() -> None:
    desk = Desk()
    desk.add_negotiate(user=platform_user, lifetime=LIFETIME, refresh=True)
    async with SignalRTest(desk) as env:
        client = await env.connect("ann", negotiate="negotiate?user=ann&role=author")
        assert (await env.refresh(client, "refresh?user=ann")).status == 200
        assert await client.invoke("who") == ["ann", []]
        assert (await env.refresh(client, "refresh")).status == 401


async def test_app_refreshes_by_its_own_function(provider: Provider) -> None:
    desk = Desk()

    @desk.blueprint.route(route="negotiate", methods=["POST"])
    async def negotiate(req: func.HttpRequest) -> func.HttpResponse:
        info = await desk.negotiate(user_id="ann", lifetime=LIFETIME, close_on_expiry=True)
        return info.to_response()

    @desk.blueprint.route(route="refresh", methods=["POST"])
    async def refresh(req: func.HttpRequest) -> func.HttpResponse:
        info = await desk.refresh_authentication(req.headers[HEADER], user_id="ann", lifetime=LIFETIME)
        return info.to_response()

    async with SignalRTest(desk) as env:
        client = await env.connect("ann", negotiate="negotiate")
        await env.advance(seconds=4)
        assert (await env.refresh(client)).json()["tokenLifetimeSeconds"] == 6
        await env.advance(seconds=4)
        assert client.is_open
