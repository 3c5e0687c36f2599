"""Who is there: hubs, connections, users and groups, as the page shows them."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from signalr_local.emulator import Emulator
from signalr_local.emulator.hub import Hub
from signalr_local.inspector.secrecy import without_secrets

__all__ = ["state"]

_MAX_SHOWN = 500
"""How many connections, users and groups of a hub are listed; the rest is counted."""


def state(emulator: Emulator) -> list[dict[str, Any]]:
    """Return the hubs that have connections, or had some."""
    sessions: dict[str, Any] = {}
    for session in emulator.sessions:
        if session.connection is not None:
            sessions[session.connection.connection_id] = session
    return [_hub(hub, sessions) for hub in emulator.hubs]


def _hub(hub: Hub[Any], sessions: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": hub.name,
        "connection_count": len(hub.connections),
        "connections": [
            _connection(connection, sessions.get(connection_id))
            for connection_id, connection in _few(hub.connections.items())
        ],
        "user_count": len(hub.users),
        "users": _sized(hub.users),
        "group_count": len(hub.groups),
        "groups": _sized(hub.groups),
    }


def _sized(sets: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "connections": len(members)} for name, members in _few(sets.items())]


def _few[T](items: Iterable[T]) -> Iterable[T]:
    return islice(items, _MAX_SHOWN)


def _connection(connection: Any, session: Any) -> dict[str, Any]:
    shown = {
        "connection_id": connection.connection_id,
        "user_id": connection.user_id,
        "transport": connection.transport.name,
        "protocol": connection.protocol.name,
        "groups": sorted(connection.groups),
        "waiting": connection.dispatcher.waiting,
        "claims": without_secrets(connection.dispatcher.client.claims),
    }
    if session is not None:
        shown |= {
            "seconds": round(session.age, 1),
            "received_bytes": session.received,
            "sent_bytes": session.sent,
        }
    return shown
