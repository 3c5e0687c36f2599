"""The REST API: which operation a request asks for, whether it may, and how it is answered.

Source: https://github.com/Azure/azure-signalr/tree/dev/docs/swagger.
"""

import hashlib
import inspect
import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Never
from urllib.parse import unquote

import msgpack
from aiohttp import hdrs, web

from local.emulator.auth import Gate
from local.emulator.call import Body, Call, NotExistedError, Operation
from local.emulator.connection import Connection
from local.emulator.hub import Hubs
from local.emulator.incoming import HUB_NAME_RULE, query_of, shown
from local.emulator.operations import OPERATIONS
from local.emulator.protocols import Outgoing
from signalr.endpoint import Endpoint
from signalr.names import MAX_BODY, check_group_name, check_hub_name
from signalr.protocol import json_protocol
from signalr.protocol.messages import Invocation

__all__ = ["API_VERSIONS", "Rest", "RestError", "parse_message", "parse_packed"]

API_VERSIONS = ("2022-06-01", "2022-11-01", "2023-07-01", "2024-12-01")
"""The versions of ``/api/hubs``; ``/api/v1/hubs`` has none."""

_PACKED = "application/octet-stream"
_ERROR_CODE = "x-ms-error-code"
_GROUP_NAME_RULE = "Invalid group name. Valid group name should be in between 1 and 1024 characters long."
_APPLICATION_RULE = HUB_NAME_RULE.replace("hub name. Valid hub", "value of 'application'. Valid application")

_log = logging.getLogger(__name__)


class RestError(ValueError):
    """Refuse a request with a status and a sentence; ``target`` names what is wrong in it."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.target = target
        self.headers = headers or {}


class Rest:
    """Answer the servers of an app."""

    def __init__(self, hubs: Hubs[Connection], gate: Gate) -> None:
        self._hubs = hubs
        self._gate = gate

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Run the operation that a request asks for. Raise UnauthorizedError where its token does not fit."""
        # A name may hold an encoded slash: the path is split first and decoded then.
        _, *segments = request.rel_url.raw_path.removesuffix("/").split("/")
        is_v1 = [segment.lower() for segment in segments[1:2]] == ["v1"]
        if is_v1:
            del segments[1]
        names: list[str] = []
        match [segment.lower() for segment in segments[1:]]:
            case ["health"] if request.method in ("GET", "HEAD"):
                return web.Response()
            case ["auth", "accesskey"] if request.method == "GET":
                return self._access_key(request)
            case ["hubs", *_]:
                names = [unquote(segment) for segment in segments[2:]]
        try:
            return await self._run(request, names, is_v1=is_v1)
        except NotExistedError as error:
            return web.Response(status=HTTPStatus.NOT_FOUND, headers={_ERROR_CODE: error.code})
        except web.HTTPRequestEntityTooLarge:
            too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return _refusal(request, RestError(too_large, _too_large()), is_v1=is_v1)
        except RestError as error:
            return _refusal(request, error, is_v1=is_v1)

    async def _run(self, request: web.BaseRequest, names: list[str], *, is_v1: bool) -> web.Response:
        operation, found = _find(request.method, names)
        self._gate.server(request)
        query = query_of(request)
        version = None if is_v1 else _check_version(query.get("api-version"))
        hub = _internal_name(names[0], query.get("application"))
        if "group" in found:
            _check(check_group_name, found["group"], _GROUP_NAME_RULE, "group")
        message, value = None, None
        if operation.body is Body.MESSAGE:
            message = await _message(request)
        elif operation.body is Body.JSON:
            value = _json_value(await _body(request))
        call = Call(
            self._hubs[hub], self._hubs, found, query, version, self._endpoint(request), message, value
        )
        try:
            answer = operation.run(call)
            if inspect.isawaitable(answer):
                answer = await answer
        except TimeoutError:
            raise RestError(HTTPStatus.GATEWAY_TIMEOUT, "The client did not answer in time.") from None
        except ValueError as error:
            raise RestError(HTTPStatus.BAD_REQUEST, str(error)) from None
        status = operation.v1_status if is_v1 else operation.status
        return web.Response(status=status) if answer is None else web.json_response(answer, status=status)

    def _endpoint(self, request: web.BaseRequest) -> Endpoint:
        url = f"{request.scheme}://{request.host}"
        return Endpoint(url, url, url, self._gate.keys[0])

    def _access_key(self, request: web.BaseRequest) -> web.Response:
        """Hand out a key that signs client tokens. Azure gives it to identities, and renews it."""
        self._gate.server(request)
        key = self._gate.keys[0]
        return web.json_response({"KeyId": hashlib.sha256(key.encode()).hexdigest()[:16], "AccessKey": key})


async def _message(request: web.BaseRequest) -> Outgoing:
    """Return the message of a request, in whichever form it comes."""
    # Without the header aiohttp takes a body for bytes.
    if hdrs.CONTENT_TYPE in request.headers and request.content_type == _PACKED:
        return parse_packed(await _body(request, _PACKED))
    return parse_message(await _body(request))


def parse_packed(body: bytes) -> Outgoing:
    """Return the message that a map holds as complete frames, by protocol: .NET sends it with MessagePack."""
    try:
        frames = msgpack.unpackb(body)
        (frame,) = json_protocol.FrameSplitter().feed(frames["json"].decode())
        message = json_protocol.parse(frame)
    except (ValueError, KeyError, TypeError, AttributeError):
        message = None
    if not isinstance(message, Invocation) or not all(isinstance(item, bytes) for item in frames.values()):
        raise _invalid("The request body is no map of protocols to messages with an invocation as json.")
    return Outgoing(message, frames)


def parse_message(body: bytes) -> Outgoing:
    """Return the message of a request's body. Raise RestError that says what is wrong with it."""
    value = _json_value(body)
    if not isinstance(value, dict):
        raise _invalid(
            'The request body must be a JSON object such as {"target": "newMessage", "arguments": []}.'
        )
    fields = {name.lower(): item for name, item in value.items()}
    target, arguments = fields.get("target"), fields.get("arguments")
    if not isinstance(target, str) or not target:
        raise _invalid("The Target field is required.", "target")
    if arguments is not None and not isinstance(arguments, list):
        raise _invalid("The Arguments field must be a list.", "arguments")
    return Outgoing(Invocation(target, arguments or []))


def _json_value(body: bytes) -> object:
    if not body.strip():
        raise _invalid("Message in request body is required.")
    try:
        return json.loads(body, parse_constant=_refuse_number, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"The request body is not valid JSON: {error}") from None


def _find(method: str, names: list[str]) -> tuple[Operation, dict[str, str]]:
    """Return the operation for a path whose first name is the hub, and the names found in it."""
    allowed: list[str] = []
    for operation in OPERATIONS if names else ():
        found = operation.match(names[1:])
        if found is None:
            continue
        if method in operation.methods:
            return operation, found
        allowed += operation.methods
    if allowed:
        methods = ", ".join(dict.fromkeys(allowed))
        raise RestError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"{method} is not allowed here, but {methods}.",
            headers={"Allow": methods},
        )
    raise RestError(HTTPStatus.NOT_FOUND, "There is no such operation.")


def _check_version(version: str | None) -> str:
    if version not in API_VERSIONS:
        seen = "is missing" if version is None else f"{version!r} is not known"
        raise _invalid(
            f"The query parameter api-version {seen}; known are {', '.join(API_VERSIONS)}.", "api-version"
        )
    return version


def _internal_name(hub: str, application: str | None) -> str:
    _check(check_hub_name, hub, HUB_NAME_RULE, "hub")
    if not application:
        return hub
    _check(check_hub_name, application, _APPLICATION_RULE, "application")
    return f"{application}_{hub}"


def _check(check: Callable[[str], str], name: str, rule: str, target: str) -> None:
    try:
        check(name)
    except ValueError:
        raise _invalid(rule, target) from None


async def _body(request: web.BaseRequest, content_type: str = "application/json") -> bytes:
    if request.content_type != content_type:
        raise RestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content type is {request.content_type}, expected application/json.",
            "Content-Type",
        )
    if (request.content_length or 0) > MAX_BODY:
        raise RestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large())
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await request.read()


def _too_large() -> str:
    return f"The request body has more than {MAX_BODY:,} bytes."


def _invalid(message: str, target: str | None = None) -> RestError:
    return RestError(HTTPStatus.BAD_REQUEST, message, target)


def _refuse_number(text: str) -> Never:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        _refuse_number(text)
    return number


def _refusal(request: web.BaseRequest, error: RestError, *, is_v1: bool) -> web.Response:
    """Return an error in the form of its version: plain text in v1, an ErrorDetail since."""
    _log.warning("%s is refused (%d): %s", shown(request), error.status, error)
    headers = dict(error.headers)
    if error.status == HTTPStatus.BAD_REQUEST:
        headers[_ERROR_CODE] = "Error.Request.Invalid"
    if is_v1:
        return web.Response(status=error.status, text=str(error), headers=headers)
    detail = {"code": error.status.phrase.replace(" ", ""), "message": str(error)}
    if error.target is not None:
        detail["target"] = error.target
    return web.json_response(detail, status=error.status, headers=headers)
