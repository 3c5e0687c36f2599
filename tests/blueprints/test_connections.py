"""HTTP requests that look who is there, and one that ends a connection."""

import pytest

from blueprints.hub import HUB
from serverless_signalr import FunctionApp
from serverless_signalr.testing import Closed, FakeService, Recipient, request


@pytest.fixture
def somebody(service: FakeService) -> FakeService:
    service.connect(HUB, user_id="ann", connection_id="c").groups.add("g")
    return service


@pytest.mark.parametrize("path", ["connections/c", "users/ann", "groups/g"])
async def test_who_is_there_is_found(app: FunctionApp, somebody: FakeService, path: str) -> None:
    assert (await request(app, "GET", f"/api/{path}", service=somebody)).status == 200


@pytest.mark.parametrize("path", ["connections/d", "users/bob", "groups/h"])
async def test_who_is_not_there_is_not_found(app: FunctionApp, somebody: FakeService, path: str) -> None:
    assert (await request(app, "GET", f"/api/{path}", service=somebody)).status == 404


async def test_connection_is_ended_with_a_reason(app: FunctionApp, somebody: FakeService) -> None:
    response = await request(app, "DELETE", "/api/connections/c?reason=bye", service=somebody)
    assert response.status == 202
    assert response.closed == [Closed(Recipient("connection", "c"), "bye")]
