"""A service that speaks the wire protocol of the data-plane REST API, and the operations that it is asked."""

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import jwt
import pytest
from aiohttp import web

from serverless_signalr.rest import (
    JoinGroup,
    ServiceClient,
)

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
VERSION = ("api-version", "2024-12-01")
PATIENCE = 10.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""

type Respond = Callable[["Received"], Awaitable[web.StreamResponse]]
type Operate = Callable[[ServiceClient], Awaitable[object]]


@dataclass(frozen=True)
class Received:
    """Hold a request as the service got it."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    raw: web.BaseRequest
    peer: tuple[str, int]

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def token(self) -> str:
        scheme, _, token = self.headers["authorization"].partition(" ")
        assert scheme == "Bearer"
        return token


class Service:
    """Answer as the service does, check each token as it does, and keep what was asked."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.accepted_tokens: set[str] = set()
        self.refused = 0
        self.url = ""
        self._answers: list[Respond] = []
        self._always: Respond | None = None
        self._runner: web.ServerRunner | None = None

    @property
    def connection_string(self) -> str:
        return f"Endpoint={self.url};AccessKey={KEY};Version=1.0;"

    @property
    def lines(self) -> list[str]:
        return [request.line for request in self.requests]

    async def start(self, port: int = 0) -> Self:
        self._runner = web.ServerRunner(web.Server(self._respond, access_log=None), shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def answer(self, status: int, body: object = None, *, times: int = 1, **headers: str) -> None:
        """Answer the next requests so."""
        data = b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def respond(request: Received) -> web.StreamResponse:
            return web.Response(
                status=status, body=data, headers={"Content-Type": "application/json", **named}
            )

        self._answers += [respond] * times

    def drop(self, *, times: int = 1) -> None:
        """Cut the connection of the next requests."""

        async def respond(request: Received) -> web.StreamResponse:
            raise ConnectionResetError

        self._answers += [respond] * times

    def always(self, respond: Respond) -> None:
        """Answer every request from now on so."""
        self._always = respond

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        received = Received(
            request.method,
            request.rel_url.raw_path,
            list(request.query.items()),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            request,
            request.transport.get_extra_info("peername") if request.transport else ("", 0),
        )
        self.requests.append(received)
        if not self._is_authorized(received):
            self.refused += 1
            return web.Response(
                status=401, headers={"WWW-Authenticate": 'Bearer error_description="The audience is invalid"'}
            )
        respond = self._answers.pop(0) if self._answers else self._always
        if respond is None:
            return web.Response(status=_usual_status(received))
        try:
            return await respond(received)
        except ConnectionResetError:
            assert request.transport is not None
            request.transport.abort()
            raise

    def _is_authorized(self, request: Received) -> bool:
        if self.accepted_tokens:
            return request.token in self.accepted_tokens
        audience = f"http://{request.headers['host']}{request.path}"
        # Like the service, it does not look at the times before which a token is not good.
        options: Any = {"require": ["exp", "aud"], "verify_iat": False, "verify_nbf": False}
        try:
            jwt.decode(request.token, KEY, ["HS256"], audience=audience, options=options)
        except jwt.InvalidTokenError:
            return False
        return True


def _usual_status(request: Received) -> int:
    match request.method, request.path.rpartition("/")[2]:
        case "POST", ":closeConnections":
            return 204
        case "POST", _:
            return 202
        case "DELETE", _ if "/users/" in request.path:
            return 204
        case _:
            return 200


@asynccontextmanager
async def connected(service: Service, **options: Any) -> AsyncIterator[ServiceClient]:
    options = {"retry_delay": timedelta(0)} | options
    async with ServiceClient(service.connection_string, "Chat", **options) as client:
        yield client


def closed_port() -> str:
    """Return a connection string of a service that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"Endpoint=http://127.0.0.1:{probe.getsockname()[1]};AccessKey={KEY};"


HUB = "/api/hubs/chat"

OPERATIONS: dict[str, tuple[Operate, str, list[tuple[str, str]]]] = {
    "send to all": (
        lambda client: client.send_to_all("m", 1, excluded=["c1", "c2"]),
        f"POST {HUB}/:send",
        [("excluded", "c1"), ("excluded", "c2")],
    ),
    "send to user": (lambda client: client.send_to_user("a b", "m", 1), f"POST {HUB}/users/a%20b/:send", []),
    "send to group": (
        lambda client: client.send_to_group("a/b", "m", 1, excluded=["c1"]),
        f"POST {HUB}/groups/a%2Fb/:send",
        [("excluded", "c1")],
    ),
    "send to connection": (
        lambda client: client.send_to_connection("c1", "m", 1),
        f"POST {HUB}/connections/c1/:send",
        [],
    ),
    "add connection": (
        lambda client: client.add_connection_to_group("g", connection_id="c1"),
        f"PUT {HUB}/groups/g/connections/c1",
        [],
    ),
    "remove connection": (
        lambda client: client.remove_connection_from_group("g", connection_id="c1"),
        f"DELETE {HUB}/groups/g/connections/c1",
        [],
    ),
    "remove connection from all": (
        lambda client: client.remove_connection_from_all_groups(connection_id="c1"),
        f"DELETE {HUB}/connections/c1/groups",
        [],
    ),
    "add user": (
        lambda client: client.add_user_to_group("g", user_id="ann"),
        f"PUT {HUB}/users/ann/groups/g",
        [],
    ),
    "add user for a time": (
        lambda client: client.add_user_to_group("g", user_id="ann", ttl=timedelta(minutes=1)),
        f"PUT {HUB}/users/ann/groups/g",
        [("ttl", "60")],
    ),
    "add user for now": (
        lambda client: client.add_user_to_group("g", user_id="ann", ttl=timedelta(0)),
        f"PUT {HUB}/users/ann/groups/g",
        [("ttl", "0")],
    ),
    "add user for less than a second, which is not none": (
        lambda client: client.add_user_to_group("g", user_id="ann", ttl=timedelta(milliseconds=1)),
        f"PUT {HUB}/users/ann/groups/g",
        [("ttl", "1")],
    ),
    "remove user": (
        lambda client: client.remove_user_from_group("g", user_id="ann"),
        f"DELETE {HUB}/users/ann/groups/g",
        [],
    ),
    "remove user from all": (
        lambda client: client.remove_user_from_all_groups(user_id="ann"),
        f"DELETE {HUB}/users/ann/groups",
        [],
    ),
    "user in group": (
        lambda client: client.is_user_in_group("g", user_id="ann"),
        f"HEAD {HUB}/users/ann/groups/g",
        [],
    ),
    "connection exists": (
        lambda client: client.connection_exists("c1"),
        f"HEAD {HUB}/connections/c1",
        [],
    ),
    "user exists": (lambda client: client.user_exists("ann"), f"HEAD {HUB}/users/ann", []),
    "group exists": (lambda client: client.group_exists("g"), f"HEAD {HUB}/groups/g", []),
    "close connection": (
        lambda client: client.close_connection("c1", "bye & thanks"),
        f"DELETE {HUB}/connections/c1",
        [("reason", "bye & thanks")],
    ),
    "close connection without a reason": (
        lambda client: client.close_connection("c1"),
        f"DELETE {HUB}/connections/c1",
        [],
    ),
    "close user": (
        lambda client: client.close_user_connections("ann", ["c1"], "bye"),
        f"POST {HUB}/users/ann/:closeConnections",
        [("excluded", "c1"), ("reason", "bye")],
    ),
    "close group": (
        lambda client: client.close_group_connections("g", excluded=["c1"]),
        f"POST {HUB}/groups/g/:closeConnections",
        [("excluded", "c1")],
    ),
    "close all": (
        lambda client: client.close_all_connections(reason="bye"),
        f"POST {HUB}/:closeConnections",
        [("reason", "bye")],
    ),
    "send stream item": (
        lambda client: client.send_stream_item("c1", "s1", 1),
        f"POST {HUB}/connections/c1/streams/s1/:send",
        [],
    ),
    "send last stream item": (
        lambda client: client.send_stream_item("c1", "s1", 1, completed=True),
        f"POST {HUB}/connections/c1/streams/s1/:send",
        [("completed", "true")],
    ),
    "complete stream": (
        lambda client: client.complete_stream("c1", "s1"),
        f"POST {HUB}/connections/c1/streams/s1/:complete",
        [],
    ),
    "complete stream with an error": (
        lambda client: client.complete_stream("c1", "s1", "no"),
        f"POST {HUB}/connections/c1/streams/s1/:complete",
        [("reason", "no"), ("error", "no")],
    ),
    "execute": (
        lambda client: client.execute([JoinGroup("g")], "startswith(userId, 'guest-')"),
        f"POST {HUB}/:execute",
        [("filter", "startswith(userId, 'guest-')")],
    ),
    "execute on all": (lambda client: client.execute([JoinGroup("g")]), f"POST {HUB}/:execute", []),
    "health": (lambda client: client.is_healthy(), "HEAD /api/health", []),
}

SENDS: dict[str, Operate] = {
    name: OPERATIONS[name][0]
    for name in (
        "send to all",
        "send to user",
        "send to group",
        "send to connection",
        "send stream item",
        "complete stream",
        "execute",
    )
} | {"invoke": lambda client: client.invoke_connection("c1", "m")}

IDEMPOTENT = {
    name: operate
    for name, (operate, _, _) in OPERATIONS.items()
    if name not in SENDS and "stream" not in name and "execute" not in name and name != "health"
}

each_send = pytest.mark.parametrize("operate", SENDS.values(), ids=SENDS.keys())
each_idempotent = pytest.mark.parametrize("operate", IDEMPOTENT.values(), ids=IDEMPOTENT.keys())
