"""The REST API: which operation a request asks for, whether it may, and how it is answered.

Source: https://github.com/Azure/azure-signalr/tree/dev/docs/swagger.
"""

import hashlib
import inspect
import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import unquote

from aiohttp import web

from serverless_signalr.protocol.names import MAX_BODY, check_group_name, check_hub_name
from signalr_local.emulator.auth import Gate
from signalr_local.emulator.bodies import check_content_type, read_item, read_message, read_value
from signalr_local.emulator.call import Body, Call, NotExistedError, Operation, RestError
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.hub import Hubs
from signalr_local.emulator.incoming import HUB_NAME_RULE, query_of, shown
from signalr_local.emulator.operations import OPERATIONS

__all__ = ["API_VERSIONS", "Rest"]

API_VERSIONS = ("2022-06-01", "2022-11-01", "2023-07-01", "2024-12-01")
"""The versions of ``/api/hubs``; ``/api/v1/hubs`` has none."""

_ERROR_CODE = "x-ms-error-code"
_GROUP_NAME_RULE = "Invalid group name. Valid group name should be in between 1 and 1024 characters long."
_STREAM_ID_RULE = "Invalid stream id. Valid stream id should be in between 1 and 100 characters long."
_MAX_STREAM_ID = 100
_APPLICATION_RULE = HUB_NAME_RULE.replace("hub name. Valid hub", "value of 'application'. Valid application")

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_log = logging.getLogger(__name__)


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
        if "stream" in found:
            _check(_check_stream_id, found["stream"], _STREAM_ID_RULE, "streamId")
        message, value = None, None
        if operation.body is not Body.NONE:
            data = await _read(request, operation.body)
            match operation.body:
                case Body.MESSAGE:
                    message = read_message(request.content_type, data)
                case Body.ITEM:
                    message = read_item(request.content_type, data, found["stream"])
                case Body.JSON:
                    value = read_value(request.content_type, data)
        url = f"{request.scheme}://{request.host}{request.rel_url.raw_path}"
        endpoint = self._gate.endpoint
        call = Call(self._hubs[hub], self._hubs, found, query, version, url, endpoint, message, value)
        try:
            answer = operation.run(call)
            if inspect.isawaitable(answer):
                answer = await answer
            text = None if answer is None else _encode(answer)
        except TimeoutError:
            raise RestError(HTTPStatus.GATEWAY_TIMEOUT, "The client did not answer in time.") from None
        except ValueError as error:
            raise RestError(HTTPStatus.BAD_REQUEST, str(error)) from None
        status = operation.v1_status if is_v1 else operation.status
        return web.Response(status=status, text=text, content_type="application/json" if text else None)

    def _access_key(self, request: web.BaseRequest) -> web.Response:
        """Hand out a key that signs client tokens. Azure gives it to identities, and renews it."""
        self._gate.server(request)
        key = self._gate.keys[0]
        return web.json_response({"KeyId": hashlib.sha256(key.encode()).hexdigest()[:16], "AccessKey": key})


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


def _check_stream_id(stream_id: str) -> str:
    if not stream_id.strip() or len(stream_id) > _MAX_STREAM_ID:
        raise ValueError(_STREAM_ID_RULE)
    return stream_id


async def _read(request: web.BaseRequest, body: Body) -> bytes:
    check_content_type(request.content_type, body)
    if (request.content_length or 0) > MAX_BODY:
        raise RestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large())
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await request.read()


def _too_large() -> str:
    return f"The request body has more than {MAX_BODY:,} bytes."


def _invalid(message: str, target: str | None = None) -> RestError:
    return RestError(HTTPStatus.BAD_REQUEST, message, target)


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
