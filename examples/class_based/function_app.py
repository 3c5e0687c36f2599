"""The HTTP functions of the chat at the root of this repository; its hub is the class in chat.py."""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import azure.functions as func
from chat import Chat

from serverless_signalr import FunctionApp, PayloadTooLargeError

PAGE = Path(__file__).parents[2] / "web" / "dist" / "index.html"

# With a route, one HTTP function receives the events; without it, SignalR triggers do.
chat = Chat(upstream_route=os.environ.get("UPSTREAM_ROUTE") or None)
chat.add_negotiate(anonymous=True)
bp = chat.blueprint


@bp.route("index", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def index(req: func.HttpRequest) -> func.HttpResponse:
    page = PAGE.read_bytes().replace(b"blueprints/events.py", b"chat.py")
    return func.HttpResponse(page, mimetype="text/html", headers={"Cache-Control": "no-cache"})


@bp.route("messages", methods=["POST"])
async def send_to_all(req: func.HttpRequest) -> func.HttpResponse:
    return await _send(req, chat.service.send_to_all)


@bp.route("users/{name}/messages", methods=["POST"])
async def send_to_user(req: func.HttpRequest) -> func.HttpResponse:
    return await _send(req, chat.service.send_to_user, _name(req))


@bp.route("groups/{name}/messages", methods=["POST"])
async def send_to_group(req: func.HttpRequest) -> func.HttpResponse:
    return await _send(req, chat.service.send_to_group, _name(req))


@bp.route("connections/{name}/messages", methods=["POST"])
async def send_to_connection(req: func.HttpRequest) -> func.HttpResponse:
    return await _send(req, chat.service.send_to_connection, _name(req))


@bp.route("groups/{group}/users/{name}", methods=["PUT", "DELETE"])
async def move_user(req: func.HttpRequest) -> func.HttpResponse:
    change = chat.user_groups.add if req.method == "PUT" else chat.user_groups.remove
    return await _answered(change(_name(req, "group"), user_id=_name(req)))


@bp.route("groups/{group}/connections/{name}", methods=["PUT", "DELETE"])
async def move_connection(req: func.HttpRequest) -> func.HttpResponse:
    change = chat.groups.add if req.method == "PUT" else chat.groups.remove
    return await _answered(change(_name(req, "group"), connection_id=_name(req)))


@bp.route("users/{name}/groups", methods=["DELETE"])
async def leave_all(req: func.HttpRequest) -> func.HttpResponse:
    return await _answered(chat.user_groups.remove_from_all(user_id=_name(req)))


@bp.route("users/{name}", methods=["GET"])
async def user_exists(req: func.HttpRequest) -> func.HttpResponse:
    return await _found(chat.client_manager.user_exists(_name(req)))


@bp.route("groups/{name}", methods=["GET"])
async def group_exists(req: func.HttpRequest) -> func.HttpResponse:
    return await _found(chat.client_manager.group_exists(_name(req)))


@bp.route("connections/{name}", methods=["GET"])
async def connection_exists(req: func.HttpRequest) -> func.HttpResponse:
    return await _found(chat.client_manager.connection_exists(_name(req)))


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
        return _problem("body", "the body is not an object")
    if "target" not in body:
        body = {"target": "newMessage", "arguments": [body]}
    target, arguments = body["target"], body.get("arguments", [])
    if not isinstance(target, str) or not target.strip():
        return _problem("target", "target is not a name")
    if not isinstance(arguments, list):
        return _problem("arguments", "arguments is not a list")
    return await _answered(send(*to, target, *arguments))


async def _found(check: Awaitable[bool]) -> func.HttpResponse:
    return func.HttpResponse(status_code=200 if await check else 404)


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
app.register_functions(chat)
