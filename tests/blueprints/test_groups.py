"""HTTP requests that change groups."""

import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

type Request = Callable[..., tuple[func.HttpResponse, list[dict[str, Any]] | None]]

USER = "groups/{groupName}/users/{userId}"
CONNECTION = "groups/{groupName}/connections/{connectionId}"


@pytest.mark.parametrize(
    ("method", "route", "params", "action"),
    [
        pytest.param(
            "PUT",
            USER,
            {"groupName": "g", "userId": "ann"},
            {"action": "add", "groupName": "g", "userId": "ann"},
            id="add-user",
        ),
        pytest.param(
            "DELETE",
            USER,
            {"groupName": "g", "userId": "ann"},
            {"action": "remove", "groupName": "g", "userId": "ann"},
            id="remove-user",
        ),
        pytest.param(
            "PUT",
            CONNECTION,
            {"groupName": "g", "connectionId": "c"},
            {"action": "add", "groupName": "g", "connectionId": "c"},
            id="add-connection",
        ),
        pytest.param(
            "DELETE",
            CONNECTION,
            {"groupName": "g", "connectionId": "c"},
            {"action": "remove", "groupName": "g", "connectionId": "c"},
            id="remove-connection",
        ),
        pytest.param(
            "DELETE",
            "users/{userId}/groups",
            {"userId": "ann"},
            {"action": "removeAll", "userId": "ann"},
            id="remove-user-from-all",
        ),
    ],
)
def test_request_changes_who_is_in_the_group(
    ask: Request, method: str, route: str, params: dict[str, str], action: dict[str, str]
) -> None:
    response, sent = ask(method, route, **params)
    assert (response.status_code, response.get_body()) == (202, b"")
    assert sent == [action]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("route", [USER, CONNECTION], ids=["user", "connection"])
@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("x" * 1025, "a group name has at most 1,024 characters, this one has 1,025"),
        (" ", "a group name must not be empty or blank"),
    ],
    ids=["too-long", "blank"],
)
def test_group_that_cannot_exist_is_refused(
    ask: Request, method: str, route: str, name: str, detail: str
) -> None:
    response, sent = ask(method, route, groupName=name, userId="ann", connectionId="c")
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    assert json.loads(response.get_body()) == {
        "title": "Bad Request",
        "status": 400,
        "detail": detail,
        "field": "groupName",
    }
    assert sent is None
