"""A service that keeps the requests of a hub, and the hub."""

import json
from typing import Any, Protocol

from aiohttp import web

from serverless_signalr import ServerlessHub, target
from signalr_local.emulator import DEFAULT_ACCESS_KEY

__all__ = ["HI", "AnyChat", "Chat", "ChatClient", "Recorder", "Request"]

HI = {"target": "newMessage", "arguments": ["hi"]}


class ChatClient(Protocol):
    async def new_message(self, text: str) -> None: ...

    @target("Renamed")
    async def other(self, text: str) -> None: ...

    async def ask_age(self) -> int: ...


class Chat(ServerlessHub[ChatClient]):
    pass


class AnyChat(ServerlessHub, hub="Chat"):
    pass


type Request = tuple[str, str, list[tuple[str, str]], Any]
"""A request: method, path below the hub, query but for the version, JSON value of the body."""


class Recorder:
    """Stand in for the service: keep the requests, and answer them as told."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, list[web.Response]] = {}
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)

    async def start(self) -> str:
        """Listen, and return the connection string."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        return f"Endpoint=http://localhost;Port={port};AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path.removeprefix("/api/hubs/chat")
        query = [(name, value) for name, value in request.query.items() if name != "api-version"]
        body = await request.read()
        self.requests.append((request.method, path, query, json.loads(body) if body else None))
        answers = self.answers.get(path)
        return answers.pop(0) if answers else web.Response()
