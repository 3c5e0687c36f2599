"""Operations on groups: their requests, and what a 404 means."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from serverless_signalr._rest.groups import GroupOperations, exists
from serverless_signalr._rest.operations import Operation, Reach
from serverless_signalr._rest.responses import Response


class Groups(GroupOperations):
    """Keep the operations, and answer them with one response."""

    def __init__(self, status: int = 200) -> None:
        self.operations: list[Operation] = []
        self._status = status

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        self.operations.append(operation)
        return Response(self._status, {}, b"", "1")


IN_GROUP = "/groups/g/connections/c"
USER_IN_GROUP = "/users/ann/groups/g"
GONE = "Error.Connection.NotExisted"


@pytest.mark.parametrize(
    ("use", "operation"),
    [
        (
            lambda groups: groups.add_connection_to_group("g", connection_id="c"),
            Operation("PUT", IN_GROUP, absent=GONE, reach=Reach.ANY),
        ),
        (
            lambda groups: groups.remove_connection_from_group("g", connection_id="c"),
            Operation("DELETE", IN_GROUP, absent=GONE),
        ),
        (
            lambda groups: groups.remove_connection_from_all_groups(connection_id="c"),
            Operation("DELETE", "/connections/c/groups"),
        ),
        (lambda groups: groups.add_user_to_group("g", user_id="ann"), Operation("PUT", USER_IN_GROUP, [])),
        (
            lambda groups: groups.add_user_to_group("g", user_id="ann", ttl=timedelta(seconds=1.2)),
            Operation("PUT", USER_IN_GROUP, [("ttl", "2")]),
        ),
        (
            lambda groups: groups.remove_user_from_group("g", user_id="ann"),
            Operation("DELETE", USER_IN_GROUP),
        ),
        (
            lambda groups: groups.remove_user_from_all_groups(user_id="ann"),
            Operation("DELETE", "/users/ann/groups"),
        ),
        (
            lambda groups: groups.is_user_in_group("g", user_id="ann"),
            Operation("HEAD", USER_IN_GROUP, absent="Info.User.NotInGroup", reach=Reach.ANY),
        ),
        (
            lambda groups: groups.group_exists("g"),
            Operation("HEAD", "/groups/g", absent="Warning.Group.NotExisted", reach=Reach.ANY),
        ),
    ],
    ids=[
        "add",
        "remove",
        "remove-all",
        "add-user",
        "add-user-ttl",
        "remove-user",
        "remove-user-all",
        "in",
        "exists",
    ],
)
async def test_operation_is_one_request(
    use: Callable[[GroupOperations], Awaitable[Any]], operation: Operation
) -> None:
    groups = Groups()
    await use(groups)
    assert groups.operations == [operation]


@pytest.mark.parametrize("swapped", [("g", "c"), ("g",)])
async def test_ids_cannot_be_swapped_unnoticed(swapped: tuple[str, ...]) -> None:
    groups: Any = Groups()
    for add in (groups.add_connection_to_group, groups.add_user_to_group, groups.is_user_in_group):
        with pytest.raises(TypeError):
            await add(*swapped)


@pytest.mark.parametrize(("status", "is_there"), [(200, True), (404, False)])
async def test_path_exists_unless_it_is_not_found(status: int, is_there: bool) -> None:
    assert await exists(Groups(status).run, "/groups/g", "Warning.Group.NotExisted") is is_there


async def test_membership_cannot_last_less_than_nothing() -> None:
    groups = Groups()
    with pytest.raises(ValueError, match="ttl is -1 seconds, expected 0 or more"):
        await groups.add_user_to_group("g", user_id="ann", ttl=timedelta(seconds=-1))
    assert groups.operations == []
