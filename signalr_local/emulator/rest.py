"""The REST API: requests are matched with operations, authorized, run, and answered.

Source: https://github.com/Azure/azure-signalr/tree/dev/docs/swagger.
"""

import hashlib
import inspect
import logging
from http import HTTPStatus
from urllib.parse import unquote

from aiohttp import web
from multidict import CIMultiDict

from serverless_signalr.protocol.names import MAX_BODY
from signalr_local.emulator.auth import Gate, UnauthorizedError
from signalr_local.emulator.bodies import check_content_type, read_item, read_message, read_value
from signalr_local.emulator.call import Body, Call, Framed, NotExistedError, Operation, RestError
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.hub import Hubs
from signalr_local.emulator.incoming import json_response, query_of, shown
from signalr_local.emulator.negotiate import Tickets
from signalr_local.emulator.operations import OPERATIONS
from signalr_local.emulator.parameters import check_names, hub_name
from signalr_local.emulator.patience import read_body
from signalr_local.emulator.rest_report import RestReport
from signalr_local.emulator.tiers import Quota, QuotaError
from signalr_local.emulator.versions import Versions
from signalr_local.inspector.journal import Journal

__all__ = ["Rest"]

_ACCESS_KEY_SINCE = "2023-07-01"
_ERROR_CODE = "x-ms-error-code"
_PROTOCOL = "X-ASRS-Protocol"
_FRAMES = "application/octet-stream"

_PATIENCE = 30.0
"""How long a request body may take, in seconds."""

_log = logging.getLogger(__name__)


class Rest:
    """The answers to the servers of an app."""

    def __init__(
        self, hubs: Hubs[Connection], gate: Gate, versions: Versions, quota: Quota, tickets: Tickets
    ) -> None:
        self._hubs = hubs
        self._gate = gate
        self._versions = versions
        self._quota = quota
        self._tickets = tickets
        self.journal: Journal | None = None

    async def answer(self, request: web.BaseRequest, fault: web.Response | None = None) -> web.Response:
        """Run the operation that a request asks for, or answer with a fault.

        Raise UnauthorizedError if its token does not fit, QuotaError for a message too many.
        """
        report = RestReport()
        if fault is not None:
            report.error = f"Answered {fault.status} on purpose, in the place of the REST API."
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value
        try:
            response = await self._answer(request, report) if fault is None else fault
            status = response.status
            return response
        except (UnauthorizedError, QuotaError) as error:
            is_quota = isinstance(error, QuotaError)
            status = HTTPStatus.TOO_MANY_REQUESTS if is_quota else HTTPStatus.UNAUTHORIZED
            report.error = str(error)
            raise
        finally:
            if self.journal is not None:
                report.tell(self.journal, request, int(status))

    async def _answer(self, request: web.BaseRequest, report: RestReport) -> web.Response:
        # A name may hold an encoded slash: the path is split first and decoded then.
        _, *segments = request.rel_url.raw_path.removesuffix("/").split("/")
        is_v1 = [segment.lower() for segment in segments[1:2]] == ["v1"]
        if is_v1:
            del segments[1]
        names = [unquote(segment) for segment in segments[1:]]
        area = names.pop(0).lower() if names else ""
        if area == "health" and not names and request.method in ("GET", "HEAD"):
            return web.Response()
        try:
            if area == "auth" and [name.lower() for name in names] == ["accesskey"]:
                return self._access_key(request, is_v1=is_v1)
            return await self._run(request, names if area == "hubs" else [], report, is_v1=is_v1)
        except NotExistedError as error:
            report.error = error.code
            return web.Response(status=HTTPStatus.NOT_FOUND, headers={_ERROR_CODE: error.code})
        except web.HTTPRequestEntityTooLarge:
            too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            report.error = _too_large()
            return _refusal(request, RestError(too_large, _too_large()), is_v1=is_v1)
        except RestError as error:
            report.error = str(error)
            return _refusal(request, error, is_v1=is_v1)

    async def _run(
        self, request: web.BaseRequest, names: list[str], report: RestReport, *, is_v1: bool
    ) -> web.Response:
        candidates = _find(request.method, names)
        report.hub = names[0].lower()
        report.names = candidates[0][1]
        self._gate.server(request)
        query = query_of(request)
        version = self._version(query, is_v1=is_v1)
        operation, found = _choose(candidates, version)
        application = query.get("application")
        if application and not operation.in_application:
            _log.warning("%s has no parameter 'application': it is ignored, as in Azure.", shown(request))
            application = None
        hub = hub_name(names[0], application)
        report.hub = hub.lower()
        check_names(found, is_user_limited=operation.path[-1:] == (":closeConnections",))
        message, value = None, None
        if operation.body is not Body.NONE:
            data = report.body = await _read(request, operation.body)
            match operation.body:
                case Body.MESSAGE:
                    message = read_message(request.content_type, data)
                case Body.ITEM:
                    message = read_item(request.content_type, data, found["stream"])
                case Body.JSON:
                    value = read_value(request.content_type, data)
        if message is not None:
            report.target = message.target
        url = f"{request.scheme}://{request.host}{request.rel_url.raw_path}"
        endpoint = self._gate.endpoint
        call = Call(
            self._hubs[hub],
            self._hubs,
            found,
            query,
            version,
            url,
            endpoint,
            self._quota,
            self._tickets,
            self._gate.now,
            message,
            value,
            wants_frames=_FRAMES in request.headers.get("Accept", "").lower(),
            report=report,
        )
        try:
            answer = operation.run(call)
            if inspect.isawaitable(answer):
                answer = await answer
            if isinstance(answer, dict):
                return json_response(answer, operation.v1_status if is_v1 else operation.status)
        except TimeoutError:
            raise RestError(HTTPStatus.INTERNAL_SERVER_ERROR, "The client did not answer in time.") from None
        except RestError:
            raise
        except ValueError as error:
            raise RestError(HTTPStatus.BAD_REQUEST, str(error)) from None
        status = operation.v1_status if is_v1 else operation.status
        if isinstance(answer, Framed):
            headers = {_PROTOCOL: answer.protocol, "Content-Type": _FRAMES}
            return web.Response(status=status, body=answer.frame, headers=headers)
        return web.Response(status=status)

    def _access_key(self, request: web.BaseRequest, *, is_v1: bool) -> web.Response:
        """Return a key that signs client tokens. In Azure, identities get it, and it is rotated."""
        if request.method != "GET":
            raise _not_allowed(request.method, ["GET"])
        self._gate.server(request)
        version = self._version(query_of(request), is_v1=is_v1)
        if version is not None and version < _ACCESS_KEY_SINCE:
            raise _not_in(version, _ACCESS_KEY_SINCE)
        key = self._gate.keys[0]
        return json_response({"KeyId": hashlib.sha256(key.encode()).hexdigest()[:16], "AccessKey": key})

    def _version(self, query: CIMultiDict[str], *, is_v1: bool) -> str | None:
        return None if is_v1 else self._versions.check(query.get("api-version"))


_BY_LENGTH = {
    length: [operation for operation in OPERATIONS if len(operation.path) == length]
    for length in {len(operation.path) for operation in OPERATIONS}
}
"""The operations by the number of segments that their path has below the hub."""

type Candidate = tuple[Operation, dict[str, str]]


def _find(method: str, names: list[str]) -> list[Candidate]:
    """Return the operations that a path may ask for; its first name is the hub."""
    matches = [
        (operation, found)
        for operation in _BY_LENGTH.get(len(names) - 1, ())
        if (found := operation.match(names[1:])) is not None
    ]
    candidates = [(operation, found) for operation, found in matches if method in operation.methods]
    if candidates:
        return candidates
    if matches:
        raise _not_allowed(method, [name for operation, _ in matches for name in operation.methods])
    raise RestError(HTTPStatus.NOT_FOUND, "There is no such operation.")


def _choose(candidates: list[Candidate], version: str | None) -> Candidate:
    """Return the first operation that a version of the API has."""
    for operation, found in candidates:
        if operation.is_in(version):
            return operation, found
    raise _not_in(version, candidates[0][0].since)


def _not_in(version: str | None, since: str) -> RestError:
    return RestError(
        HTTPStatus.NOT_FOUND,
        f"There is no such operation in version {version or '1.0'} of the API; it came with {since}.",
    )


def _not_allowed(method: str, allowed: list[str]) -> RestError:
    methods = ", ".join(dict.fromkeys(allowed))
    return RestError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        f"{method} is not allowed here, but {methods}.",
        headers={"Allow": methods},
    )


async def _read(request: web.BaseRequest, body: Body) -> bytes:
    check_content_type(request.headers.get("Content-Type"), body)
    if encoding := request.headers.get("Content-Encoding"):
        raise RestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"The content encoding is {encoding[:40]!r}, expected none: bodies are not decompressed.",
            "Content-Encoding",
        )
    if (request.content_length or 0) > MAX_BODY:
        raise RestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large())
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return await read_body(request, MAX_BODY, _PATIENCE)


def _too_large() -> str:
    return f"The request body has more than {MAX_BODY:,} bytes."


def _refusal(request: web.BaseRequest, error: RestError, *, is_v1: bool) -> web.Response:
    """Return an error in the form of the API version: plain text in v1, an ErrorDetail in later ones."""
    _log.warning("%s is refused (%d): %s", shown(request), error.status, error)
    headers = dict(error.headers)
    if error.status == HTTPStatus.BAD_REQUEST:
        headers[_ERROR_CODE] = "Error.Request.Invalid"
    if is_v1:
        return web.Response(status=error.status, text=str(error), headers=headers)
    detail = {"code": error.status.phrase.replace(" ", ""), "message": str(error)}
    if error.target is not None:
        detail["target"] = error.target
    return json_response(detail, status=error.status, headers=headers)
