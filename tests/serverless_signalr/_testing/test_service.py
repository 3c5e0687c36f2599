"""The service in memory: who is where, what is recorded, and whom it stands in for."""

import asyncio

import pytest

from serverless_signalr import (
    ConnectionStringError,
    ServiceClient,
    ThrottledError,
    run_sync,
    service_connection,
)
from serverless_signalr.testing import FakeService, Message
from tests.serverless_signalr._testing.apps import Room


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AzureSignalRConnectionString", raising=False)


def client() -> ServiceClient:
    return service_connection().client("chat")


async def test_hub_needs_no_setting_within() -> None:
    with FakeService() as service:
        await Room().clients.all.said("hi")
    assert service.sent.to_all == [Message("said", "hi", None)]


async def test_hub_that_was_used_within_needs_its_setting_outside() -> None:
    room = Room()
    with FakeService():
        await room.clients.all.said("hi")
    with pytest.raises(ConnectionStringError):
        await room.clients.all.said("hi")


async def test_client_that_was_made_outside_is_stood_in_for() -> None:
    made = ServiceClient("Endpoint=http://localhost:9;AccessKey=abc;Version=1.0;", "chat")
    with FakeService() as service:
        await made.send_to_user("ann", "hi")
    assert service.sent.to_user("ann") == [Message("hi")]


async def test_tasks_of_two_tests_do_not_meet() -> None:
    async def one(text: str) -> list[Message]:
        with FakeService() as service:
            await asyncio.sleep(0)
            await client().send_to_all(text)
            return service.sent.to_all

    assert list(await asyncio.gather(one("a"), one("b"))) == [[Message("a")], [Message("b")]]


def test_synchronous_code_is_stood_in_for() -> None:
    with FakeService() as service:
        run_sync(client().send_to_all("hi"))
    assert service.sent.to_all == [Message("hi")]


async def test_fault_is_the_error_that_its_status_stands_for() -> None:
    with FakeService() as service:
        service.fail(429, retry_after=3)
        with pytest.raises(ThrottledError, match="wait 3 seconds"):
            await client().send_to_all("hi")
        await client().send_to_all("again")
    assert service.sent.to_all == [Message("again")]


async def test_hubs_are_told_apart() -> None:
    with FakeService() as service:
        await client().send_to_all("hi")
        await service_connection().client("other").send_to_all("hello")
    assert service.sent.on("other").to_all == [Message("hello")]


async def test_service_is_well_without_a_fault() -> None:
    with FakeService() as service:
        assert await client().is_healthy()
        service.fail(503)
        assert not await client().is_healthy()


@pytest.mark.parametrize("status", [200, 399, 600])
def test_status_that_is_no_error_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match="expected that of an error"):
        FakeService().fail(status)
