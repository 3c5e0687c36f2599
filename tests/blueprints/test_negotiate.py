"""Where a client learns where to go."""

import pytest

from blueprints.hub import HUB
from serverless_signalr import FunctionApp
from serverless_signalr.testing import Response, request


@pytest.fixture
async def response(app: FunctionApp) -> Response:
    return await request(app, "POST", "/api/negotiate")


async def test_answer_is_the_connection_info(response: Response) -> None:
    assert response.status == 200
    assert response.json()["url"].endswith(f"/client/?hub={HUB}")
    assert response.json()["accessToken"].count(".") == 2


async def test_answer_is_json(response: Response) -> None:
    assert response.mimetype == "application/json"


async def test_token_is_not_stored_on_its_way(response: Response) -> None:
    assert response.headers["Cache-Control"] == "no-store"


async def test_nobody_gets_a_token_where_the_user_setting_was_refused(
    app: FunctionApp, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("blueprints.negotiate.REFUSAL", "NEGOTIATE_USER_ID is {query.user}, which …")
    response = await request(app, "POST", "/api/negotiate")
    assert (response.status, response.body) == (500, b"")
    assert "negotiate is refused to everybody: NEGOTIATE_USER_ID is {query.user}" in caplog.text
