"""The parsing and validation of HTTP requests."""

import json
import re
from http import HTTPStatus
from typing import Any

import azure.functions as func

from blueprints.responses import ProblemError
from serverless_signalr import MAX_BODY, SignalRMessage, check_group_name

__all__ = ["read_group_name", "read_message", "read_name"]

_ENCODED_SLASH = re.compile("%2F", re.IGNORECASE)

_DEFAULT_TARGET = "newMessage"


def read_message(req: func.HttpRequest) -> tuple[str, list[Any]]:
    """Return the target and the arguments in the body of a request.

    An object without ``target`` becomes the only argument of ``newMessage``, because the pages of the
    published serverless chat samples send such objects. Raise ProblemError for anything that cannot be sent.
    """
    content = req.get_body()
    _check_size(len(content))
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProblemError("body", f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ProblemError("body", f"the body is {_json_type(body)}, expected an object")
    if "target" not in body:
        body = {"target": _DEFAULT_TARGET, "arguments": [body]}
    target, arguments = body["target"], body.get("arguments", [])
    if not isinstance(target, str) or not target.strip():
        raise ProblemError("target", f"target is {_json_type(target)}, expected a name that is not empty")
    if not isinstance(arguments, list):
        raise ProblemError("arguments", f"arguments is {_json_type(arguments)}, expected a list")
    _check_size(_request_size(target, arguments))
    return target, arguments


def read_group_name(req: func.HttpRequest) -> str:
    """Return the group name in the path of a request. Raise ProblemError for an invalid one."""
    try:
        return check_group_name(read_name(req, "groupName"))
    except ValueError as error:
        raise ProblemError("groupName", str(error)) from None


def read_name(req: func.HttpRequest, parameter: str) -> str:
    """Return a name in the path of a request, with encoded slashes decoded, which the host leaves encoded."""
    return _ENCODED_SLASH.sub("/", req.route_params[parameter])


def _request_size(target: str, arguments: list[Any]) -> int:
    """Return the size in bytes of the host's request for a message, which the service limits."""
    try:
        message = SignalRMessage(target=target, arguments=arguments).to_dict()
    except ValueError as error:
        raise ProblemError("body", f"the body has a value that clients cannot read: {error}") from None
    return len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())


def _check_size(size: int) -> None:
    if size > MAX_BODY:
        raise ProblemError(
            "body",
            f"the message has {size:,} bytes, the service accepts {MAX_BODY:,}",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string" if value.strip() else "an empty string"
        case list():
            return "a list"
        case _:
            return "an object"
