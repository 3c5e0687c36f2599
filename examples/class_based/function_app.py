"""The chat of the repository's root, once more: the hub is a class, in chat.py; here is its HTTP side."""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import azure.functions as func
from chat import Chat

from serverless_signalr import FunctionApp, PayloadTooLargeError, Principal, insecure_user_id, is_deployed

PAGE = Path(__file__).parents[2] / "web" / "dist" / "index.html"

# With a route the events come to one HTTP function, without it to SignalR triggers.
chat = Chat(upstream_route=os.environ.get("UPSTREAM_ROUTE") or None)
bp = chat.blueprint


@bp.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def negotiate(req: func.HttpRequest) -> func.HttpResponse:
    principal = Principal.from_request(req)
    chosen = None if is_deployed() else insecure_user_id(req)
    connection = await chat.negotiate(user_id=principal.id if principal else chosen)
    return func.HttpResponse(connection.to_json(), mimetype="application/json")


@bp.route("index", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def index(req: func.HttpRequest) -> func.HttpResponse:
    page = PAGE.read_bytes().replace(b"blueprints/events.py", b"chat.py")
    return func.HttpResponse(page, mimetype="text/html", headers={"Cache-Control": "no-cache"})


@bp.route("messages", methods=["POST"])
async def send_to_all(req: func.HttpRequest) -> func.HttpResponse:
    return await _send(req, chat.service.send_to_all)


@bp.route("{kind:regex(^(users|groups|connections)$)}/{name}/messages", methods=["POST"])
async def send_to_some(req: func.HttpRequest) -> func.HttpResponse:
    send: dict[str, Callable[..., Awaitable[None]]] = {
        "users": chat.service.send_to_user,
        "groups": chat.service.send_to_group,
        "connections": chat.service.send_to_connection,
    }
    return await _send(req, send[req.route_params["kind"]], _name(req))


@bp.route("groups/{group}/{kind:regex(^(users|connections)$)}/{name}", methods=["PUT", "DELETE"])
async def move(req: func.HttpRequest) -> func.HttpResponse:
    group, name = _name(req, "group"), _name(req)
    of_users = req.route_params["kind"] == "users"
    members: Any = chat.user_groups if of_users else chat.groups
    change = members.add if req.method == "PUT" else members.remove
    return await _answered(change(group, **{"user_id" if of_users else "connection_id": name}))


@bp.route("users/{name}/groups", methods=["DELETE"])
async def leave_all(req: func.HttpRequest) -> func.HttpResponse:
    return await _answered(chat.user_groups.remove_from_all(user_id=_name(req)))


@bp.route("{kind:regex(^(users|groups|connections)$)}/{name}", methods=["GET"])
async def exists(req: func.HttpRequest) -> func.HttpResponse:
    manager = chat.client_manager
    checks = {
        "users": manager.user_exists,
        "groups": manager.group_exists,
        "connections": manager.connection_exists,
    }
    found = await checks[req.route_params["kind"]](_name(req))
    return func.HttpResponse(status_code=200 if found else 404)


@bp.route("connections/{name}", methods=["DELETE"])
async def close(req: func.HttpRequest) -> func.HttpResponse:
    reason = req.params.get("reason")
    return await _answered(chat.client_manager.close_connection(_name(req), reason))


def _name(req: func.HttpRequest, parameter: str = "name") -> str:
    # The host leaves an encoded slash encoded.
    return str(req.route_params[parameter]).replace("%2F", "/")


async def _send(req: func.HttpRequest, send: Callable[..., Awaitable[None]], *to: str) -> func.HttpResponse:
    try:
        body = json.loads(req.get_body())
    except ValueError:
        return _problem("body", "the body is not JSON")
    if not isinstance(body, dict):
        return _problem("body", "the body is no object")
    if "target" not in body:
        body = {"target": "newMessage", "arguments": [body]}
    target, arguments = body["target"], body.get("arguments", [])
    if not isinstance(target, str) or not target.strip():
        return _problem("target", "target is no name")
    if not isinstance(arguments, list):
        return _problem("arguments", "arguments is no list")
    return await _answered(send(*to, target, *arguments))


async def _answered(action: Awaitable[None]) -> func.HttpResponse:
    try:
        await action
    except PayloadTooLargeError as error:
        return _problem("body", str(error), 413)
    except ValueError as error:
        return _problem("groupName" if "group" in str(error) else "body", str(error))
    return func.HttpResponse(status_code=202)


def _problem(field: str, detail: str, status: int = 400) -> func.HttpResponse:
    problem = {"title": "Refused", "status": status, "detail": detail, "field": field}
    return func.HttpResponse(json.dumps(problem), status_code=status, mimetype="application/problem+json")


app = FunctionApp()
app.register_functions(bp)
