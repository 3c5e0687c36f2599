"""The page and its script, over HTTP."""

from pathlib import Path

import azure.functions as func
from serverless_signalr import Blueprint

bp = Blueprint()

PAGE = Path(__file__).parent / "page"


@bp.route(route="index", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def index(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the page."""
    return _file("index.html", "text/html")


@bp.route(route="signalr.min.js", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def script(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the SignalR client of the page."""
    return _file("signalr.min.js", "text/javascript")


def _file(name: str, mimetype: str) -> func.HttpResponse:
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return func.HttpResponse((PAGE / name).read_bytes(), mimetype=mimetype, headers=headers)
