"""Messages to several addressees, and streams."""

import asyncio
import pickle
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from serverless_signalr.errors import (
    HubException,
    InvalidArgumentError,
    PartialSendError,
    ServiceUnavailableError,
)
from serverless_signalr.rest import (
    ServiceClient,
)
from tests.serverless_signalr.rest_service import (
    HUB,
    PATIENCE,
    Operate,
    Received,
    Service,
    connected,
)

# Several addressees.


@pytest.mark.parametrize(
    ("operate", "kind"),
    [
        (lambda client: client.send_to_users(["a b", "c"], "m", 1), "users"),
        (lambda client: client.send_to_groups(["a b", "c"], "m", 1), "groups"),
        (lambda client: client.send_to_connections(["a b", "c"], "m", 1), "connections"),
    ],
)
async def test_several_addressees_are_a_request_each(
    service: Service, client: ServiceClient, operate: Operate, kind: str
) -> None:
    await operate(client)
    assert sorted(service.lines) == [f"POST {HUB}/{kind}/a%20b/:send", f"POST {HUB}/{kind}/c/:send"]
    assert {request.body for request in service.requests} == {b'{"target":"m","arguments":[1]}'}


async def test_nobody_is_sent_nothing(service: Service, client: ServiceClient) -> None:
    await client.send_to_users([], "m")
    assert service.requests == []


async def test_addressee_that_is_named_twice_is_sent_to_once(service: Service, client: ServiceClient) -> None:
    await client.send_to_users(["ann", "bob", "ann"], "m")
    assert len(service.requests) == 2


async def test_no_more_requests_are_made_at_a_time_than_allowed(service: Service) -> None:
    barrier, now, most = asyncio.Barrier(3), 0, 0

    async def respond(request: Received) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await barrier.wait()
        now -= 1
        return web.Response(status=202)

    service.always(respond)
    async with asyncio.timeout(PATIENCE), connected(service, max_parallel=3) as client:
        await client.send_to_users([f"u{number}" for number in range(9)], "m")
    assert (most, len(service.requests)) == (3, 9)


def refuse_some(service: Service, statuses: dict[str, int]) -> None:
    async def respond(request: Received) -> web.StreamResponse:
        return web.Response(status=statuses.get(request.path.split("/")[-2], 202))

    service.always(respond)


async def test_all_addressees_are_tried_and_the_failed_are_told(
    service: Service, client: ServiceClient
) -> None:
    refuse_some(service, {"bob": 400, "dan": 500})
    with pytest.raises(
        PartialSendError, match=r"sending to 2 of 4 users failed: bob: .* 400.*dan: .* 500"
    ) as raised:
        await client.send_to_users(["ann", "bob", "cat", "dan"], "m")
    assert {name: type(error) for name, error in raised.value.failures.items()} == {
        "bob": InvalidArgumentError,
        "dan": ServiceUnavailableError,
    }
    assert raised.value.status is None
    assert len(service.requests) == 4


async def test_failures_with_one_status_have_it_and_a_short_message(
    service: Service, client: ServiceClient
) -> None:
    refuse_some(service, {f"u{number}": 400 for number in range(5)})
    with pytest.raises(PartialSendError, match=r"5 of 5 .*; and 2 more$") as raised:
        await client.send_to_users([f"u{number}" for number in range(5)], "m")
    assert raised.value.status == 400
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (str(copied), copied.failures.keys()) == (str(raised.value), raised.value.failures.keys())


# Streams.


async def items_then(error: BaseException | None) -> AsyncIterator[str]:
    yield "a"
    yield "b"
    if error is not None:
        raise error


def stream_lines(*actions: str) -> list[str]:
    return [f"POST {HUB}/connections/c1/streams/s1/:{action}" for action in actions]


async def test_stream_is_its_items_in_order_and_an_end(service: Service, client: ServiceClient) -> None:
    await client.stream_to_connection("c1", "s1", items_then(None))
    await client.stream_to_connection("c1", "s1", ["c", "d"])
    assert service.lines == stream_lines("send", "send", "complete") * 2
    assert [request.body for request in service.requests] == [b'"a"', b'"b"', b"", b'"c"', b'"d"', b""]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (HubException("no more today"), "no more today"),
        (ValueError("password=1234"), "The stream failed on the server."),
    ],
)
async def test_client_is_told_that_a_stream_failed_and_no_more(
    service: Service, client: ServiceClient, error: Exception, told: str
) -> None:
    with pytest.raises(type(error)) as raised:
        await client.stream_to_connection("c1", "s1", items_then(error))
    assert raised.value is error
    assert service.lines == stream_lines("send", "send", "complete")
    assert dict(service.requests[-1].query)["error"] == told


async def test_client_is_told_that_a_stream_was_cancelled(service: Service, client: ServiceClient) -> None:
    reached = asyncio.Event()

    async def items() -> AsyncIterator[str]:
        yield "a"
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(client.stream_to_connection("c1", "s1", items()))
    async with asyncio.timeout(PATIENCE):
        await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert service.lines == stream_lines("send", "complete")


async def test_stream_that_cannot_be_ended_raises_its_own_error(
    service: Service, client: ServiceClient
) -> None:
    service.answer(202, times=2)
    service.answer(404)
    with pytest.raises(ValueError, match="mine") as raised:
        await client.stream_to_connection("c1", "s1", items_then(ValueError("mine")))
    assert "the stream could not be completed" in raised.value.__notes__[0]


async def test_generator_of_a_stream_that_fails_is_closed_by_then(
    service: Service, client: ServiceClient
) -> None:
    closed: list[str] = []

    async def items() -> AsyncIterator[object]:
        try:
            yield "a"
            yield float("nan")
        finally:
            closed.append("here")

    generator = items()
    with pytest.raises(ValueError, match="not JSON compliant"):
        await client.stream_to_connection("c1", "s1", generator)
    assert closed == ["here"]
    assert service.lines == stream_lines("send", "complete")
