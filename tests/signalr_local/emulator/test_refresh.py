"""Authentication refresh: other claims and a later end for a connection that is open."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serverless_signalr._rest.clock import following
from signalr_local.emulator import UpstreamRule
from signalr_local.movable_clock import MovableClock

type Start = Callable[..., Any]

NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
NEVER = "9999-12-31T23:59:59.9999999+00:00"
CLOSES = {"asrs.s.coae": "true"}
MANY = 200


def ends_in(seconds: float) -> dict[str, str]:
    return {**CLOSES, "asrs.s.aeo": str(int(time.time() + seconds))}


def after(seconds: float, clock: Callable[[], float] = time.time) -> str:
    """Return a time as .NET writes it, with seven digits below the second."""
    return datetime.fromtimestamp(clock() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "5+00:00"


def shown(user: str | None = None, /, **claims: str) -> list[dict[str, str]]:
    """Return claims as the .NET SDK sends them."""
    name = [] if user is None else [(NAME_IDENTIFIER, user)]
    return [{"type": name, "value": value} for name, value in [*name, *claims.items()]]


async def refresh(service: Any, token: str, **body: object) -> Any:
    return await service.rest(
        "POST", "/connections/:refreshAuth", version="2026-07-01", message={"connectionToken": token, **body}
    )


async def claims_of(service: Any, token: str, method: str = "QUERY") -> dict[str, list[str]]:
    reply = await service.rest(
        method, "/connections/claims", version="2026-07-01", message={"connectionToken": token}
    )
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    return values(reply)


def values(reply: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for claim in reply.json()["claims"]:
        found.setdefault(claim["type"], []).append(claim["value"])
    return found


async def told(app: Any, name: str) -> str:
    """Return the claims that the app is told with the next event."""
    event = await app.next(name)
    return str(event.headers["X-ASRS-User-Claims"])


@pytest.mark.parametrize("method", ["QUERY", "POST"])
async def test_a_server_reads_the_claims_of_a_connection(service: Any, method: str) -> None:
    client = await service.connect("ann", claims={"role": ["author", "editor"]})
    claims = await claims_of(service, client.connection_token, method)
    assert claims["role"] == ["author", "editor"]
    assert claims["asrs.s.uid"] == ["ann"]


async def test_claims_are_replaced_and_those_of_the_service_stay(service: Any) -> None:
    client = await service.connect("ann", claims={"role": "author", "marker": "m0", "asrs.s.derror": "true"})
    claims = shown("ann", **{ROLE: "admin", "marker": "m1"})
    reply = await refresh(service, client.connection_token, claims=claims)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    found = values(reply)
    assert found == await claims_of(service, client.connection_token)
    assert (found[ROLE], found["marker"], found[NAME_IDENTIFIER]) == (["admin"], ["m1"], ["ann"])
    assert (found["asrs.s.uid"], found["asrs.s.derror"]) == (["ann"], ["true"])
    assert "role" not in found


async def test_without_claims_a_connection_keeps_those_that_it_has(service: Any) -> None:
    client = await service.connect("ann", claims={"role": "author"})
    reply = await refresh(service, client.connection_token, claims=None, expireTime=after(60))
    assert reply.status == 200
    assert values(reply)["role"] == ["author"]


async def test_the_time_of_the_answer_is_the_new_one(service: Any) -> None:
    client = await service.connect("ann", claims=ends_in(30))
    before = int(time.time())
    reply = await refresh(service, client.connection_token, claims=None, expireTime=after(3600))
    (expires,) = values(reply)["asrs.s.aeo"]
    assert before + 3600 <= int(expires) <= time.time() + 3600


@pytest.mark.parametrize("expires", [{}, {"expireTime": None}, {"expireTime": NEVER}])
async def test_without_a_time_a_connection_keeps_its_end(service: Any, expires: dict[str, object]) -> None:
    end = ends_in(3600)
    client = await service.connect("ann", claims=end)
    reply = await refresh(service, client.connection_token, claims=shown("ann"), **expires)
    assert values(reply)["asrs.s.aeo"] == [end["asrs.s.aeo"]]


async def test_later_events_carry_the_new_claims(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect("ann", claims={"role": "author"})
    assert "role: author" in await told(app, "connected")
    await refresh(service_with_app, client.connection_token, claims=shown("ann", role="reader"))
    await client.invoke("echo", 1)
    assert "role: reader" in (claims := await told(app, "echo"))
    assert "author" not in claims
    await client.leave()
    assert "role: reader" in await told(app, "disconnected")


async def test_the_app_is_told_the_same_user_and_id(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect("ann")
    await refresh(service_with_app, client.connection_token, claims=shown("ann"))
    await client.invoke("echo", 1)
    await app.next("connected")
    headers = (await app.next("echo")).headers
    assert headers["X-ASRS-User-Id"] == "ann"
    assert headers["X-ASRS-Connection-Id"] == client.connection_id


@pytest.mark.parametrize(
    ("user", "claims"),
    [
        ("ann", shown("bob")),
        ("ann", shown("Ann")),
        ("ann", [{"type": "asrs.s.uid", "value": "bob"}]),
        ("ann", [{"type": "sub", "value": "bob"}]),
        ("ann", [{"type": "asrs.s.uid", "value": "bob"}, *shown("ann")]),
        ("ann", shown(role="admin")),
        ("ann", []),
        (None, shown("ann")),
    ],
)
async def test_a_refresh_for_another_user_changes_nothing(
    service_with_app: Any, app: Any, user: str | None, claims: list[dict[str, str]]
) -> None:
    end = ends_in(3600)
    client = await service_with_app.connect(user, claims={"role": "author", **end})
    before = await claims_of(service_with_app, client.connection_token)
    reply = await refresh(
        service_with_app, client.connection_token, claims=claims, expireTime=after(24 * 3600)
    )
    assert reply.status == 403
    assert await claims_of(service_with_app, client.connection_token) == before
    await client.invoke("echo", 1)
    await app.next("connected")
    assert "role: author" in await told(app, "echo")


async def test_an_anonymous_connection_is_refreshed_as_one(service: Any) -> None:
    client = await service.connect(claims={"room": "1"})
    reply = await refresh(service, client.connection_token, claims=shown(room="2"))
    assert values(reply)["room"] == ["2"]
    assert "asrs.s.uid" not in values(reply)


async def test_claims_that_are_the_services_own_cannot_be_changed(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service.connect("ann", claims=ends_in(60))
    claims = [*shown("ann"), {"type": "asrs.s.coae", "value": "false"}, {"type": "aud", "value": "other"}]
    found = values(await refresh(service, client.connection_token, claims=claims))
    assert found["asrs.s.coae"] == ["true"]
    assert found["aud"] != ["other"]
    assert "cannot change the claims asrs.s.coae, aud" in caplog.text


async def test_claims_can_be_sent_back_as_they_were_read(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service.connect("ann", claims=ends_in(60))
    before = await claims_of(service, client.connection_token)
    claims = [{"type": name, "value": value} for name, several in before.items() for value in several]
    assert values(await refresh(service, client.connection_token, claims=claims)) == before
    assert "ignored" not in caplog.text


@pytest.mark.parametrize("path", ["/connections/:refreshAuth", "/connections/claims"])
class TestNoConnection:
    async def ask(self, service: Any, path: str, token: str, hub: str = "chat") -> Any:
        return await service.rest(
            "POST", path, hub=hub, version="2026-07-01", message={"connectionToken": token}
        )

    async def test_has_an_unknown_token(self, service: Any, path: str) -> None:
        reply = await self.ask(service, path, "unknown")
        assert (reply.status, reply.headers["x-ms-error-code"]) == (404, "Error.Connection.NotExisted")

    async def test_has_a_connection_id_for_a_token(self, service: Any, path: str) -> None:
        client = await service.connect("ann")
        assert (await self.ask(service, path, client.connection_id)).status == 404

    async def test_has_a_token_of_version_0_of_negotiate(self, service: Any, path: str) -> None:
        answer = (await service.negotiate("hub=chat")).json()
        client = await service.open(f"hub=chat&id={answer['connectionId']}")
        await client.send_text('{"protocol":"json","version":1}\x1e')
        assert await client.next_frame() == "{}"
        assert (await self.ask(service, path, answer["connectionId"])).status == 404

    async def test_has_the_token_of_a_client_that_has_not_connected(self, service: Any, path: str) -> None:
        answer = (await service.negotiate()).json()
        assert (await self.ask(service, path, answer["connectionToken"])).status == 404

    async def test_has_the_token_of_a_client_that_is_gone(
        self, service_with_app: Any, app: Any, path: str
    ) -> None:
        client = await service_with_app.connect("ann")
        await client.leave()
        await app.next("connected")
        await app.next("disconnected")
        assert (await self.ask(service_with_app, path, client.connection_token)).status == 404

    async def test_has_a_token_of_another_hub(self, service: Any, path: str) -> None:
        client = await service.connect("ann", hub="other")
        assert (await self.ask(service, path, client.connection_token)).status == 404
        assert (await self.ask(service, path, client.connection_token, "Other")).status == 200


@pytest.mark.parametrize(
    ("body", "target"),
    [
        ([], None),
        ({}, "connectionToken"),
        ({"connectionToken": ""}, "connectionToken"),
        ({"connectionToken": 1}, "connectionToken"),
        ({"connectionToken": "t", "claims": {}}, "claims"),
        ({"connectionToken": "t", "claims": ["role"]}, "claims"),
        ({"connectionToken": "t", "claims": [{"type": "role"}]}, "claims"),
        ({"connectionToken": "t", "claims": [{"type": "", "value": "x"}]}, "claims"),
        ({"connectionToken": "t", "claims": [{"type": "role", "value": 1}]}, "claims"),
        ({"connectionToken": "t", "expireTime": "tomorrow"}, "expireTime"),
        ({"connectionToken": "t", "expireTime": 1}, "expireTime"),
        ({"connectionToken": "t", "expireTime": "2020-01-01T00:00:00+00:00"}, "expireTime"),
    ],
)
async def test_a_refresh_that_is_not_valid_is_refused_with_its_field(
    service: Any, body: object, target: str | None
) -> None:
    reply = await service.rest("POST", "/connections/:refreshAuth", version="2026-07-01", message=body)
    assert (reply.status, reply.json().get("target")) == (400, target)


async def test_names_of_fields_are_read_without_regard_to_case(service: Any) -> None:
    client = await service.connect("ann")
    body = {"ConnectionToken": client.connection_token, "Claims": [{"Type": NAME_IDENTIFIER, "Value": "ann"}]}
    reply = await service.rest("POST", "/connections/:refreshAuth", version="2026-07-01", message=body)
    assert reply.status == 200


async def test_a_refresh_needs_the_access_key(service: Any) -> None:
    client = await service.connect("ann")
    path = "/api/hubs/chat/connections/:refreshAuth?api-version=2026-07-01"
    headers = {"Authorization": f"Bearer {service.client_token()}", "Content-Type": "application/json"}
    body = f'{{"connectionToken":"{client.connection_token}"}}'.encode()
    assert (await service.request("POST", path, headers=headers, data=body)).status == 401


async def test_tokens_are_not_logged(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client = await service.connect("ann")
    await refresh(service, client.connection_token, claims=shown("ann"))
    await refresh(service, client.connection_token, claims=shown("bob"))
    await refresh(service, f"{client.connection_token}x", claims=None)
    assert client.connection_token not in caplog.text


class TestExpiry:
    """Connections of six seconds, on a clock that the test moves."""

    @pytest.fixture
    def clock(self) -> MovableClock:
        return MovableClock()

    @pytest.fixture
    async def timed(self, start: Start, app: Any, clock: MovableClock) -> Any:
        return await start([UpstreamRule(app.url)], clock=clock)

    async def pass_by(self, clock: MovableClock, seconds: float) -> None:
        async def settled() -> None:
            pass

        await clock.advance(seconds, settled)

    async def test_a_connection_that_is_refreshed_lives_on(
        self, timed: Any, app: Any, clock: MovableClock
    ) -> None:
        client = await timed.connect("ann", claims=ends_in(6))
        for number in range(15):
            await self.pass_by(clock, 4)
            expires = after(6, clock.time)
            with following(clock.time):
                reply = await refresh(timed, client.connection_token, claims=shown("ann"), expireTime=expires)
                assert reply.status == 200
                await timed.send("/users/ann", number)
        received = [message async for message in messages(client, 15)]
        assert received == list(range(15))

    async def test_a_connection_that_is_not_refreshed_ends(
        self, timed: Any, app: Any, clock: MovableClock
    ) -> None:
        client = await timed.connect("ann", claims=ends_in(6))
        await self.pass_by(clock, 7)
        assert await client.next() == {
            "type": 7,
            "error": "The connection's token has expired.",
            "allowReconnect": True,
        }

    async def test_a_refused_refresh_leaves_the_end_as_it_was(
        self, timed: Any, app: Any, clock: MovableClock
    ) -> None:
        client = await timed.connect("ann", claims=ends_in(6))
        await self.pass_by(clock, 4)
        expires = after(60, clock.time)
        reply = await refresh(timed, client.connection_token, claims=shown("bob"), expireTime=expires)
        assert reply.status == 403
        await self.pass_by(clock, 3)
        assert (await client.next())["type"] == 7

    async def test_an_end_can_be_brought_forward(self, timed: Any, app: Any, clock: MovableClock) -> None:
        client = await timed.connect("ann", claims=ends_in(3600))
        await refresh(timed, client.connection_token, claims=None, expireTime=after(6, clock.time))
        await self.pass_by(clock, 7)
        assert (await client.next())["type"] == 7

    async def test_without_close_on_expiry_a_time_ends_nothing(
        self, timed: Any, app: Any, clock: MovableClock
    ) -> None:
        client = await timed.connect("ann")
        await refresh(timed, client.connection_token, claims=None, expireTime=after(6, clock.time))
        await self.pass_by(clock, 10)
        await timed.send("/users/ann", "still here")
        assert (await client.next())["arguments"] == ["still here"]

    async def test_polls_go_on_with_the_new_token(self, timed: Any, app: Any, clock: MovableClock) -> None:
        poller = await timed.poller("ann", coae="true", aeo=ends_in(6)["asrs.s.aeo"])
        await poller.shake_hands()
        await self.pass_by(clock, 4)
        expires = after(3600, clock.time)
        reply = await refresh(timed, poller.connection_token, claims=shown("ann"), expireTime=expires)
        assert reply.status == 200
        await self.pass_by(clock, 4)
        lifetime = timedelta(hours=1)
        poller.headers = {"Authorization": f"Bearer {timed.client_token(user_id='ann', lifetime=lifetime)}"}
        await timed.send("/users/ann", "still here")
        assert b"still here" in (await poller.poll()).body


async def messages(client: Any, count: int) -> Any:
    """Iterate over the arguments of the next messages, pings aside."""
    while count:
        message = await client.next()
        if message["type"] == 1:
            count -= 1
            yield message["arguments"][0]


async def test_many_connections_are_refreshed_at_a_time(start: Start) -> None:
    service = await start()
    clients = await asyncio.gather(*(service.connect(f"user{number}") for number in range(MANY)))
    replies = await asyncio.gather(
        *(
            refresh(
                service,
                client.connection_token,
                claims=shown(f"user{number}", role="author"),
                expireTime=after(3600),
            )
            for number, client in enumerate(clients)
        )
    )
    assert [values(reply)["asrs.s.uid"] for reply in replies] == [[f"user{number}"] for number in range(MANY)]
    assert all(values(reply)["role"] == ["author"] for reply in replies)
    await service.leave()
