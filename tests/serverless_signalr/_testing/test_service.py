"""The service in memory: who is where, what is recorded, and whom it stands in for."""

import asyncio
from datetime import timedelta

import pytest

from serverless_signalr import (
    ConnectionStringError,
    JoinGroup,
    SendMessage,
    ServiceClient,
    ThrottledError,
    run_sync,
    service_connection,
)
from serverless_signalr.testing import Closed, FakeService, GroupAction, Message, Recipient
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


async def test_connections_are_found_and_lost() -> None:
    with FakeService() as service:
        ann = service.connect("chat", user_id="ann")
        found = [await client().connection_exists(ann.id), await client().user_exists("ann")]
        await client().close_connection(ann.id, "bye")
        found += [await client().connection_exists(ann.id), await client().user_exists("ann")]
    assert found == [True, True, False, False]
    assert service.sent.closed == [Closed(Recipient("connection", ann.id), "bye")]


async def test_groups_are_listed() -> None:
    with FakeService() as service:
        service.connect("chat", user_id="ann", connection_id="a")
        await client().add_connection_to_group("g", connection_id="a")
        members = [each async for each in client().list_group_connections("g")]
    assert [(each.connection_id, each.user_id) for each in members] == [("a", "ann")]
    assert service.sent.group_actions == [GroupAction("add", "g", connection_id="a")]


async def test_connection_that_leaves_all_groups_is_in_none() -> None:
    with FakeService() as service:
        ann = service.connect("chat")
        await client().add_connection_to_group("g", connection_id=ann.id)
        await client().remove_connection_from_all_groups(connection_id=ann.id)
    assert ann.groups == set()


async def test_user_that_left_a_group_does_not_come_back_to_it() -> None:
    with FakeService() as service:
        await client().add_user_to_group("g", user_id="ann", ttl=timedelta(hours=1))
        assert await client().is_user_in_group("g", user_id="ann")
        await client().remove_user_from_group("g", user_id="ann")
        assert not await client().is_user_in_group("g", user_id="ann")
        assert service.connect("chat", user_id="ann").groups == set()


async def test_message_to_a_connection_that_is_gone_is_no_error() -> None:
    with FakeService():
        await client().send_to_connection("gone", "hi")
        await client().add_connection_to_group("g", connection_id="gone")
        await client().close_connection("gone")


async def test_stream_is_read_back_with_its_end() -> None:
    with FakeService() as service:
        ann = service.connect("chat")
        await client().stream_to_connection(ann.id, "s", [1, 2])
    assert service.sent.stream(ann.id, "s") == [1, 2]
    assert service.sent.stream_end(ann.id, "s") is not None
    assert ann.streams == {"s": [1, 2]}


async def test_commands_run_on_every_connection() -> None:
    with FakeService() as service:
        ann, bob = service.connect("chat"), service.connect("chat")
        await client().execute([JoinGroup("g"), SendMessage("hi")])
    assert [(each.groups, each.received) for each in (ann, bob)] == [({"g"}, [Message("hi")])] * 2


async def test_filter_is_left_to_the_emulator() -> None:
    with FakeService(), pytest.raises(NotImplementedError, match=r"signalr_local\.testing"):
        await client().execute([JoinGroup("g")], filter="userId eq 'ann'")


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


async def test_token_is_made_without_a_service() -> None:
    with FakeService():
        assert (await client().generate_token("ann")).count(".") == 2


def test_connection_id_in_use_is_refused() -> None:
    service = FakeService()
    service.connect("chat", connection_id="a")
    with pytest.raises(ValueError, match="'a' is connected already"):
        service.connect("chat", connection_id="a")


@pytest.mark.parametrize("status", [200, 399, 600])
def test_status_that_is_no_error_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match="expected that of an error"):
        FakeService().fail(status)
