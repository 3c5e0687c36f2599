"""The page."""

from http import HTTPStatus
from pathlib import Path

import azure.functions as func

from serverless_signalr import Blueprint

bp = Blueprint()

_PAGE = Path(__file__).parent.parent / "web" / "dist" / "index.html"


@bp.route(route="index", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def index(req: func.HttpRequest) -> func.HttpResponse:
    """Serve the chat page, one file with its script and its style."""
    try:
        content = _PAGE.read_bytes()
    except FileNotFoundError:
        return func.HttpResponse(
            "The page is not built. Run: npm ci && npm run build, in the folder web.",
            status_code=HTTPStatus.SERVICE_UNAVAILABLE,
        )
    return func.HttpResponse(
        content,
        mimetype="text/html",
        headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
    )
