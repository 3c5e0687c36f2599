"""Commands that run on every connection which passes a filter."""

from typing import Any
from urllib.parse import quote

import pytest

VERSION = "2023-07-01"


async def execute(service: Any, *commands: object, filter: str = "") -> Any:
    query = f"filter={quote(filter)}" if filter else ""
    return await service.rest("POST", "/:execute", query, version=VERSION, message=list(commands))


def sending(text: str) -> dict[str, object]:
    return {"type": "SendMessage", "message": {"target": "m", "arguments": [text]}}


@pytest.mark.parametrize(
    ("filter", "reached"),
    [
        ("", {"ann", "bob", "guest-1", None}),
        ("userId eq 'ann'", {"ann"}),
        ("userId ne 'ann'", {"bob", "guest-1", None}),
        ("userId eq null", {None}),
        ("startswith(userId, 'guest-')", {"guest-1"}),
        ("not startswith(userId, 'guest-')", {"ann", "bob", None}),
        ("userId eq 'ann' or userId eq 'bob'", {"ann", "bob"}),
        ("userId ne null and not (userId eq 'ann' or userId eq 'bob')", {"guest-1"}),
        ("userId eq 'ann' or userId eq 'bob' and userId eq 'x'", {"ann"}),
        ("connectionId eq 'it''s nobody'", set()),
        ("'red' in groups", {"ann"}),
    ],
)
async def test_a_filter_chooses_the_connections(service: Any, filter: str, reached: set[str | None]) -> None:
    clients = {user: await service.connect(user) for user in ("ann", "bob", "guest-1", None)}
    await service.rest("PUT", f"/groups/red/connections/{clients['ann'].connection_id}")
    reply = await execute(service, sending("chosen"), filter=filter)
    await execute(service, sending("all"))
    seen = {user for user, client in clients.items() if (await client.next())["arguments"] == ["chosen"]}
    assert (reply.status, seen) == (202, reached)


async def test_commands_run_in_order_on_each_connection(service: Any) -> None:
    client = await service.connect("ann")
    await execute(service, {"type": "JoinGroup", "group": "g"})
    await service.send("/groups/g", "while in")
    await execute(service, {"type": "LeaveGroup", "group": "g"}, sending("last"))
    await service.send("/groups/g", "too late")
    await execute(service, {"type": "CloseConnection", "reason": "enough"})
    messages = [await client.next() for _ in range(3)]
    assert [message.get("arguments") for message in messages] == [["while in"], ["last"], None]
    assert messages[2] == {"type": 7, "error": "enough", "allowReconnect": True}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "Dance"},
        {"type": "JoinGroup"},
        {"type": "JoinGroup", "group": " "},
        {"type": "SendMessage", "message": {"arguments": []}},
        {"type": "SendMessage", "message": {"target": "m", "arguments": 1}},
        {"type": "CloseConnection", "reason": 1},
        "CloseConnection",
    ],
)
async def test_nothing_runs_where_one_command_is_wrong(service: Any, wrong: object) -> None:
    client = await service.connect()
    refused = await execute(service, sending("first"), wrong)
    await execute(service, sending("second"))
    assert refused.status == 400
    assert (await client.next())["arguments"] == ["second"]


async def test_a_filter_that_cannot_be_read_is_400(service: Any) -> None:
    reply = await execute(service, sending("x"), filter="userId eq ann")
    assert reply.status == 400
    assert reply.json()["message"] == "The filter has 'ann', expected a text in quotes, or null."


async def test_who_is_chosen_does_not_change_while_commands_run(service: Any) -> None:
    clients = [await service.connect() for _ in range(2)]
    join = {"type": "JoinGroup", "group": "g"}
    await execute(service, join, sending("all"), filter="not 'g' in groups")
    assert [(await client.next())["arguments"] for client in clients] == [["all"], ["all"]]


@pytest.mark.parametrize("body", [[], {"type": "CloseConnection"}, "x"])
async def test_a_body_that_is_no_list_of_commands_is_400(service: Any, body: object) -> None:
    assert (await service.rest("POST", "/:execute", version=VERSION, message=body)).status == 400
