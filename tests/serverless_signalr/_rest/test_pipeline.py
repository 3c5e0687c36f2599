"""The way of a request: what is repeated, and what is not."""

import asyncio
import logging
import time
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from azure.core.pipeline.transport import AsyncHttpTransport

from serverless_signalr.errors import (
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
)
from serverless_signalr.rest import (
    ServiceClient,
)
from tests.serverless_signalr.rest_service import (
    Operate,
    Received,
    Service,
    closed_port,
    connected,
    each_idempotent,
    each_send,
)


@each_idempotent
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_idempotent_operation_is_repeated_after_a_passing_failure(
    service: Service, client: ServiceClient, operate: Operate, status: int
) -> None:
    service.answer(status, times=3)
    await operate(client)
    assert len(service.requests) == 4
    assert len({request.headers["x-ms-client-request-id"] for request in service.requests}) == 1


@each_idempotent
async def test_idempotent_operation_is_repeated_after_a_broken_connection(
    service: Service, client: ServiceClient, operate: Operate
) -> None:
    service.drop(times=2)
    await operate(client)
    assert len(service.requests) == 3


@each_idempotent
@pytest.mark.parametrize("retries", [0, 2])
async def test_as_many_attempts_are_made_as_told_where_a_kept_connection_breaks(
    service: Service, operate: Operate, retries: int
) -> None:
    async with connected(service, retries=retries) as client:
        await client.send_to_all("m")
        service.requests.clear()
        service.drop(times=99)
        with pytest.raises(ServiceUnavailableError):
            await operate(client)
    assert len(service.requests) == retries + 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413])
async def test_lasting_failure_is_not_repeated(service: Service, client: ServiceClient, status: int) -> None:
    service.answer(status)
    with pytest.raises(ServiceError):
        await client.close_all_connections()
    assert len(service.requests) == 1


@each_send
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_send_is_not_repeated_where_it_may_have_run(
    service: Service, client: ServiceClient, operate: Operate, status: int
) -> None:
    service.answer(status)
    with pytest.raises(ServiceError):
        await operate(client)
    assert len(service.requests) == 1


@each_send
async def test_send_is_not_repeated_after_a_broken_connection(
    service: Service, client: ServiceClient, operate: Operate
) -> None:
    service.drop()
    with pytest.raises(
        ServiceUnavailableError, match="it was not retried, since it may have been carried out"
    ) as raised:
        await operate(client)
    assert len(service.requests) == 1
    assert raised.value.status is None


@each_send
@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, {}), (429, {"Retry_After": "1"}), (503, {"Retry_After": "1"}), (503, {"Retry_After": "0"})],
)
async def test_send_is_repeated_where_it_surely_did_not_run(
    service: Service,
    client: ServiceClient,
    waits: list[float],
    operate: Operate,
    status: int,
    headers: dict[str, str],
) -> None:
    service.answer(status, times=2, **headers)
    service.answer(202, {})
    await operate(client)
    assert len(service.requests) == 3


async def test_send_is_repeated_where_there_was_no_connection(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = closed_port()
    late = Service()

    async def sleep(self: object, duration: float) -> None:
        await late.start(int(text.partition(";")[0].rpartition(":")[2]))

    monkeypatch.setattr(AsyncHttpTransport, "sleep", sleep)
    async with ServiceClient(text, "chat") as client:
        await client.send_to_all("m")
    await late.stop()
    assert len(late.requests) == 1


async def test_send_is_repeated_where_the_connection_took_too_long(
    service: Service, client: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, tries = aiohttp.TCPConnector.connect, 0

    async def slow_once(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise TimeoutError
        return await connect(self, *args, **kwargs)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", slow_once)
    await client.send_to_all("m")
    assert (tries, len(service.requests)) == (2, 1)


async def test_service_that_cannot_be_reached_is_said_to_be(waits: list[float]) -> None:
    async with ServiceClient(closed_port(), "chat") as client:
        with pytest.raises(
            ServiceUnavailableError, match=r"no connection: Cannot connect .*; check Endpoint"
        ) as raised:
            await client.send_to_user("ann", "m")
    assert raised.value.status is None
    assert len(waits) == 3


async def test_service_that_speaks_no_tls_is_not_asked_again(service: Service, waits: list[float]) -> None:
    text = service.connection_string.replace("http://", "https://")
    async with ServiceClient(text, "chat") as client:
        with pytest.raises(ServiceUnavailableError, match=r"no connection: Cannot connect .*SSL"):
            await client.close_all_connections()
    assert waits == []


async def never(request: Received) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def test_silent_service_is_waited_for_as_long_as_told(service: Service) -> None:
    service.always(never)
    async with connected(service, timeout=timedelta(milliseconds=20), retries=2) as client:
        with pytest.raises(ServiceUnavailableError, match=r"did not respond in time; try again later"):
            await client.close_all_connections()
        assert len(service.requests) == 3
        with pytest.raises(
            ServiceUnavailableError,
            match=r"did not respond in time; it was not retried, since it may have been",
        ):
            await client.send_to_all("m")
        assert len(service.requests) == 4


async def test_invocation_has_a_timeout_of_its_own(service: Service, client: ServiceClient) -> None:
    service.always(never)
    with pytest.raises(ServiceUnavailableError, match="did not respond in time"):
        await client.invoke_connection("c1", "ask", timeout=timedelta(milliseconds=20))
    assert len(service.requests) == 1


async def test_half_an_answer_is_none(service: Service, client: ServiceClient) -> None:
    async def respond(request: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request.raw)
        await response.write(b'{"value":')
        raise ConnectionResetError

    service.always(respond)
    with pytest.raises(ServiceUnavailableError, match="was lost before the response; try again later"):
        _ = [item async for item in client.list_group_connections("g")]
    assert len(service.requests) == 4


async def test_pauses_grow_and_vary(service: Service, waits: list[float]) -> None:
    service.answer(500, times=5)
    async with connected(service, retries=5, retry_delay=timedelta(seconds=1)) as client:
        await client.close_all_connections()
    assert len(waits) == 5
    for wait, base in zip(waits, [1, 2, 4, 8, 16], strict=True):
        assert 0.75 * base <= wait <= 1.25 * base


async def test_pause_is_at_least_what_the_service_asks_for(service: Service, waits: list[float]) -> None:
    service.answer(429, Retry_After="7")
    service.answer(503, Retry_After=formatdate(time.time() + 20, usegmt=True))
    async with connected(service) as client:
        await client.send_to_all("m")
    assert waits[0] == 7
    assert 10 < waits[1] <= 20


@pytest.mark.parametrize("asked", ["31", "3600", "inf"])
async def test_longer_pause_is_left_to_the_caller(
    service: Service, client: ServiceClient, waits: list[float], asked: str
) -> None:
    service.answer(429, Retry_After=asked)
    with pytest.raises(ThrottledError, match=f"asks to wait {asked} seconds"):
        await client.send_to_all("m")
    assert waits == []


async def test_pause_that_makes_no_sense_is_none(service: Service, client: ServiceClient) -> None:
    service.answer(429, Retry_After="soon")
    await client.send_to_all("m")
    assert len(service.requests) == 2


async def test_as_many_attempts_are_made_as_told(service: Service) -> None:
    service.answer(500, times=9)
    async with connected(service, retries=1) as client:
        with pytest.raises(ServiceUnavailableError):
            await client.close_all_connections()
    assert len(service.requests) == 2


async def test_repetition_is_logged(
    service: Service, client: ServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="serverless_signalr.rest")
    service.answer(503)
    await client.close_user_connections("ann", reason="secret")
    assert caplog.messages == ["POST /users/ann/:closeConnections: 503, retrying in 0.0 s"]
