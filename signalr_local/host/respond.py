"""What a request to the host is answered with: by a function, by the webhook, or by the host itself."""

import logging
from http import HTTPStatus

from aiohttp import hdrs, web

from signalr_local.host import admin, trigger
from signalr_local.host.instance import AppInstance

__all__ = ["respond"]

_log = logging.getLogger("signalr_local.host")


async def respond(request: web.Request, instance: AppInstance | None, error: str) -> web.StreamResponse:
    """Answer a request; ``error`` says why there is no instance of the app."""
    if request.path.startswith(admin.PREFIX):
        return admin.handle(request, instance, error)
    if instance is None:
        reason = error.strip().splitlines()[-1]
        return web.Response(
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            text=f"The app could not be loaded: {reason}\nIts traceback is in the log.\n",
        )
    preflight = instance.cors.preflight(request)
    if preflight is not None:
        return preflight
    async with instance.in_use():
        response = await _respond(instance, request)
    for name, value in instance.cors.headers(request).items():
        if name == hdrs.VARY:
            response.headers.add(name, value)
        else:
            # Browsers refuse an answer that allows two origins: the app's own header gives way.
            response.headers[name] = value
    return response


async def _respond(instance: AppInstance, request: web.Request) -> web.StreamResponse:
    try:
        if trigger.takes(request.path):
            return await instance.webhook.handle(request)
        response = await instance.http.handle(request)
    except web.HTTPRequestEntityTooLarge:
        return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    except Exception:  # noqa: BLE001 - one request must not end the host
        _log.exception("The host failed on %s %s.", request.method, request.path)
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    if response is None and request.path == "/" and request.method == hdrs.METH_GET:
        return admin.home()
    return response or web.Response(status=HTTPStatus.NOT_FOUND)
