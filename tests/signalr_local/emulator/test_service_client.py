"""The library's own client of the REST API, against the emulator: the operations since 2022."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from serverless_signalr.errors import InvalidArgumentError, NotFoundError, ServiceUnavailableError
from serverless_signalr.rest import (
    CloseConnection,
    GroupConnection,
    JoinGroup,
    LeaveGroup,
    SendMessage,
    ServiceClient,
)
from signalr_local.emulator.versions import API_VERSIONS


@pytest.fixture
async def client(service: Any) -> AsyncIterator[ServiceClient]:
    async with ServiceClient(service.emulator.connection_string, "chat", retries=0) as client:
        yield client


async def test_many_connections_are_closed_with_one_request(service: Any, client: ServiceClient) -> None:
    ann, bob, carla = [await service.connect(user) for user in ("ann", "bob", "carla")]
    await client.close_user_connections("ann", reason="enough")
    assert await ann.next() == {"type": 7, "error": "enough", "allowReconnect": True}
    await client.add_connection_to_group("a/b", connection_id=bob.connection_id)
    await client.close_group_connections("a/b")
    assert await bob.next() == {"type": 7, "allowReconnect": True}
    await client.close_all_connections(excluded=[carla.connection_id])
    await client.close_all_connections(reason="bye & thanks")
    assert (await carla.next())["error"] == "bye & thanks"


@pytest.mark.parametrize(
    ("top", "page_size", "expected"), [(None, None, 5), (None, 2, 5), (3, 2, 3), (9, 5, 5)]
)
async def test_the_connections_of_a_group_are_listed(
    service: Any, client: ServiceClient, top: int | None, page_size: int | None, expected: int
) -> None:
    members = []
    for user in ("ann", None, "carla", "dan", "eve"):
        connection = await service.connect(user)
        await client.add_connection_to_group("a/b", connection_id=connection.connection_id)
        members.append(GroupConnection(connection.connection_id, user))
    listed = [member async for member in client.list_group_connections("a/b", top=top, page_size=page_size)]
    assert listed == sorted(members, key=lambda member: member.connection_id)[:expected]


async def test_a_client_is_asked_for_a_result(service: Any, client: ServiceClient) -> None:
    browser = await service.connect()
    asking = asyncio.create_task(client.invoke_connection(browser.connection_id, "confirm", "sure?"))
    call = await browser.next()
    assert (call["target"], call["arguments"]) == ("confirm", ["sure?"])
    await browser.send({"type": 3, "invocationId": call["invocationId"], "result": {"yes": True}})
    assert await asking == {"yes": True}


async def test_a_client_that_fails_to_answer_is_an_error_of_its_own(start: Any) -> None:
    service = await start(client_result=0.05)
    async with ServiceClient(service.emulator.connection_string, "chat", retries=0) as client:
        with pytest.raises(NotFoundError):
            await client.invoke_connection("gone", "confirm")
        browser = await service.connect()
        asking = asyncio.create_task(client.invoke_connection(browser.connection_id, "confirm"))
        id = (await browser.next())["invocationId"]
        await browser.send({"type": 3, "invocationId": id, "error": "I will not"})
        with pytest.raises(InvalidArgumentError, match="I will not"):
            await asking
        with pytest.raises(ServiceUnavailableError):
            await client.invoke_connection(browser.connection_id, "confirm")


async def test_items_are_streamed_to_a_client(service: Any, client: ServiceClient) -> None:
    browser = await service.connect()
    await client.stream_to_connection(browser.connection_id, "s 1", ["one", {"item": 2}])
    await client.send_stream_item(browser.connection_id, "s2", None, completed=True)
    await client.complete_stream(browser.connection_id, "s3", "it failed")
    assert [await browser.next() for _ in range(6)] == [
        {"type": 2, "invocationId": "s 1", "item": "one"},
        {"type": 2, "invocationId": "s 1", "item": {"item": 2}},
        {"type": 3, "invocationId": "s 1"},
        {"type": 2, "invocationId": "s2", "item": None},
        {"type": 3, "invocationId": "s2"},
        {"type": 3, "invocationId": "s3", "error": "it failed"},
    ]


async def test_commands_run_on_who_passes_a_filter(service: Any, client: ServiceClient) -> None:
    guest, ann = await service.connect("guest-1"), await service.connect("ann")
    await client.execute([JoinGroup("g"), SendMessage("m", ["hello"])], "startswith(userId, 'guest-')")
    await client.send_to_group("g", "m", "to the group")
    await client.execute([LeaveGroup("g"), CloseConnection("enough")], "'g' in groups")
    assert [(await guest.next()).get("arguments") for _ in range(2)] == [["hello"], ["to the group"]]
    assert (await guest.next())["error"] == "enough"
    await client.execute([SendMessage("m", ["to all"])])
    assert (await ann.next())["arguments"] == ["to all"]


async def test_a_token_is_generated_that_lets_a_client_in(service: Any, client: ServiceClient) -> None:
    token = await client.generate_token("ann", timedelta(minutes=5))
    await (await service.open(token=token)).send_text('{"protocol":"json","version":1}\x1e')
    while not await client.user_exists("ann"):
        pass


async def test_the_emulator_is_healthy(client: ServiceClient) -> None:
    assert await client.is_healthy()


NOTHING: list[tuple[str, dict[str, str], object]] = [
    ("send_to_all", {"target": "m"}, None),
    ("send_to_user", {"user_id": "nobody", "target": "m"}, None),
    ("send_to_group", {"group_name": "none", "target": "m"}, None),
    ("send_to_connection", {"connection_id": "gone", "target": "m"}, None),
    ("add_connection_to_group", {"group_name": "none", "connection_id": "gone"}, None),
    ("remove_connection_from_group", {"group_name": "none", "connection_id": "gone"}, None),
    ("remove_connection_from_all_groups", {"connection_id": "gone"}, None),
    ("remove_user_from_group", {"group_name": "none", "user_id": "nobody"}, None),
    ("remove_user_from_all_groups", {"user_id": "nobody"}, None),
    ("is_user_in_group", {"group_name": "none", "user_id": "nobody"}, False),
    ("connection_exists", {"connection_id": "gone"}, False),
    ("user_exists", {"user_id": "nobody"}, False),
    ("group_exists", {"group_name": "none"}, False),
    ("close_connection", {"connection_id": "gone"}, None),
    ("close_user_connections", {"user_id": "nobody"}, None),
    ("close_group_connections", {"group_name": "none"}, None),
    ("close_all_connections", {}, None),
]
"""What the client makes of something that is not there: the service tells it by its error codes."""


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize(("name", "arguments", "expected"), NOTHING, ids=[name for name, *_ in NOTHING])
async def test_what_is_not_there_is_no_error_in_any_version(
    service: Any, version: str, name: str, arguments: dict[str, str], expected: object
) -> None:
    async with ServiceClient(
        service.emulator.connection_string, "chat", retries=0, api_version=version
    ) as client:
        assert await getattr(client, name)(**arguments) is expected
