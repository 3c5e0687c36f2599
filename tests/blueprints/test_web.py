"""The page."""

import json
from pathlib import Path

import pytest
from azure.functions.decorators.function_app import Function

from blueprints import web
from serverless_signalr import FunctionApp
from serverless_signalr.testing import request

type Functions = dict[str, Function]

CONTENT = "<!doctype html>é".encode()


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Build a page and return it."""
    page = tmp_path / "index.html"
    page.write_bytes(CONTENT)
    monkeypatch.setattr(web, "_PAGE", page)
    return page


async def test_page_is_served_as_it_was_built(app: FunctionApp, page: Path) -> None:
    response = await request(app, "GET", "/api/index")
    assert (response.status, response.body) == (200, CONTENT)


async def test_page_is_html_and_nothing_else(app: FunctionApp, page: Path) -> None:
    response = await request(app, "GET", "/api/index")
    assert response.mimetype == "text/html"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_browser_asks_for_a_newer_page(app: FunctionApp, page: Path) -> None:
    response = await request(app, "GET", "/api/index")
    assert response.headers["Cache-Control"] == "no-cache"


async def test_page_that_is_not_built_is_told_with_the_command(
    app: FunctionApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "_PAGE", tmp_path / "index.html")
    response = await request(app, "GET", "/api/index")
    assert response.status == 503
    assert b"npm ci && npm run build" in response.body


def test_page_needs_no_key(functions: Functions) -> None:
    [trigger, _] = map(json.loads, functions["index"].get_raw_bindings())
    assert (trigger["route"], trigger["methods"], trigger["authLevel"]) == ("index", ["GET"], "ANONYMOUS")


def test_page_is_where_its_build_writes_it() -> None:
    assert Path(__file__).parents[2] / "web" / "dist" / "index.html" == web._PAGE
