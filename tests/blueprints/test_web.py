"""The page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from blueprints import web

type Request = Callable[..., tuple[func.HttpResponse, list[dict[str, Any]] | None]]


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the page is built to."""
    page = tmp_path / "index.html"
    monkeypatch.setattr(web, "_PAGE", page)
    return page


def test_page_is_served_as_it_was_built(ask: Request, page: Path) -> None:
    page.write_bytes("<!doctype html>é".encode())
    response, _ = ask("GET", "index")
    assert (response.status_code, response.get_body()) == (200, page.read_bytes())


def test_page_is_html_and_nothing_else(ask: Request, page: Path) -> None:
    page.touch()
    response, _ = ask("GET", "index")
    assert response.mimetype == "text/html"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_browser_asks_for_a_newer_page(ask: Request, page: Path) -> None:
    page.touch()
    response, _ = ask("GET", "index")
    assert response.headers["Cache-Control"] == "no-cache"


def test_page_that_is_not_built_is_told_with_the_command(ask: Request, page: Path) -> None:
    response, _ = ask("GET", "index")
    assert response.status_code == 503
    assert b"npm ci && npm run build" in response.get_body()


def test_page_is_where_its_build_writes_it() -> None:
    assert Path(__file__).parents[2] / "web" / "dist" / "index.html" == web._PAGE
