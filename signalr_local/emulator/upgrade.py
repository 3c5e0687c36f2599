"""Requests that want to become a WebSocket, and their sockets."""

import asyncio
from typing import Any, cast

from aiohttp import web

from signalr_local.emulator.frames import accept_key

__all__ = ["take_over", "upgrade_key"]


def upgrade_key(request: web.BaseRequest) -> str:
    """Return the key of a request that wants to become a WebSocket. Raise ValueError if it is not valid."""
    headers = request.headers
    if "upgrade" not in (part.strip().lower() for part in headers.get("Connection", "").split(",")):
        raise ValueError("A WebSocket needs the header Connection: Upgrade.")
    if headers.get("Sec-WebSocket-Version") != "13":
        raise ValueError("A WebSocket needs the header Sec-WebSocket-Version: 13.")
    key = headers.get("Sec-WebSocket-Key", "")
    accept_key(key)
    return key


def take_over(request: web.BaseRequest) -> tuple[asyncio.Transport, bytes]:
    """Return the socket of a request, and what came after it, which the HTTP server lets go of.

    aiohttp has no way to give a socket away; to its handler it looks as if the client were gone.
    """
    handler = cast("Any", request.protocol)
    socket, early = handler.transport, handler._message_tail
    handler.transport = None
    handler.connection_lost(None)
    return socket, early
