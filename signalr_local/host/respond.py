"""What a request to the host is answered with: by a function, by the webhook, or by the host itself."""

import logging
from http import HTTPStatus
from pathlib import Path

from aiohttp import hdrs, web

from signalr_local.host import admin, error_page, trigger
from signalr_local.host.dead_ends import DeadEnds
from signalr_local.host.failures import NotStartedError
from signalr_local.host.instance import AppInstance

__all__ = ["respond"]

_log = logging.getLogger("signalr_local.host")


async def respond(
    request: web.Request,
    instance: AppInstance | None,
    problem: Exception | None,
    app: Path,
    dead_ends: DeadEnds,
) -> web.StreamResponse:
    """Answer a request; ``problem`` says why there is no instance of the app.

    Raise NotStartedError if the worker ended before it began what the request asks for.
    """
    if request.path.startswith(admin.PREFIX):
        return admin.handle(request, instance, "" if problem is None else error_page.reason(problem))
    if instance is None:
        return error_page.response(request, app, problem)
    dead_ends.note_origin(request, instance.cors)
    preflight = instance.cors.preflight(request)
    if preflight is not None:
        return preflight
    async with instance.in_use():
        response = await _respond(instance, request, dead_ends)
    for name, value in instance.cors.headers(request).items():
        if name == hdrs.VARY:
            response.headers.add(name, value)
        else:
            # Browsers refuse an answer that allows two origins: the app's own header gives way.
            response.headers[name] = value
    return response


async def _respond(instance: AppInstance, request: web.Request, dead_ends: DeadEnds) -> web.StreamResponse:
    try:
        if trigger.takes(request.path):
            return await instance.webhook.handle(request)
        response = await instance.http.handle(request)
    except NotStartedError:
        raise
    except web.HTTPRequestEntityTooLarge:
        return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except Exception as error:  # noqa: BLE001 - one request must not end the host
        if _is_gone(request, error):
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        _log.exception("The host failed on %s %s.", request.method, request.path)
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    if response is None and request.path == "/" and request.method == hdrs.METH_GET:
        return admin.home()
    if response is None:
        dead_ends.note_path(request, instance)
    return response or web.Response(status=HTTPStatus.NOT_FOUND)


def _is_gone(request: web.Request, error: Exception) -> bool:
    """Tell whether the client left while it sent its request."""
    return isinstance(error, ConnectionError | web.RequestPayloadError) and (
        request.transport is None or request.transport.is_closing()
    )
