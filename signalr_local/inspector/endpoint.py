"""The inspector: what the emulator answers below ``/_inspect``."""

import json
import secrets
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from signalr_local.emulator import Emulator
from signalr_local.emulator.incoming import INSPECTOR
from signalr_local.inspector import guard
from signalr_local.inspector.actions import Actions
from signalr_local.inspector.journal import Journal
from signalr_local.inspector.secrecy import hidden
from signalr_local.inspector.state import state
from signalr_local.inspector.stream import send_events

__all__ = ["SCHEMA", "Inspector"]

_FOLDER = Path(__file__).parent
SCHEMA = _FOLDER / "events.schema.json"
"""The JSON Schema of the events."""

_MAX_BODY = 1024 * 1024
_PAGE = _FOLDER / "page.html"


class Inspector:
    """Show what happens in an emulator, and in the app behind it, to who has the token.

    ``app`` describes the app's functions, ``known`` are secrets that no answer may hold, beside what looks
    like one.
    """

    def __init__(
        self,
        emulator: Emulator,
        journal: Journal,
        *,
        app: Callable[[], dict[str, Any]] = dict,
        known: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._emulator = emulator
        self._journal = journal
        self._app = app
        self._known = known
        self._actions = Actions(emulator, journal)
        journal.known = self._secrets
        self.token = secrets.token_urlsafe(16)
        """What opens it; a new one with every start."""
        emulator.journal = journal
        emulator.inspect = self

    @property
    def url(self) -> str:
        """The address that a developer opens."""
        return f"http://localhost:{self._emulator.port}{INSPECTOR}?token={self.token}"

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        try:
            guard.check(request, self.token)
            return await self._answer(request)
        except web.HTTPException as error:
            return web.Response(status=error.status, text=error.text, headers=guard.HEADERS)
        except ValueError as error:
            return self._json({"error": str(error)}, HTTPStatus.BAD_REQUEST)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.method, request.rel_url.path.rstrip("/").lower().removeprefix(INSPECTOR):
            case "GET", "":
                return web.Response(
                    body=_PAGE.read_bytes(), content_type="text/html", charset="utf-8", headers=guard.HEADERS
                )
            case "GET", "/events":
                return await send_events(request, self._journal)
            case "GET", "/schema":
                body = SCHEMA.read_bytes()
                return web.Response(body=body, content_type="application/schema+json", headers=guard.HEADERS)
            case "GET", "/state":
                return self._json(self._state())
            case "POST", path if path.startswith("/do/"):
                return await self._act(path.removeprefix("/do/"), await request.content.read(_MAX_BODY))
            case _:
                raise web.HTTPNotFound(text="The inspector has no such page.\n")

    async def _act(self, name: str, body: bytes) -> web.Response:
        fields = json.loads(body)
        if not isinstance(fields, dict):
            raise ValueError("the body is no object")
        try:
            return self._json(await self._actions.run(name, fields))
        except LookupError:
            raise web.HTTPNotFound(text="The inspector has no such action.\n") from None

    async def stop(self) -> None:
        """Let the clients leave that were played."""
        await self._actions.stop()

    def _state(self) -> dict[str, Any]:
        return {
            "hubs": state(self._emulator),
            "named_hubs": sorted({hub for rule in self._emulator.upstream for hub in rule.hubs}),
            "app": self._app(),
            "events": {"kept": len(self._journal), "last": self._journal.last},
            "faults_pending": self._emulator.faults.pending,
            "played": [player.connection_id for player in self._actions.players],
        }

    def _secrets(self) -> Iterable[str]:
        for secret in (self.token, *self._emulator.keys, *self._known()):
            # As it stands in a text of JSON.
            yield json.dumps(secret)[1:-1]

    def _json(self, value: object, status: int = HTTPStatus.OK) -> web.Response:
        text = hidden(json.dumps(value, default=str), self._secrets())
        return web.Response(text=text, status=status, content_type="application/json", headers=guard.HEADERS)
