"""HTTP functions that check whether connections, users and groups exist, and close a connection."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import azure.functions as func

from blueprints.requests import read_group_name, read_name
from blueprints.responses import accepted, answering_problems
from blueprints.service import clients
from serverless_signalr import Blueprint

bp = Blueprint()


@bp.route(route="connections/{connectionId}", methods=["GET"])
async def connection_exists(req: func.HttpRequest) -> func.HttpResponse:
    """Respond with 200 if a connection exists, 404 if not."""
    return await _found(clients().connection_exists, read_name(req, "connectionId"))


@bp.route(route="users/{userId}", methods=["GET"])
async def user_exists(req: func.HttpRequest) -> func.HttpResponse:
    """Respond with 200 if a user has a connection, 404 if not."""
    return await _found(clients().user_exists, read_name(req, "userId"))


@bp.route(route="groups/{groupName}", methods=["GET"])
@answering_problems
async def group_exists(req: func.HttpRequest) -> func.HttpResponse:
    """Respond with 200 if a group has a connection, 404 if not."""
    return await _found(clients().group_exists, read_group_name(req))


@bp.route(route="connections/{connectionId}", methods=["DELETE"])
async def close_connection(req: func.HttpRequest) -> func.HttpResponse:
    """Close a connection and send the client the ``reason`` in the query."""
    reason = req.params.get("reason")
    await clients().close_connection(read_name(req, "connectionId"), reason)
    return accepted()


async def _found(exists: Callable[[str], Awaitable[bool]], name: str) -> func.HttpResponse:
    status = HTTPStatus.OK if await exists(name) else HTTPStatus.NOT_FOUND
    return func.HttpResponse(status_code=status)
