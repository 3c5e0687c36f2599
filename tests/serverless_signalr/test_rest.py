"""The data-plane client and a service that speaks the wire protocol: what is sent, repeated and raised."""

import asyncio
import json
import logging
import pickle
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import formatdate
from types import TracebackType
from typing import Any, Self

import aiohttp
import jwt
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.settings import settings

from serverless_signalr._rest.background import run_sync
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import (
    HubException,
    InvalidArgumentError,
    NotFoundError,
    PartialSendError,
    PayloadTooLargeError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from serverless_signalr.rest import (
    CloseConnection,
    GroupConnection,
    JoinGroup,
    LeaveGroup,
    SendMessage,
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


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = await Service().start()
    yield service
    await service.stop()


@asynccontextmanager
async def connected(service: Service, **options: Any) -> AsyncIterator[ServiceClient]:
    options = {"retry_delay": timedelta(0)} | options
    async with ServiceClient(service.connection_string, "Chat", **options) as client:
        yield client


@pytest.fixture
async def client(service: Service) -> AsyncIterator[ServiceClient]:
    async with connected(service) as client:
        yield client


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses between attempts, none of which is made."""
    seconds: list[float] = []

    async def sleep(self: object, duration: float) -> None:
        seconds.append(duration)

    monkeypatch.setattr(AsyncHttpTransport, "sleep", sleep)
    return seconds


# What is sent.

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


@pytest.mark.parametrize(("operate", "line", "query"), OPERATIONS.values(), ids=OPERATIONS.keys())
async def test_operation_is_one_request_that_the_service_knows(
    service: Service, client: ServiceClient, operate: Operate, line: str, query: list[tuple[str, str]]
) -> None:
    await operate(client)
    (request,) = service.requests
    assert request.line == line
    assert request.query == [*query, VERSION]
    assert service.refused == 0


@pytest.mark.parametrize(
    ("operate", "body"),
    [
        (lambda client: client.send_to_all("m"), {"target": "m", "arguments": []}),
        (
            lambda client: client.send_to_user("ann", "m", 1, None, {"a": [True]}),
            {"target": "m", "arguments": [1, None, {"a": [True]}]},
        ),
        (lambda client: client.send_stream_item("c1", "s1", None), None),
        (lambda client: client.send_stream_item("c1", "s1", {"token": "é"}), {"token": "é"}),
        (
            lambda client: client.execute(
                [SendMessage("m", [1]), JoinGroup("g"), LeaveGroup("h"), CloseConnection("bye")]
            ),
            [
                {"type": "SendMessage", "message": {"target": "m", "arguments": [1]}},
                {"type": "JoinGroup", "group": "g"},
                {"type": "LeaveGroup", "group": "h"},
                {"type": "CloseConnection", "reason": "bye"},
            ],
        ),
    ],
)
async def test_body_is_json(service: Service, client: ServiceClient, operate: Operate, body: object) -> None:
    await operate(client)
    (request,) = service.requests
    assert json.loads(request.body) == body
    assert request.headers["content-type"] == "application/json"


async def test_request_without_a_body_has_no_content_type(service: Service, client: ServiceClient) -> None:
    await client.close_all_connections()
    assert "content-type" not in service.requests[0].headers
    assert service.requests[0].body == b""


@pytest.mark.parametrize(
    ("hub", "path"), [("Chat", "/api/hubs/chat"), ("A.b,[c]`d", "/api/hubs/a.b,%5Bc%5D%60d")]
)
async def test_hub_is_in_lower_case_and_escaped(service: Service, hub: str, path: str) -> None:
    async with ServiceClient(service.connection_string, hub) as client:
        await client.send_to_all("m")
    assert service.lines == [f"POST {path}/:send"]
    assert service.refused == 0


async def test_application_is_part_of_every_query(service: Service) -> None:
    async with ServiceClient(service.connection_string, "chat", application="App") as client:
        await client.send_to_all("m")
    assert service.requests[0].query == [("application", "App"), VERSION]


async def test_names_of_any_kind_open_the_service(service: Service, client: ServiceClient) -> None:
    for name in ("a b", "a/b", "100%", "%2F", "Zoë 群", "&=+;,:@!$'()*", "a\\b", "~._-", "?#[]"):
        await client.send_to_user(name, "m")
    assert service.refused == 0


async def test_reverse_proxy_is_the_address_and_the_audience(service: Service) -> None:
    text = f"Endpoint=https://chat.service.signalr.net;ServerEndpoint={service.url};AccessKey={KEY};"
    async with ServiceClient(text, "chat") as client:
        await client.send_to_all("m")
    assert service.refused == 0


async def test_request_says_who_sends_it_and_has_an_id(service: Service, client: ServiceClient) -> None:
    await client.send_to_all("m")
    await client.send_to_all("m")
    first, second = service.requests
    assert first.headers["asrs-user-agent"] == first.headers["user-agent"]
    assert first.headers["user-agent"].startswith("serverless-signalr/")
    assert first.headers["x-ms-client-request-id"] != second.headers["x-ms-client-request-id"]


async def test_token_is_signed_anew_before_it_expires(
    service: Service, client: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for age in (0, 60, 150):
        monkeypatch.setattr(time, "time", lambda age=age: now + age)
        await client.send_to_all("m")
    monkeypatch.undo()
    first, second, third = (request.token for request in service.requests)
    assert first == second != third
    assert service.refused == 0


async def test_proxy_of_the_environment_is_used(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", service.url)
    async with ServiceClient(f"Endpoint=http://chat.invalid;AccessKey={KEY};", "chat") as client:
        await client.send_to_all("m")
    (request,) = service.requests
    assert (request.line, request.headers["host"]) == (f"POST {HUB}/:send", "chat.invalid")
    assert service.refused == 0


async def test_proxy_is_not_asked_for_what_is_on_this_machine(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    async with connected(service) as client:
        await client.send_to_all("m")
    assert len(service.requests) == 1


# What is answered.


@pytest.mark.parametrize(
    ("operate", "code"),
    [
        (lambda client: client.connection_exists("c1"), "Warning.Connection.NotExisted"),
        (lambda client: client.user_exists("ann"), "Warning.User.NotExisted"),
        (lambda client: client.group_exists("g"), "Warning.Group.NotExisted"),
        (lambda client: client.is_user_in_group("g", user_id="ann"), "Info.User.NotInGroup"),
    ],
)
async def test_what_is_not_there_is_false(
    service: Service, client: ServiceClient, operate: Operate, code: str
) -> None:
    service.answer(404, x_ms_error_code=code)
    service.answer(200)
    assert await operate(client) is False
    assert await operate(client) is True


@pytest.mark.parametrize(
    ("operate", "code"),
    [
        (
            lambda client: client.add_connection_to_group("g", connection_id="c1"),
            "Error.Connection.NotExisted",
        ),
        (
            lambda client: client.remove_connection_from_group("g", connection_id="c1"),
            "Error.Connection.NotExisted",
        ),
        (lambda client: client.close_connection("c1"), "Warning.Connection.NotExisted"),
    ],
)
async def test_connection_that_is_gone_is_no_error(
    service: Service, client: ServiceClient, operate: Operate, code: str
) -> None:
    service.answer(404, x_ms_error_code=code)
    await operate(client)


@pytest.mark.parametrize("code", ["", "Warning.User.NotExisted"])
async def test_not_found_with_another_code_is_an_error(
    service: Service, client: ServiceClient, code: str
) -> None:
    service.answer(404, x_ms_error_code=code)
    with pytest.raises(NotFoundError, match=r"HEAD /api/hubs/chat/connections/c1 was answered 404"):
        await client.connection_exists("c1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidArgumentError),
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (413, PayloadTooLargeError),
        (429, ThrottledError),
        (500, ServiceUnavailableError),
    ],
)
async def test_error_is_typed_and_carries_status_code_and_request_id(
    service: Service, status: int, kind: type[ServiceError]
) -> None:
    service.answer(
        status, {"code": "x", "message": "no"}, x_ms_error_code="Error.Request.Invalid", x_ms_request_id="r1"
    )
    async with connected(service, retries=0) as client:
        with pytest.raises(
            kind, match=rf"POST /api/hubs/chat/:send was answered {status} \(.*; no\)"
        ) as raised:
            await client.send_to_all("m")
    error = raised.value
    assert (error.status, error.error_code, error.request_id) == (status, "Error.Request.Invalid", "r1")
    assert KEY not in str(error)


async def test_request_id_is_the_clients_where_the_service_has_none(
    service: Service, client: ServiceClient
) -> None:
    service.answer(400)
    with pytest.raises(InvalidArgumentError) as raised:
        await client.send_to_all("m")
    assert raised.value.request_id == service.requests[0].headers["x-ms-client-request-id"]


async def test_redirect_is_not_followed(service: Service, client: ServiceClient) -> None:
    service.answer(307, location=f"{service.url}/elsewhere")
    with pytest.raises(ServiceError, match="was answered 307"):
        await client.send_to_all("m")
    assert len(service.requests) == 1


async def test_invocation_returns_what_the_client_answers(service: Service, client: ServiceClient) -> None:
    service.answer(200, {"result": {"x": [1, None]}})
    assert await client.invoke_connection("c1", "ask", "why") == {"x": [1, None]}
    (request,) = service.requests
    assert request.line == f"POST {HUB}/connections/c1/:invoke"
    assert json.loads(request.body) == {"target": "ask", "arguments": ["why"]}


async def test_invocation_without_a_result_returns_none(service: Service, client: ServiceClient) -> None:
    service.answer(200, {})
    assert await client.invoke_connection("c1", "ask") is None


async def test_generated_token_is_for_a_user_and_whole_minutes(
    service: Service, client: ServiceClient
) -> None:
    service.answer(200, {"token": "abc"})
    assert await client.generate_token("ann", timedelta(seconds=61)) == "abc"
    (request,) = service.requests
    assert request.line == f"POST {HUB}/:generateToken"
    assert request.query == [("minutesToExpire", "2"), ("userId", "ann"), VERSION]


async def test_generated_token_is_for_an_hour_and_nobody_unless_told(
    service: Service, client: ServiceClient
) -> None:
    service.answer(200, {"token": "abc"})
    await client.generate_token()
    assert service.requests[0].query == [("minutesToExpire", "60"), VERSION]


async def test_service_that_answers_is_healthy(service: Service, client: ServiceClient) -> None:
    assert await client.is_healthy()


async def test_service_that_fails_is_not_healthy_and_asked_once(
    service: Service, client: ServiceClient
) -> None:
    service.answer(503)
    assert not await client.is_healthy()
    assert len(service.requests) == 1


async def test_service_that_cannot_be_reached_is_not_healthy() -> None:
    async with ServiceClient(closed_port(), "chat") as client:
        assert not await client.is_healthy()


async def test_address_that_is_not_the_services_is_no_matter_of_health(
    service: Service, client: ServiceClient
) -> None:
    service.answer(404)
    with pytest.raises(NotFoundError):
        await client.is_healthy()


# The connections in a group, page by page.


def pages_of(service: Service, *pages: list[str]) -> None:
    """Answer with pages, each of which links to the next at an address that cannot be reached."""

    async def respond(request: Received) -> web.StreamResponse:
        number = int(dict(request.query).get("continuationToken", "0"))
        page: dict[str, Any] = {"value": [json.loads(item) for item in pages[number]]}
        if number + 1 < len(pages):
            page["nextLink"] = f"https://internal.invalid{request.path}?top=9&continuationToken={number + 1}"
        return web.json_response(page)

    service.always(respond)


ANN, BOB, NOBODY = (
    '{"connectionId": "c1", "userId": "ann"}',
    '{"connectionId": "c2", "userId": "bob"}',
    '{"connectionId": "c3"}',
)


async def test_connections_of_all_pages_are_listed(service: Service, client: ServiceClient) -> None:
    pages_of(service, [ANN, BOB], [], [NOBODY])
    listed = [item async for item in client.list_group_connections("a b", page_size=2)]
    assert listed == [
        GroupConnection("c1", "ann"),
        GroupConnection("c2", "bob"),
        GroupConnection("c3"),
    ]
    assert service.lines == [f"GET {HUB}/groups/a%20b/connections"] * 3
    assert [request.query for request in service.requests] == [
        [("maxpagesize", "2"), VERSION],
        [("maxpagesize", "2"), ("continuationToken", "1"), VERSION],
        [("maxpagesize", "2"), ("continuationToken", "2"), VERSION],
    ]


async def test_page_is_fetched_when_it_is_reached(service: Service, client: ServiceClient) -> None:
    pages_of(service, [ANN], [BOB])
    connections = client.list_group_connections("g")
    assert service.requests == []
    assert await anext(connections) == GroupConnection("c1", "ann")
    assert len(service.requests) == 1
    assert await anext(connections) == GroupConnection("c2", "bob")
    assert len(service.requests) == 2


async def test_no_more_than_top_are_listed(service: Service, client: ServiceClient) -> None:
    pages_of(service, [ANN, BOB], [NOBODY])
    for top, ids in ((1, ["c1"]), (2, ["c1", "c2"])):
        listed = [item.connection_id async for item in client.list_group_connections("g", top=top)]
        assert listed == ids
    assert [request.query for request in service.requests] == [
        [("top", "1"), VERSION],
        [("top", "2"), VERSION],
    ]


@pytest.mark.parametrize("options", [{"top": 0}, {"page_size": 0}, {"page_size": 201}])
async def test_numbers_of_a_list_are_checked_at_once(client: ServiceClient, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"is (0|201), expected 1"):
        client.list_group_connections("g", **options)


# Wrong arguments.


@pytest.mark.parametrize(
    ("operate", "kind", "text"),
    [
        (lambda client: client.send_to_all(""), ValueError, "target of a message must not be empty"),
        (lambda client: client.send_to_all("m", object()), TypeError, "object"),
        (lambda client: client.send_to_all("m", float("nan")), ValueError, "not JSON compliant"),
        (lambda client: client.send_to_all("m", excluded="c1"), TypeError, "excluded are the text 'c1'"),
        (lambda client: client.send_to_all("m", "x" * 2**20), PayloadTooLargeError, r"1,048,\d{3} bytes"),
        (lambda client: client.send_to_user("", "m"), ValueError, "user id must not be empty"),
        (lambda client: client.send_to_user("..", "m"), ValueError, "cannot be part of a URL"),
        (lambda client: client.send_to_users("ann", "m"), TypeError, "user_ids are the text 'ann'"),
        (lambda client: client.send_to_groups(["g", " "], "m"), ValueError, "empty or blank"),
        (
            lambda client: client.add_user_to_group("g", user_id="ann", ttl=timedelta(seconds=-1)),
            ValueError,
            "ttl is -1 seconds, expected 0 or more",
        ),
        (lambda client: client.send_stream_item("c1", "s" * 101, 1), ValueError, "accepts 100"),
        (lambda client: client.execute([JoinGroup("")]), ValueError, "must not be empty"),
    ],
)
async def test_wrong_argument_is_refused_before_anything_is_sent(
    service: Service, client: ServiceClient, operate: Operate, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        await operate(client)
    assert service.requests == []


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (("Endpoint=https://h;AccessKey=k;", "1chat"), {}, "the hub name '1chat' is not valid"),
        (
            ("Endpoint=https://h;AccessKey=k;", "chat"),
            {"application": "my-app"},
            "the application name 'my-app' is not valid",
        ),
        (("Endpoint=https://h;AuthType=azure;", "chat"), {}, "has no AccessKey: give a credential, such as"),
        (("AccessKey=k;", "chat"), {}, "has no Endpoint"),
    ],
)
def test_client_is_checked_when_it_is_made(
    arguments: tuple[str, str], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        ServiceClient(*arguments, **options)


# Several addressees.


@pytest.mark.parametrize(
    ("operate", "kind"),
    [
        (lambda client: client.send_to_users(["a b", "c"], "m", 1), "users"),
        (lambda client: client.send_to_groups(["a b", "c"], "m", 1), "groups"),
        (lambda client: client.send_to_connections(["a b", "c"], "m", 1), "connections"),
    ],
)
async def test_several_addressees_are_a_request_each(
    service: Service, client: ServiceClient, operate: Operate, kind: str
) -> None:
    await operate(client)
    assert sorted(service.lines) == [f"POST {HUB}/{kind}/a%20b/:send", f"POST {HUB}/{kind}/c/:send"]
    assert {request.body for request in service.requests} == {b'{"target":"m","arguments":[1]}'}


async def test_nobody_is_sent_nothing(service: Service, client: ServiceClient) -> None:
    await client.send_to_users([], "m")
    assert service.requests == []


async def test_addressee_that_is_named_twice_is_sent_to_once(service: Service, client: ServiceClient) -> None:
    await client.send_to_users(["ann", "bob", "ann"], "m")
    assert len(service.requests) == 2


async def test_no_more_requests_are_made_at_a_time_than_allowed(service: Service) -> None:
    barrier, now, most = asyncio.Barrier(3), 0, 0

    async def respond(request: Received) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await barrier.wait()
        now -= 1
        return web.Response(status=202)

    service.always(respond)
    async with asyncio.timeout(PATIENCE), connected(service, max_parallel=3) as client:
        await client.send_to_users([f"u{number}" for number in range(9)], "m")
    assert (most, len(service.requests)) == (3, 9)


def refuse_some(service: Service, statuses: dict[str, int]) -> None:
    async def respond(request: Received) -> web.StreamResponse:
        return web.Response(status=statuses.get(request.path.split("/")[-2], 202))

    service.always(respond)


async def test_all_addressees_are_tried_and_the_failed_are_told(
    service: Service, client: ServiceClient
) -> None:
    refuse_some(service, {"bob": 400, "dan": 500})
    with pytest.raises(
        PartialSendError, match=r"2 of 4 user_ids were not sent to: bob: .* 400.*dan: .* 500"
    ) as raised:
        await client.send_to_users(["ann", "bob", "cat", "dan"], "m")
    assert {name: type(error) for name, error in raised.value.failures.items()} == {
        "bob": InvalidArgumentError,
        "dan": ServiceUnavailableError,
    }
    assert raised.value.status is None
    assert len(service.requests) == 4


async def test_failures_with_one_status_have_it_and_a_short_message(
    service: Service, client: ServiceClient
) -> None:
    refuse_some(service, {f"u{number}": 400 for number in range(5)})
    with pytest.raises(PartialSendError, match=r"5 of 5 .*; and 2 more$") as raised:
        await client.send_to_users([f"u{number}" for number in range(5)], "m")
    assert raised.value.status == 400
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (str(copied), copied.failures.keys()) == (str(raised.value), raised.value.failures.keys())


# Streams.


async def items_then(error: BaseException | None) -> AsyncIterator[str]:
    yield "a"
    yield "b"
    if error is not None:
        raise error


def stream_lines(*actions: str) -> list[str]:
    return [f"POST {HUB}/connections/c1/streams/s1/:{action}" for action in actions]


async def test_stream_is_its_items_in_order_and_an_end(service: Service, client: ServiceClient) -> None:
    await client.stream_to_connection("c1", "s1", items_then(None))
    await client.stream_to_connection("c1", "s1", ["c", "d"])
    assert service.lines == stream_lines("send", "send", "complete") * 2
    assert [request.body for request in service.requests] == [b'"a"', b'"b"', b"", b'"c"', b'"d"', b""]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (HubException("no more today"), "no more today"),
        (ValueError("password=1234"), "The stream failed on the server."),
    ],
)
async def test_client_is_told_that_a_stream_failed_and_no_more(
    service: Service, client: ServiceClient, error: Exception, told: str
) -> None:
    with pytest.raises(type(error)) as raised:
        await client.stream_to_connection("c1", "s1", items_then(error))
    assert raised.value is error
    assert service.lines == stream_lines("send", "send", "complete")
    assert dict(service.requests[-1].query)["error"] == told


async def test_client_is_told_that_a_stream_was_cancelled(service: Service, client: ServiceClient) -> None:
    reached = asyncio.Event()

    async def items() -> AsyncIterator[str]:
        yield "a"
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(client.stream_to_connection("c1", "s1", items()))
    async with asyncio.timeout(PATIENCE):
        await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert service.lines == stream_lines("send", "complete")


async def test_stream_that_cannot_be_ended_raises_its_own_error(
    service: Service, client: ServiceClient
) -> None:
    service.answer(202, times=2)
    service.answer(404)
    with pytest.raises(ValueError, match="mine") as raised:
        await client.stream_to_connection("c1", "s1", items_then(ValueError("mine")))
    assert "it could not be told" in raised.value.__notes__[0]


# What is repeated, and what is not.


@each_idempotent
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_idempotent_operation_is_repeated_after_a_passing_failure(
    service: Service, client: ServiceClient, operate: Operate, status: int
) -> None:
    service.answer(status, times=3)
    await operate(client)
    assert len(service.requests) == 4
    assert len({request.headers["x-ms-client-request-id"] for request in service.requests}) == 1


@each_idempotent
async def test_idempotent_operation_is_repeated_after_a_broken_connection(
    service: Service, client: ServiceClient, operate: Operate
) -> None:
    service.drop(times=2)
    await operate(client)
    assert len(service.requests) >= 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413])
async def test_lasting_failure_is_not_repeated(service: Service, client: ServiceClient, status: int) -> None:
    service.answer(status)
    with pytest.raises(ServiceError):
        await client.close_all_connections()
    assert len(service.requests) == 1


@each_send
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_send_is_not_repeated_where_it_may_have_run(
    service: Service, client: ServiceClient, operate: Operate, status: int
) -> None:
    service.answer(status)
    with pytest.raises(ServiceError):
        await operate(client)
    assert len(service.requests) == 1


@each_send
async def test_send_is_not_repeated_after_a_broken_connection(
    service: Service, client: ServiceClient, operate: Operate
) -> None:
    service.drop()
    with pytest.raises(ServiceUnavailableError, match="may have been carried out all the same") as raised:
        await operate(client)
    assert len(service.requests) == 1
    assert raised.value.status is None


@each_send
@pytest.mark.parametrize(
    ("status", "headers"),
    [(429, {}), (429, {"Retry_After": "1"}), (503, {"Retry_After": "1"}), (503, {"Retry_After": "0"})],
)
async def test_send_is_repeated_where_it_surely_did_not_run(
    service: Service,
    client: ServiceClient,
    waits: list[float],
    operate: Operate,
    status: int,
    headers: dict[str, str],
) -> None:
    service.answer(status, times=2, **headers)
    service.answer(202, {})
    await operate(client)
    assert len(service.requests) == 3


async def test_send_is_repeated_where_there_was_no_connection(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = closed_port()
    late = Service()

    async def sleep(self: object, duration: float) -> None:
        await late.start(int(text.partition(";")[0].rpartition(":")[2]))

    monkeypatch.setattr(AsyncHttpTransport, "sleep", sleep)
    async with ServiceClient(text, "chat") as client:
        await client.send_to_all("m")
    await late.stop()
    assert len(late.requests) == 1


async def test_send_is_repeated_where_the_connection_took_too_long(
    service: Service, client: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, tries = aiohttp.TCPConnector.connect, 0

    async def slow_once(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise TimeoutError
        return await connect(self, *args, **kwargs)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", slow_once)
    await client.send_to_all("m")
    assert (tries, len(service.requests)) == (2, 1)


async def test_service_that_cannot_be_reached_is_said_to_be(waits: list[float]) -> None:
    async with ServiceClient(closed_port(), "chat") as client:
        with pytest.raises(
            ServiceUnavailableError, match=r"there was no connection: Cannot connect .*; check Endpoint"
        ) as raised:
            await client.send_to_user("ann", "m")
    assert raised.value.status is None
    assert len(waits) == 3


async def test_service_that_speaks_no_tls_is_not_asked_again(service: Service, waits: list[float]) -> None:
    text = service.connection_string.replace("http://", "https://")
    async with ServiceClient(text, "chat") as client:
        with pytest.raises(ServiceUnavailableError, match=r"there was no connection: Cannot connect .*SSL"):
            await client.close_all_connections()
    assert waits == []


async def never(request: Received) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def test_silent_service_is_waited_for_as_long_as_told(service: Service) -> None:
    service.always(never)
    async with connected(service, timeout=timedelta(milliseconds=20), retries=2) as client:
        with pytest.raises(ServiceUnavailableError, match=r"did not answer in time; try again later"):
            await client.close_all_connections()
        assert len(service.requests) == 3
        with pytest.raises(ServiceUnavailableError, match=r"did not answer in time; it may have been"):
            await client.send_to_all("m")
        assert len(service.requests) == 4


async def test_invocation_has_a_timeout_of_its_own(service: Service, client: ServiceClient) -> None:
    service.always(never)
    with pytest.raises(ServiceUnavailableError, match="did not answer in time"):
        await client.invoke_connection("c1", "ask", timeout=timedelta(milliseconds=20))
    assert len(service.requests) == 1


async def test_half_an_answer_is_none(service: Service, client: ServiceClient) -> None:
    async def respond(request: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request.raw)
        await response.write(b'{"value":')
        raise ConnectionResetError

    service.always(respond)
    with pytest.raises(ServiceUnavailableError, match="broke before there was an answer; try again later"):
        _ = [item async for item in client.list_group_connections("g")]
    assert len(service.requests) == 4


async def test_pauses_grow_and_vary(service: Service, waits: list[float]) -> None:
    service.answer(500, times=5)
    async with connected(service, retries=5, retry_delay=timedelta(seconds=1)) as client:
        await client.close_all_connections()
    assert len(waits) == 5
    for wait, base in zip(waits, [1, 2, 4, 8, 16], strict=True):
        assert 0.75 * base <= wait <= 1.25 * base


async def test_pause_is_at_least_what_the_service_asks_for(service: Service, waits: list[float]) -> None:
    service.answer(429, Retry_After="7")
    service.answer(503, Retry_After=formatdate(time.time() + 20, usegmt=True))
    async with connected(service) as client:
        await client.send_to_all("m")
    assert waits[0] == 7
    assert 10 < waits[1] <= 20


@pytest.mark.parametrize("asked", ["31", "3600", "inf"])
async def test_longer_pause_is_left_to_the_caller(
    service: Service, client: ServiceClient, waits: list[float], asked: str
) -> None:
    service.answer(429, Retry_After=asked)
    with pytest.raises(ThrottledError, match=f"asks to wait {asked} seconds"):
        await client.send_to_all("m")
    assert waits == []


async def test_pause_that_makes_no_sense_is_none(service: Service, client: ServiceClient) -> None:
    service.answer(429, Retry_After="soon")
    await client.send_to_all("m")
    assert len(service.requests) == 2


async def test_as_many_attempts_are_made_as_told(service: Service) -> None:
    service.answer(500, times=9)
    async with connected(service, retries=1) as client:
        with pytest.raises(ServiceUnavailableError):
            await client.close_all_connections()
    assert len(service.requests) == 2


async def test_repetition_is_logged(
    service: Service, client: ServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="serverless_signalr.rest")
    service.answer(503)
    await client.close_user_connections("ann", reason="secret")
    assert caplog.messages == ["POST /users/ann/:closeConnections: 503, again in 0.0 s"]


# Identities.


class Credential:
    """Issue a new token each time, as an identity's credential does whose cache is empty."""

    def __init__(self, error: Exception | None = None) -> None:
        self.issued: list[str] = []
        self.scopes: list[str] = []
        self._error = error

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: Any,
    ) -> AccessToken:
        if self._error is not None:
            raise self._error
        self.scopes += scopes
        self.issued.append(f"eyJ0b2tlbg.{len(self.issued)}")
        return AccessToken(self.issued[-1], int(time.time()) + 3600)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        pass


@asynccontextmanager
async def identified(service: Service, credential: Credential) -> AsyncIterator[ServiceClient]:
    text = f"Endpoint={service.url};AuthType=azure;Version=1.0;"
    async with ServiceClient(text, "chat", credential=credential) as client:
        yield client


async def test_identity_has_one_token_for_all_operations(service: Service) -> None:
    credential = Credential()
    service.accepted_tokens = {"eyJ0b2tlbg.0"}
    async with identified(service, credential) as client:
        await client.send_to_all("m")
        await client.send_to_user("ann", "m")
    assert credential.scopes == ["https://signalr.azure.com/.default"]
    assert service.refused == 0


async def test_credential_goes_before_an_access_key(service: Service) -> None:
    service.accepted_tokens = {"eyJ0b2tlbg.0"}
    async with connected(service, credential=Credential()) as client:
        await client.send_to_all("m")
    assert service.refused == 0


async def test_refused_identity_is_tried_once_with_a_fresh_token(service: Service) -> None:
    credential = Credential()
    service.accepted_tokens = {"eyJ0b2tlbg.1"}
    async with identified(service, credential) as client:
        await client.send_to_all("m")
    assert (len(credential.issued), len(service.requests)) == (2, 2)


async def test_identity_that_stays_refused_is_told_the_role(service: Service) -> None:
    service.accepted_tokens = {"another"}
    async with identified(service, Credential()) as client:
        with pytest.raises(UnauthorizedError, match="SignalR REST API Owner") as raised:
            await client.send_to_all("m")
    assert len(service.requests) == 2
    assert raised.value.status == 401
    assert "eyJ" not in str(raised.value)


async def test_credential_without_a_token_is_no_answer_of_the_service(service: Service) -> None:
    error = ClientAuthenticationError("no sign-in found.\nAttempted: many things")
    async with identified(service, Credential(error)) as client:
        with pytest.raises(
            UnauthorizedError, match=r"signalr\.azure\.com/\.default: no sign-in found\.; sign in"
        ) as raised:
            await client.send_to_all("m")
    assert raised.value.__cause__ is error
    assert raised.value.status is None
    assert service.requests == []


def test_token_of_an_identity_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValueError, match=r"must start with https:// to be sent an identity.s token"):
        ServiceClient("Endpoint=http://chat.example;AuthType=azure;", "chat", credential=Credential())


# What is logged and traced.


@pytest.mark.parametrize("is_identity", [False, True], ids=["key", "identity"])
async def test_log_shows_requests_without_tokens_and_queries(
    service: Service, caplog: pytest.LogCaptureFixture, is_identity: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    service.accepted_tokens = {"eyJ0b2tlbg.0"} if is_identity else set()
    credential = Credential() if is_identity else None
    async with connected(service, credential=credential) as client:
        await client.close_user_connections("ann", reason="secret")
    assert "/api/hubs/chat/users/ann/:closeConnections" in caplog.text
    assert "Response status: 204" in caplog.text
    assert service.requests[0].token not in caplog.text
    assert KEY not in caplog.text
    assert "secret" not in caplog.text


async def test_requests_are_not_logged_at_the_level_of_the_worker(
    service: Service, client: ServiceClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await client.send_to_all("m")
    assert caplog.messages == []


async def test_client_does_not_show_its_key(client: ServiceClient) -> None:
    assert KEY not in repr(client)


class Span:
    """Stand in for a tracer's span."""

    ended: list["Span"]

    def __init__(self, span: object = None, name: str = "", **kwargs: object) -> None:
        self.name = name
        self.attributes: dict[str, object] = {}
        self.span_instance = self

    def add_attribute(self, key: str, value: object) -> None:
        self.attributes[key] = value

    def set_http_attributes(self, request: Any, response: Any = None) -> None:
        self.attributes["status"] = response.status_code if response else None

    def to_header(self) -> dict[str, str]:
        return {"traceparent": "00-trace-span-01"}

    def finish(self) -> None:
        self.ended.append(self)

    def __exit__(self, *_: object) -> None:
        self.finish()

    @classmethod
    def change_context(cls, span: object) -> Any:
        from contextlib import nullcontext

        return nullcontext()


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    """Trace as an app does that has set azure-core up for it."""
    Span.ended = []
    traced: Any = Span
    settings.tracing_implementation.set_value(traced)
    yield Span.ended
    settings.tracing_implementation.unset_value()


async def test_each_attempt_is_traced(service: Service, spans: list[Span]) -> None:
    service.answer(503)
    async with connected(service) as client:
        await client.close_user_connections("ann", reason="secret")
    assert [request.headers["traceparent"] for request in service.requests] == ["00-trace-span-01"] * 2
    assert [span.attributes["status"] for span in spans] == [503, 204]
    assert [span.attributes.get("http.request.resend_count") for span in spans] == [None, 1]
    assert "secret" not in str([span.attributes for span in spans])


# The pool.


async def test_clients_of_a_loop_share_connections(service: Service) -> None:
    async with connected(service) as one, connected(service) as other:
        for _ in range(3):
            await one.send_to_all("m")
            await other.send_to_all("m")
    assert len({request.peer for request in service.requests}) == 1


async def test_closing_one_client_leaves_the_pool_to_the_others(service: Service) -> None:
    async with connected(service) as one:
        await one.send_to_all("m")
        async with connected(service) as other:
            await other.send_to_all("m")
        await one.send_to_all("m")
    assert len({request.peer for request in service.requests}) == 1


async def test_closing_the_last_client_closes_the_pool(service: Service) -> None:
    for _ in range(2):
        async with connected(service) as client:
            await client.send_to_all("m")
    assert len({request.peer for request in service.requests}) == 2


async def test_closed_client_says_so(service: Service, client: ServiceClient) -> None:
    await client.aclose()
    await client.aclose()
    for operate in (client.send_to_all("m"), client.is_healthy()):
        with pytest.raises(RuntimeError, match="the client was closed"):
            await operate


async def test_unused_client_can_be_closed() -> None:
    async with ServiceClient("Endpoint=https://h;AccessKey=k;", "chat"):
        pass


def closed_port() -> str:
    """Return a connection string of a service that is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"Endpoint=http://127.0.0.1:{probe.getsockname()[1]};AccessKey={KEY};"


# From sync functions.


@pytest.fixture
def distant_service() -> Iterator[Service]:
    """Run the service in the loop of run_sync: a sync test has none."""
    service = run_sync(Service().start())
    yield service
    run_sync(service.stop())


def test_sync_function_runs_an_operation(distant_service: Service) -> None:
    client = ServiceClient(distant_service.connection_string, "chat")
    run_sync(client.send_to_all("m"))
    exists: bool = run_sync(client.user_exists("ann"))
    assert exists
    run_sync(client.aclose())
    assert distant_service.lines == [f"POST {HUB}/:send", f"HEAD {HUB}/users/ann"]
    assert len({request.peer for request in distant_service.requests}) == 1


def test_sync_function_gets_the_error(distant_service: Service) -> None:
    distant_service.answer(400)
    client = ServiceClient(distant_service.connection_string, "chat")
    with pytest.raises(InvalidArgumentError) as raised:
        run_sync(client.send_to_all("m"))
    assert raised.value.__context__ is None
    run_sync(client.aclose())


async def test_sync_in_a_running_loop_says_what_to_do(client: ServiceClient) -> None:
    with pytest.raises(RuntimeError, match="await the operation instead"):
        run_sync(client.send_to_all("m"))


def test_sync_does_not_touch_the_event_loop_of_its_thread(distant_service: Service) -> None:
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    assert run_sync(asyncio.sleep(0, "slept")) == "slept"


def test_one_client_serves_loop_after_loop(distant_service: Service) -> None:
    client = ServiceClient(Endpoint.parse(distant_service.connection_string), "chat")
    for _ in range(2):
        asyncio.run(client.send_to_all("m"))
    run_sync(client.send_to_all("m"))
    assert len({request.peer for request in distant_service.requests}) == 3
    run_sync(client.aclose())
