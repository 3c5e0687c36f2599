"""Requests to HTTP functions: routes, parameters, who calls, and what is sent."""

import base64
import json
import os
from typing import Any

import pytest

from serverless_signalr import FunctionApp, ServerlessHub
from serverless_signalr.testing import Message, principal, request
from tests.serverless_signalr._testing.apps import room_app


@pytest.fixture
def app() -> FunctionApp:
    return room_app()


async def test_route_and_its_parameters_reach_the_function(app: FunctionApp) -> None:
    response = await request(app, "PUT", "/api/rooms/a%20b/messages/7", json={"text": "hi"})
    assert (response.status, response.text) == (202, "number 7")
    assert response.to_group("a b") == [Message("said", "hi")]


async def test_text_in_a_route_comes_before_a_parameter(app: FunctionApp) -> None:
    response = await request(app, "GET", "/api/rooms/a/messages/latest?count=3")
    assert response.text == "the latest of a, 3"


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("GET", "/api/rooms", "no function for GET /rooms; the routes are"),
        ("PUT", "/api/rooms/a/messages/seven", "no function for PUT"),
        ("DELETE", "/api/rooms/a/messages/7", "the route accepts PUT"),
        ("GET", "/rooms/a/messages/latest", "is not below /api"),
    ],
)
async def test_request_that_no_function_takes_is_refused(
    app: FunctionApp, method: str, path: str, message: str
) -> None:
    with pytest.raises(LookupError, match=message):
        await request(app, method, path)


async def test_route_prefix_of_host_json_can_be_another(app: FunctionApp) -> None:
    assert (await request(app, "GET", "/rooms/a/messages/latest", prefix="")).status == 200


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


async def test_negotiate_evaluates_the_expression_that_names_the_user(app: FunctionApp) -> None:
    info = (await request(app, "POST", "/api/negotiate?user=ann")).json()
    assert payload(info["accessToken"])["asrs.s.uid"] == "ann"


async def test_expression_without_its_value_fails_as_in_the_host(app: FunctionApp) -> None:
    with pytest.raises(LookupError, match=r"\{query.user\}"):
        await request(app, "POST", "/api/negotiate")


async def test_hub_negotiates_without_a_setting() -> None:
    class Desk(ServerlessHub):
        pass

    desk = Desk()
    desk.add_negotiate()
    info = (await request(desk, "POST", "/api/negotiate?user=ann&role=admin")).json()
    assert payload(info["accessToken"])["role"] == ["admin"]


async def test_principal_is_who_the_platform_verified(app: FunctionApp) -> None:
    response = await request(app, "GET", "/api/me", principal=principal("ann", roles=["admin"]))
    assert response.text == "ann admin"


async def test_nobody_calls_without_a_principal(app: FunctionApp) -> None:
    assert (await request(app, "GET", "/api/me")).text == "nobody"


async def test_environment_is_as_before_afterwards(app: FunctionApp) -> None:
    before = dict(os.environ)
    await request(app, "GET", "/api/me", principal="ann")
    assert dict(os.environ) == before
