"""What the page may do: play a client, play the server, plan faults, repeat an event."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from serverless_signalr._rest import addressees
from serverless_signalr._rest.encoding import message
from serverless_signalr._rest.operations import Operation
from signalr_local.emulator import Emulator, actions
from signalr_local.inspector.events import UpstreamRequest
from signalr_local.inspector.journal import Journal
from signalr_local.inspector.players import Players
from signalr_local.inspector.server_side import ServerSide
from signalr_local.trace_context import new_trace_id

__all__ = ["Actions"]

type _Fields = dict[str, Any]
type _Action = Callable[[_Fields], Awaitable[_Fields]]

_FAULTS = ("upstream", "rest", "lose")


class Actions:
    """Carry out what the page asks for. Raise ValueError, with a sentence to show, for what cannot be."""

    def __init__(self, emulator: Emulator, journal: Journal) -> None:
        self._emulator = emulator
        self._journal = journal
        self.players = Players(emulator, journal)
        self._server = ServerSide(emulator)
        self._control = actions.Actions(emulator)
        self._actions: dict[str, _Action] = {
            "connect": self._connect,
            "call": self._call,
            "leave": self._leave,
            "drop": self._drop,
            "send": self._send,
            "close": self._close,
            "group": self._group,
            "faults": self._faults,
            "repeat": self._repeat,
        }

    async def run(self, name: str, fields: _Fields) -> _Fields:
        """Run an action and return what came of it. Raise LookupError for one that there is not."""
        return await self._actions[name](fields)

    async def stop(self) -> None:
        """Let the clients leave that were played."""
        await self.players.stop()
        await self._server.stop()

    async def _connect(self, fields: _Fields) -> _Fields:
        claims = fields.get("claims") or {}
        if not isinstance(claims, dict) or not all(isinstance(value, str) for value in claims.values()):
            raise ValueError('claims are an object of texts, such as {"role": "admin"}')
        player = await self.players.connect(_text(fields, "hub"), fields.get("user") or None, claims)
        return {"connection_id": player.connection_id}

    async def _call(self, fields: _Fields) -> _Fields:
        player = self.players.find(_text(fields, "connection_id"))
        return {"result": await player.call(_text(fields, "target"), _list(fields, "arguments"))}

    async def _leave(self, fields: _Fields) -> _Fields:
        await self.players.find(_text(fields, "connection_id")).leave()
        return {}

    async def _drop(self, fields: _Fields) -> _Fields:
        try:
            self._control.drop(connection=_text(fields, "connection_id"), close=False)
        except LookupError:
            raise ValueError("there is no such connection any more") from None
        return {}

    async def _send(self, fields: _Fields) -> _Fields:
        match fields.get("to"):
            case "all":
                to = addressees.EVERYBODY
            case "user":
                to = addressees.user(_text(fields, "name"))
            case "group":
                to = addressees.group(_text(fields, "name"))
            case "connection":
                to = addressees.connection(_text(fields, "name"))
            case other:
                raise ValueError(f"to is {other!r}, expected all, user, group or connection")
        body = message(_text(fields, "target"), _list(fields, "arguments"))
        return await self._as_server(fields, Operation("POST", f"{to.path}/:send", body=body))

    async def _close(self, fields: _Fields) -> _Fields:
        to = addressees.connection(_text(fields, "connection_id"))
        reason = fields.get("reason")
        query = [("reason", str(reason))] if reason else []
        return await self._as_server(fields, Operation("DELETE", to.path, query))

    async def _group(self, fields: _Fields) -> _Fields:
        group = addressees.group(_text(fields, "group"))
        connection = addressees.connection(_text(fields, "connection_id"))
        method = "DELETE" if fields.get("leave") else "PUT"
        return await self._as_server(fields, Operation(method, f"{group.path}{connection.path}"))

    async def _as_server(self, fields: _Fields, operation: Operation) -> _Fields:
        return {"trace_id": await self._server.run(_text(fields, "hub"), operation)}

    async def _faults(self, fields: _Fields) -> _Fields:
        faults = self._emulator.faults
        if fields.get("clear"):
            faults.clear()
        for name in _FAULTS:
            options = fields.get(name)
            if options is None:
                continue
            if not isinstance(options, dict):
                raise ValueError(f"{name} is an object of options")
            try:
                getattr(faults, name)(**options)
            except TypeError as error:
                raise ValueError(f"{name}: {error}") from None
        return {"pending": faults.pending}

    async def _repeat(self, fields: _Fields) -> _Fields:
        """Send an event to the app once more, as it was."""
        event = self._journal.find(int(fields.get("seq") or 0))
        if not isinstance(event, UpstreamRequest):
            raise ValueError("this event is no longer kept, or was not sent to the app")
        trace_id = new_trace_id()
        answer = await self._emulator.deliver(event.event, event.content_type, event.body, trace_id)
        return {"trace_id": trace_id, "status": answer.status, "error": answer.reason or answer.error}


def _text(fields: _Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is missing")
    return value


def _list(fields: _Fields, name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list, such as {json.dumps(['hello', 1])}")
    return value
