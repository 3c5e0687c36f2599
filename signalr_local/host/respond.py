"""What a request to the host is answered with: by a function, by the webhook, or by the host itself."""

import logging
import re
from collections.abc import Awaitable, Collection
from http import HTTPStatus
from itertools import chain
from pathlib import Path

from aiohttp import hdrs, web

from signalr_local.host import admin, error_page, trigger
from signalr_local.host.dead_ends import DeadEnds
from signalr_local.host.failures import NotStartedError
from signalr_local.host.host_names import is_own_name
from signalr_local.host.instance import AppInstance
from signalr_local.host.targets import Target, TargetError
from signalr_local.host.throttle import BusyError

__all__ = ["respond"]

_MAX_LINE = 8 * 1024 - len(" HTTP/1.1") - 1
_MAX_HEADERS = 32 * 1024
_MAX_HEADER_COUNT = 100
"""What the web server of the real host takes as method and target, and as headers, in bytes and fields."""

_BAD_HOST = re.compile(r"[\s/?#@\\]")
_NOT_TEXT = re.compile("[\udc80-\udcff]")

_log = logging.getLogger("signalr_local.host")


async def respond(
    request: web.BaseRequest,
    instance: AppInstance | None,
    problem: Exception | None,
    app: Path,
    dead_ends: DeadEnds,
    host_names: Collection[str],
) -> web.StreamResponse:
    """Answer a request; ``problem`` says why there is no instance of the app.

    ``host_names`` are those that requests may have been sent to, beside the names of this machine. Raise
    NotStartedError if the worker ended before it began what the request asks for.
    """
    host = request.headers.get(hdrs.HOST, "")
    if not is_own_name(host, host_names):
        _log.warning(
            "A request for the host %s was refused: a page of that name could drive the app by its address. "
            "Allow a name with --host-name.",
            host[:100],
        )
        return web.Response(status=HTTPStatus.FORBIDDEN, text="The name of the host is not allowed.\n")
    status = _refusal(request, host)
    if status is None:
        try:
            target = Target.parse(request.raw_path, _scheme(request), host)
        except (TargetError, ValueError):
            status = HTTPStatus.BAD_REQUEST
    if status is not None:
        response = web.Response(status=status)
        response.force_close()
        return response
    if instance is None:
        if admin.is_admin(target.path):
            reason = "" if problem is None else error_page.reason(problem)
            return await admin.handle(request, target, None, reason)
        return error_page.response(request, app, problem)
    dead_ends.note_origin(request, instance.cors)
    preflight = instance.cors.preflight(request)
    answer = await _answer(instance, request, target, dead_ends) if preflight is None else preflight
    _add_headers(instance, request, answer)
    if preflight is None and instance.cors.origins:
        _allow(instance, request, answer)
    return answer


def _scheme(request: web.BaseRequest) -> str:
    # An absolute form of the request line would have its say in aiohttp's own property.
    transport = request.transport
    return "https" if transport is not None and transport.get_extra_info("sslcontext") else "http"


def _refusal(request: web.BaseRequest, host: str) -> HTTPStatus | None:
    """Return the status for a request that the real host's web server refuses."""
    raw = request.raw_headers
    if len(request.method) + len(request.raw_path) > _MAX_LINE:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    text = b"".join(chain.from_iterable(raw))
    if len(raw) > _MAX_HEADER_COUNT or len(text) + 4 * len(raw) > _MAX_HEADERS:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    if request.method == hdrs.METH_CONNECT:
        return HTTPStatus.NOT_FOUND
    if _BAD_HOST.search(host):
        return HTTPStatus.BAD_REQUEST
    if not text.isascii() and any(_NOT_TEXT.search(value) for value in request.headers.values()):
        return HTTPStatus.BAD_REQUEST
    return None


async def _answer(
    instance: AppInstance, request: web.BaseRequest, target: Target, dead_ends: DeadEnds
) -> web.StreamResponse:
    if admin.is_admin(target.path):
        return await admin.handle(request, target, instance, "")
    try:
        with instance.usage:
            if instance.throttle is None:
                response = await _run(instance, request, target)
            else:
                async with instance.throttle:
                    response = await _run(instance, request, target)
    except BusyError:
        headers = {"X-FUNCTION-SCALEOUT": "1"}
        return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
    except web.HTTPRequestEntityTooLarge:
        _log.error(
            "%s %s was answered 500, as in Azure: a body has %d MB at most.",
            request.method,
            target.path,
            request.client_max_size // 2**20,
        )
        refused = web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        # What follows is the rest of the body.
        refused.force_close()
        return refused
    except NotStartedError:
        raise
    except Exception as error:  # noqa: BLE001 - one request must not end the host
        if _is_gone(request, error):
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        _log.exception("The host failed on %s %s.", request.method, target.path)
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    if response is not None:
        return response
    if target.path == "/" and not instance.has_no_home:
        return admin.home()
    if target.path == "/":
        return web.Response(status=HTTPStatus.NO_CONTENT)
    dead_ends.note_path(request, instance)
    return web.Response(status=HTTPStatus.NOT_FOUND)


def _run(
    instance: AppInstance, request: web.BaseRequest, target: Target
) -> Awaitable[web.StreamResponse | None]:
    if trigger.takes(target.path):
        return instance.webhook.handle(request)
    return instance.http.handle(request, target)


def _is_gone(request: web.BaseRequest, error: Exception) -> bool:
    """Tell whether the client left while it sent its request."""
    return isinstance(error, ConnectionError | web.RequestPayloadError) and (
        request.transport is None or request.transport.is_closing()
    )


def _add_headers(instance: AppInstance, request: web.BaseRequest, response: web.StreamResponse) -> None:
    configuration = instance.configuration
    for name, value in configuration.custom_headers.items():
        response.headers.setdefault(name, value)
    if configuration.strict_transport_security is not None and _scheme(request) == "https":
        response.headers.setdefault("Strict-Transport-Security", configuration.strict_transport_security)


def _allow(instance: AppInstance, request: web.BaseRequest, response: web.StreamResponse) -> None:
    for name, value in instance.cors.headers(request).items():
        if name == hdrs.VARY:
            response.headers.add(name, value)
        else:
            # Browsers refuse an answer that allows two origins: the app's own header gives way.
            response.headers[name] = value
