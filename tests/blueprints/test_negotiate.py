"""Where a client learns where to go."""

import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

type Request = Callable[..., tuple[func.HttpResponse, list[dict[str, Any]] | None]]


@pytest.fixture
def response(ask: Request) -> func.HttpResponse:
    return ask("POST", "negotiate")[0]


def test_answer_is_the_connection_info(response: func.HttpResponse) -> None:
    assert response.status_code == 200
    assert json.loads(response.get_body()) == {
        "url": "http://localhost:8888/client/?hub=chat",
        "accessToken": "a.b.c",
    }


def test_answer_is_json(response: func.HttpResponse) -> None:
    assert response.mimetype == "application/json"


def test_token_is_not_stored_on_its_way(response: func.HttpResponse) -> None:
    assert response.headers["Cache-Control"] == "no-store"


def test_nobody_gets_a_token_where_the_user_setting_was_refused(
    ask: Request, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("blueprints.negotiate.REFUSAL", "NEGOTIATE_USER_ID is {query.user}, which …")
    response = ask("POST", "negotiate")[0]
    assert (response.status_code, response.get_body()) == (500, b"")
    assert "negotiate is refused to everybody: NEGOTIATE_USER_ID is {query.user}" in caplog.text
