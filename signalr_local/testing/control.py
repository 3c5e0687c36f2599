"""The control path: faults and the clock over HTTP, for tests in other languages.

``POST /_test/faults`` with a JSON object such as ``{"upstream": {"status": 503, "times": 2}}``, with
``rest``, ``lose`` or ``drop`` in its place; ``DELETE /_test/faults``; ``POST /_test/advance`` with
``{"seconds": 60}``; ``POST /_test/settled``. It exists only where a test has asked for it, and answers this
machine alone.
"""

import ipaddress
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from signalr_local.testing.errors import ExpectationError

if TYPE_CHECKING:
    from signalr_local.testing.environment import SignalRTest

__all__ = ["ControlPath"]

_MAX_BODY = 64 * 1024


class ControlPath:
    """Answer what tests in other languages ask of their environment."""

    def __init__(self, environment: "SignalRTest") -> None:
        self._environment = environment

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        if not _is_here(request.remote):
            return web.Response(
                status=HTTPStatus.FORBIDDEN, text="The control path answers this machine alone."
            )
        # A page of another origin can send a simple request; one with this type asks first, and is refused.
        if request.method == "POST" and request.content_type != "application/json":
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text="Expected application/json.")
        if "Origin" in request.headers:
            return web.Response(status=HTTPStatus.FORBIDDEN, text="Pages have no access to the control path.")
        try:
            content = await request.content.read(_MAX_BODY)
            body = json.loads(content) if content else {}
            if not isinstance(body, dict):
                raise TypeError("the body is not an object")
            await self._do(request.method, request.rel_url.path.rstrip("/").lower(), body)
        except LookupError as error:
            return web.Response(status=HTTPStatus.NOT_FOUND, text=str(error.args[0]))
        except ExpectationError as error:
            return web.Response(status=HTTPStatus.CONFLICT, text=str(error))
        except (TypeError, ValueError) as error:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=str(error))
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _do(self, method: str, path: str, body: dict[str, Any]) -> None:
        environment, faults = self._environment, self._environment.faults
        match method, path:
            case "DELETE", "/_test/faults":
                faults.clear()
            case "POST", "/_test/faults":
                if not body or not set(body) <= {"upstream", "rest", "lose", "drop"}:
                    raise ValueError("expected upstream, rest, lose or drop, with an object")
                for name, options in body.items():
                    if name == "drop":
                        self._drop(**options)
                    else:
                        getattr(faults, name)(**options)
            case "POST", "/_test/advance":
                await environment.advance(**body)
            case "POST", "/_test/settled":
                await environment.settled()
            case _:
                raise LookupError(f"the control path has no {method} {path}")

    def _drop(self, *, user: str | None = None, connection: str | None = None, close: bool = True) -> None:
        """End the connections of a user, or one connection."""
        found = [
            each
            for each in self._environment.emulator.connections
            if (connection is not None and each.connection_id == connection)
            or (user is not None and each.user_id == user)
        ]
        if not found:
            raise LookupError(f"there is no connection of {user or connection}")
        for each in found:
            if close:
                each.close()
            else:
                each.drop()


def _is_here(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
