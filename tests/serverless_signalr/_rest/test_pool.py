"""The sockets: one pool for each event loop."""

import time

import pytest

from serverless_signalr.rest import (
    ServiceClient,
)
from tests.serverless_signalr.rest_service import Service, connected


async def test_clients_of_a_loop_share_connections(service: Service) -> None:
    async with connected(service) as one, connected(service) as other:
        for _ in range(3):
            await one.send_to_all("m")
            await other.send_to_all("m")
    assert len({request.peer for request in service.requests}) == 1


async def test_closing_one_client_leaves_the_pool_to_the_others(service: Service) -> None:
    async with connected(service) as one:
        await one.send_to_all("m")
        async with connected(service) as other:
            await other.send_to_all("m")
        await one.send_to_all("m")
    assert len({request.peer for request in service.requests}) == 1


async def test_closing_the_last_client_closes_the_pool(service: Service) -> None:
    for _ in range(2):
        async with connected(service) as client:
            await client.send_to_all("m")
    assert len({request.peer for request in service.requests}) == 2


async def test_closed_client_says_so(service: Service, client: ServiceClient) -> None:
    await client.aclose()
    await client.aclose()
    for operate in (client.send_to_all("m"), client.is_healthy()):
        with pytest.raises(RuntimeError, match="the client was closed"):
            await operate


async def test_unused_client_can_be_closed() -> None:
    async with ServiceClient("Endpoint=https://h;AccessKey=k;", "chat"):
        pass


async def test_no_cookie_is_kept(service: Service) -> None:
    # aiohttp keeps no cookie of an address that is a number.
    text = service.connection_string.replace("127.0.0.1", "localhost")
    service.answer(202, Set_Cookie="affinity=1; Path=/")
    async with ServiceClient(text, "chat") as client:
        await client.send_to_all("m")
        await client.send_to_all("m")
    assert len(service.requests) == 2
    assert "cookie" not in service.requests[1].headers


@pytest.mark.parametrize(("seconds", "sockets"), [(25, 1), (35, 2)])
async def test_socket_is_left_before_the_service_closes_it(
    service: Service, client: ServiceClient, monkeypatch: pytest.MonkeyPatch, seconds: int, sockets: int
) -> None:
    await client.send_to_all("m")
    monkeypatch.setattr("aiohttp.connector.monotonic", lambda: time.monotonic() + seconds)
    await client.send_to_all("m")
    assert len({request.peer for request in service.requests}) == sockets
