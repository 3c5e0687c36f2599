"""Operations on a hub in memory: what the service would answer, and what it would do."""

import pytest

from serverless_signalr import (
    CloseConnection,
    JoinGroup,
    LeaveGroup,
    NotFoundError,
    SendMessage,
    ServiceClient,
    service_connection,
)
from serverless_signalr._rest.operations import Operation
from serverless_signalr.testing import Closed, FakeService, GroupAction, Message, Recipient


def client() -> ServiceClient:
    return service_connection().client("chat")


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


async def test_token_is_made_without_a_service() -> None:
    with FakeService():
        assert (await client().generate_token("ann")).count(".") == 2


async def test_stream_that_fails_is_read_back_with_its_error() -> None:
    with FakeService() as service:
        ann = service.connect("chat")
        await client().send_stream_item(ann.id, "s", 1)
        await client().complete_stream(ann.id, "s", "out of words")
    end = service.sent.stream_end(ann.id, "s")
    assert end is not None
    assert (end.error, ann.streams) == ("out of words", {"s": [1]})


async def test_commands_leave_groups_and_close() -> None:
    with FakeService() as service:
        ann = service.connect("chat")
        await client().execute([JoinGroup("g"), JoinGroup("h"), LeaveGroup("g"), CloseConnection("bye")])
    assert ann.groups == {"h"}
    assert ann.closed is not None
    assert ann.closed.reason == "bye"


async def test_list_ends_at_the_top() -> None:
    with FakeService() as service:
        for name in ("a", "b", "c"):
            service.connect("chat", connection_id=name)
            await client().add_connection_to_group("g", connection_id=name)
        found = [each.connection_id async for each in client().list_group_connections("g", top=2)]
    assert found == ["a", "b"]


async def test_connection_that_is_gone_cannot_be_asked() -> None:
    with FakeService(), pytest.raises(NotFoundError):
        await client().invoke_connection("gone", "confirm")


async def test_operation_that_is_not_known_is_named() -> None:
    with FakeService(), pytest.raises(NotImplementedError, match=r"the operation PATCH /rooms/r"):
        await client().run(Operation("PATCH", "/rooms/r"))
