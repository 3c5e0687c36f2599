"""HTTP requests that change groups."""

import pytest

from serverless_signalr import FunctionApp
from serverless_signalr.testing import GroupAction, request

BAD_GROUPS = pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("x" * 1025, "a group name has at most 1,024 characters, this one has 1,025"),
        ("%20", "a group name must not be empty or blank"),
    ],
    ids=["too-long", "blank"],
)


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("PUT", "groups/g/users/ann", GroupAction("add", "g", user_id="ann")),
        ("DELETE", "groups/g/users/ann", GroupAction("remove", "g", user_id="ann")),
        ("PUT", "groups/g/connections/c", GroupAction("add", "g", connection_id="c")),
        ("DELETE", "groups/g/connections/c", GroupAction("remove", "g", connection_id="c")),
        ("DELETE", "users/ann/groups", GroupAction("remove", None, user_id="ann")),
    ],
)
async def test_request_changes_who_is_in_the_group(
    app: FunctionApp, method: str, path: str, action: GroupAction
) -> None:
    response = await request(app, method, f"/api/{path}")
    assert (response.status, response.body) == (202, b"")
    assert response.everything == [action]


@BAD_GROUPS
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("member", ["users/ann", "connections/c"])
async def test_group_that_cannot_exist_is_refused(
    app: FunctionApp, method: str, member: str, name: str, detail: str
) -> None:
    response = await request(app, method, f"/api/groups/{name}/{member}")
    assert (response.status, response.mimetype) == (400, "application/problem+json")
    assert response.json() == {"title": "Bad Request", "status": 400, "detail": detail, "field": "groupName"}
    assert response.everything == []
