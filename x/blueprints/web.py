"""What a browser requests over HTTP: the page, its script, and the way to the service."""

import os
from pathlib import Path

import azure.functions as func
from serverless_signalr import Blueprint, SignalRConnectionInfo, is_deployed

from blueprints import HUB

bp = Blueprint(hub=HUB)

PAGE = Path(__file__).parent.parent / "page"


def user_id() -> str | None:
    """Return the binding expression for the user id of clients, or None for anonymous users.

    In Azure it is the identity that App Service Authentication has verified; while that is off, users are
    anonymous, because anybody could send its headers. On a developer's machine, the page names the user.
    """
    if not is_deployed():
        return "{query.user}"
    is_verified = os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"
    return "{headers.x-ms-client-principal-id}" if is_verified else None


@bp.route(route="negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.signalr_connection_info_input(user_id=user_id())
def negotiate(req: func.HttpRequest, info: SignalRConnectionInfo) -> func.HttpResponse:
    """Respond with the address of the service and an access token, with which clients connect to it."""
    return info.to_response()


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
