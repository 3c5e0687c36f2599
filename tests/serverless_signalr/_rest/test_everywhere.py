"""A connection with several instances of the service: what is sent where, and what comes of it."""

from contextlib import suppress

import pytest
from aiohttp import web

from serverless_signalr.connection import ServiceConnection
from serverless_signalr.errors import (
    InvalidArgumentError,
    NotFoundError,
    PartialSendError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from serverless_signalr.rest import ServiceClient
from tests.serverless_signalr.azure_fakes.clock import Clock, until
from tests.serverless_signalr.azure_fakes.cloud import Cloud
from tests.serverless_signalr.azure_fakes.endpoints import BACKUP_KEY, ENDPOINTS, KEY, connect


@pytest.fixture
def connection(cloud: Cloud, clock: Clock, pauses: list[float]) -> ServiceConnection:
    cloud.service.keys.add(KEY)
    cloud.backup.keys.add(BACKUP_KEY)
    return connect(ENDPOINTS, clock)


@pytest.fixture
def client(connection: ServiceConnection) -> ServiceClient:
    return connection.client("chat", retries=0)


async def test_message_goes_to_every_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    await client.send_to_group("g", "x")
    path = ["/api/hubs/chat/groups/g/:send"]
    assert (cloud.service.sends, cloud.backup.sends) == (path, path)


async def test_connection_is_looked_for_at_every_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    cloud.backup.connections.add("there")
    assert [await client.connection_exists(name) for name in ("there", "nowhere")] == [True, False]


async def test_client_is_asked_wherever_it_is(cloud: Cloud, client: ServiceClient) -> None:
    cloud.backup.connections.add("there")
    assert await client.invoke_connection("there", "x") == "there"
    with pytest.raises(NotFoundError):
        await client.invoke_connection("nowhere", "x")


async def test_group_has_the_connections_of_every_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    cloud.service.groups["g"] = ["a", "b"]
    cloud.backup.groups["g"] = ["c"]
    found = [item.connection_id async for item in client.list_group_connections("g")]
    assert sorted(found) == ["a", "b", "c"]
    found = [item.connection_id async for item in client.list_group_connections("g", top=2)]
    assert len(found) == 2


async def test_endpoint_that_fails_is_told(cloud: Cloud, client: ServiceClient) -> None:
    cloud.service.fail(500, times=1)
    with pytest.raises(PartialSendError, match="POST /:send failed at 1 of 2 endpoints: main: ") as raised:
        await client.send_to_all("first")
    assert list(raised.value.failures) == ["main"]
    assert len(cloud.backup.bodies) == 1


async def test_one_failure_takes_no_endpoint_out(
    cloud: Cloud, client: ServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.service.fail(500, times=1)
    with pytest.raises(PartialSendError):
        await client.send_to_all("first")
    for _ in range(50):
        await client.send_to_all("x")
    assert (len(cloud.service.bodies), len(cloud.backup.bodies)) == (50, 51)
    assert "is down, and skipped" not in caplog.text


async def test_endpoint_that_a_look_finds_down_is_left_out_with_one_warning(
    cloud: Cloud, client: ServiceClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    cloud.service.fail(500)
    with pytest.raises(PartialSendError):
        await client.send_to_all("x")

    async def is_left_out() -> bool:
        try:
            await client.send_to_all("x")
        except PartialSendError:
            return False
        return True

    await until(is_left_out)
    for _ in range(3):
        clock.pass_by(seconds=31)
        await client.send_to_all("x")
    assert caplog.text.count("the endpoint main is down, and skipped") == 1
    assert cloud.service.bodies == []


async def test_endpoint_that_is_up_again_is_sent_to_again(
    cloud: Cloud, client: ServiceClient, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    async def is_left_out() -> bool:
        with suppress(PartialSendError):
            await client.send_to_all("x")
        return "is down, and skipped" in caplog.text

    async def is_sent_to() -> bool:
        await client.send_to_all("x")
        return bool(cloud.service.bodies)

    cloud.service.fail(500)
    await until(is_left_out)
    cloud.service.recover()
    clock.pass_by(minutes=3)
    await until(is_sent_to)
    assert caplog.text.count("the endpoint main is up again") == 1


async def test_failing_endpoint_is_not_looked_at_for_every_failure(
    cloud: Cloud, client: ServiceClient, clock: Clock
) -> None:
    looks = 0

    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal looks
        looks += request.path == "/api/health"
        return web.Response(status=200 if request.method == "HEAD" else 500)

    async def fails_and_was_looked_at(times: int) -> bool:
        with pytest.raises(PartialSendError):
            await client.send_to_all("x")
        return looks == times

    cloud.service.always(respond)
    await until(lambda: fails_and_was_looked_at(1))
    for _ in range(10):
        assert await fails_and_was_looked_at(1)
    clock.pass_by(seconds=6)
    await until(lambda: fails_and_was_looked_at(2))


async def test_answer_that_came_is_not_thrown_away(cloud: Cloud, client: ServiceClient) -> None:
    cloud.backup.connections.add("there")
    cloud.service.fail(500)
    assert await client.invoke_connection("there", "x") == "there"
    assert await client.connection_exists("there")


async def test_refusal_of_the_client_that_was_asked_is_its_answer(
    cloud: Cloud, client: ServiceClient
) -> None:
    cloud.service.fail(400)
    cloud.backup.fail(500)
    with pytest.raises(InvalidArgumentError):
        await client.invoke_connection("there", "x")


async def test_client_that_may_be_where_nothing_answers_is_not_said_to_be_gone(
    cloud: Cloud, client: ServiceClient
) -> None:
    cloud.service.fail(500)
    with pytest.raises(ServiceUnavailableError):
        await client.invoke_connection("nowhere", "x")


async def test_message_to_a_connection_that_half_of_the_endpoints_took_is_no_success(
    cloud: Cloud, client: ServiceClient
) -> None:
    # The service takes a message to a connection that it does not have: that it did says nothing.
    cloud.service.fail(500)
    with pytest.raises(PartialSendError) as raised:
        await client.send_to_connection("c1", "x")
    assert list(raised.value.failures) == ["main"]


async def test_error_is_told_where_all_fail_and_all_are_tried_again(
    cloud: Cloud, client: ServiceClient
) -> None:
    for instance in (cloud.service, cloud.backup):
        instance.fail(503)
    with pytest.raises(ServiceUnavailableError):
        await client.send_to_all("first")
    for instance in (cloud.service, cloud.backup):
        instance.recover()
    await client.send_to_all("second")
    assert (len(cloud.service.bodies), len(cloud.backup.bodies)) == (1, 1)


async def test_endpoint_that_refuses_the_key_is_told_every_time(cloud: Cloud, client: ServiceClient) -> None:
    cloud.service.keys.clear()
    for _ in range(2):
        with pytest.raises(PartialSendError) as raised:
            await client.send_to_all("x")
        assert isinstance(raised.value.failures["main"], UnauthorizedError)


async def test_absence_is_not_concluded_from_an_endpoint_that_does_not_answer(
    cloud: Cloud, client: ServiceClient
) -> None:
    cloud.service.fail(500)
    with pytest.raises(ServiceUnavailableError):
        await client.connection_exists("somewhere")


async def test_health_is_that_of_any_endpoint(cloud: Cloud, client: ServiceClient) -> None:
    cloud.service.fail(503)
    assert await client.is_healthy()
    cloud.backup.fail(503)
    assert not await client.is_healthy()


async def test_health_is_an_error_where_no_address_is_the_service_s(
    cloud: Cloud, client: ServiceClient
) -> None:
    cloud.service.fail(404)
    cloud.backup.fail(404)
    with pytest.raises(NotFoundError):
        await client.is_healthy()


async def test_token_for_one_endpoint_is_not_made(client: ServiceClient) -> None:
    with pytest.raises(
        ValueError, match="the connection has 2 endpoints and a token is valid for one of them"
    ):
        await client.generate_token()


async def test_client_that_was_closed_sends_no_more(client: ServiceClient) -> None:
    async with client:
        await client.send_to_all("x")
    with pytest.raises(RuntimeError, match="the client was closed"):
        await client.send_to_all("x")


async def test_wrong_names_are_refused_before_anything_is_sent(
    cloud: Cloud, connection: ServiceConnection, client: ServiceClient
) -> None:
    with pytest.raises(ValueError, match="the hub name '1' is not valid"):
        connection.client("1")
    with pytest.raises(ValueError, match="the user id must not be empty"):
        await client.send_to_user("", "x")
    assert cloud.service.requests == []
