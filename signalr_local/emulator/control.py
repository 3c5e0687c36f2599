"""The control path: faults and time over HTTP, for tests in other languages.

``POST /_test/upstream`` with ``{"status": 503, "times": 2}`` does what ``faults.upstream(503, times=2)`` does
in Python; the other actions are asked for in the same way. The path exists only where somebody has asked for
it, and answers this machine alone.
"""

import asyncio
import inspect
import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from signalr_local.emulator.actions import Actions
from signalr_local.emulator.defaults import CONTROL_PATH
from signalr_local.emulator.upgrade import take_over

__all__ = ["ControlPath"]

type Action = Callable[..., Any]

_MAX_BODY = 64 * 1024
_RESTART = "restart"
_DONE = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


class ControlPath:
    """Answer what tests in other languages ask of an emulator.

    ``more`` are further actions; one of the same name takes the place of the emulator's. ``restart`` starts
    the emulator anew.
    """

    def __init__(
        self,
        actions: Actions,
        more: Iterable[Action] = (),
        *,
        restart: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        faults = actions.emulator.faults
        offered: list[Action] = [faults.upstream, faults.lose, faults.rest, faults.clear]
        offered += [actions.drop, actions.pause, actions.resume, actions.rotate_key, *more]
        self._actions = {action.__name__.replace("_", "-"): action for action in offered}
        self._restart = restart or actions.emulator.restart
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def actions(self) -> list[str]:
        """Return what can be asked for."""
        return sorted([*self._actions, _RESTART])

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: 204 once it is done."""
        if not _is_here(request.remote):
            return _text(HTTPStatus.FORBIDDEN, "The control path answers this machine alone.")
        if "Origin" in request.headers:
            return _text(HTTPStatus.FORBIDDEN, "Pages have no access to the control path.")
        if request.method != "POST":
            return _text(HTTPStatus.METHOD_NOT_ALLOWED, "Expected POST.")
        # A page of another origin can send a simple request; one with this type asks first, and is refused.
        if request.content_type != "application/json":
            return _text(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Expected application/json.")
        try:
            content = await request.content.read(_MAX_BODY)
            body = json.loads(content) if content else {}
            if not isinstance(body, dict):
                raise ValueError("the body is not an object")
            return await self._do(request, body)
        except LookupError as error:
            return _text(HTTPStatus.NOT_FOUND, f"{error.args[0]}.")
        except AssertionError as error:
            # The environment of a test is not quiet, and says why.
            return _text(HTTPStatus.CONFLICT, str(error))
        except ValueError as error:
            return _text(HTTPStatus.BAD_REQUEST, f"{error}.")

    async def _do(self, request: web.BaseRequest, body: dict[str, Any]) -> web.Response:
        name = request.rel_url.path.lower().removeprefix(CONTROL_PATH).rstrip("/")
        if name == _RESTART:
            _check(name, self._restart, body)
            self._restart_for(request)
        elif name in self._actions:
            action = self._actions[name]
            done = action(**_check(name, action, body))
            if done is not None:
                await done
        else:
            raise LookupError(f"the control path has no {name}; it has {', '.join(self.actions)}")
        return web.Response(status=HTTPStatus.NO_CONTENT)

    def _restart_for(self, request: web.BaseRequest) -> None:
        """Start the emulator anew, and answer then: the server that got the request is gone by that time."""
        socket, _ = take_over(request)

        async def restart() -> None:
            try:
                await self._restart()
                socket.write(_DONE)
            finally:
                socket.close()

        task = asyncio.create_task(restart())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _check(name: str, action: Action, body: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of an action that a body names. Raise ValueError for what it does not take."""
    parameters = {_camel(each): one for each, one in inspect.signature(action).parameters.items()}
    arguments = {}
    for member, value in body.items():
        if member not in parameters:
            takes = f"it takes {', '.join(parameters)}" if parameters else "it takes nothing"
            raise ValueError(f"{name} has no {member}; {takes}")
        parameter = parameters[member]
        expected = getattr(parameter.annotation, "__args__", (parameter.annotation,))
        taken = (*expected, int) if float in expected else expected
        if type(value) not in taken:
            raise ValueError(f"{member} of {name} is not {' or '.join(_WORDS[kind] for kind in expected)}")
        arguments[parameter.name] = value
    missing = [
        member for member, one in parameters.items() if one.default is one.empty and one.name not in arguments
    ]
    if missing:
        raise ValueError(f"{name} needs {', '.join(missing)}")
    return arguments


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def _is_here(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _text(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=text)
