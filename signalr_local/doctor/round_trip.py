"""A round trip through Azure: negotiate, connect, call, and back, with the time that each step took."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp

from serverless_signalr._rest.pool import proxy, running_pool
from serverless_signalr.protocol import handshake, json_protocol
from serverless_signalr.protocol.messages import Close, Completion, HubMessage, Invocation
from signalr_local.doctor.findings import Finding, fine, skipped, wrong
from signalr_local.doctor.plan import Call, Plan
from signalr_local.doctor.upstream_checks import KEY_FIX

__all__ = ["travel"]

_TIMEOUT = aiohttp.ClientTimeout(total=30)

_WEBSOCKET = {"https": "wss", "http": "ws"}
_STATUS = re.compile(r"status code (\d{3})")
_CONNECTED_FIX = "check that the service is in Serverless mode and that its quota is not used up"


class _StepError(Exception):
    """A step failed. ``rule`` names it."""

    def __init__(self, rule: str, seen: str, fix: str) -> None:
        super().__init__(seen)
        self.rule, self.seen, self.fix = rule, seen, fix


@dataclass(frozen=True, slots=True)
class _Info:
    url: str
    token: str


async def travel(plan: Plan) -> AsyncIterator[Finding]:
    """Take every step in turn and yield what it found; the first that fails ends the trip."""
    info: _Info | None = None
    try:
        started = perf_counter()
        info = await _negotiate(plan)
        yield _step("negotiate", f"{urlsplit(plan.url).hostname} returned a token", started)
        started = perf_counter()
        info = await _client_negotiate(info)
        yield _step("service", f"{urlsplit(info.url).hostname} accepted the token", started)
        session = (await running_pool()).session
        started = perf_counter()
        headers = {"Authorization": f"Bearer {info.token}"}
        async with session.ws_connect(info.url, headers=headers, proxy=proxy(plan.url)) as socket:
            yield _step("connect", "the WebSocket is open", started)
            started = perf_counter()
            reader = _Reader(socket)
            await reader.shake_hands()
            yield _step("connected", "the service accepted the handshake", started)
            if plan.call is None:
                yield skipped(
                    "round-trip.call", "call", "--call METHOD, with a method of the hub that does no harm"
                )
                return
            started = perf_counter()
            await _call(reader, plan.call, plan.patience)
            yield _step("call", f"{plan.call.method}: service, upstream, app and back", started)
    except _StepError as error:
        yield wrong(f"round-trip.{error.rule}", error.rule, error.seen, error.fix)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        yield _unreachable(plan, info, error)


def _step(name: str, seen: str, started: float) -> Finding:
    took = (perf_counter() - started) * 1000
    return fine(f"round-trip.{name}", name, f"{took:.0f} ms, {seen}", took)


def _unreachable(plan: Plan, info: _Info | None, error: Exception) -> Finding:
    reason = type(error).__name__
    if info is None:
        host = urlsplit(plan.url).hostname
        return wrong(
            "round-trip.negotiate",
            "negotiate",
            f"{host} cannot be reached ({reason})",
            "check that the function app is running and open to your network",
        )
    host = urlsplit(info.url).hostname
    return wrong(
        "round-trip.service",
        "service",
        f"{host} cannot be reached ({reason})",
        "check that the SignalR Service exists, and that its network rules and your proxy let clients in",
    )


async def _negotiate(plan: Plan) -> _Info:
    session = (await running_pool()).session
    async with session.post(
        plan.url, headers=plan.headers, proxy=proxy(plan.url), timeout=_TIMEOUT, allow_redirects=False
    ) as response:
        status, text = response.status, await response.text()
    if status != HTTPStatus.OK:
        raise _StepError("negotiate", f"{plan.url} answered with status {status}", _negotiate_fix(status))
    try:
        content = json.loads(text)
        return _Info(str(content["url"]), str(content["accessToken"]))
    except (ValueError, KeyError, TypeError):
        raise _StepError(
            "negotiate", "the answer has no url and accessToken", "return the connection info unchanged"
        ) from None


def _negotiate_fix(status: int) -> str:
    if status in (
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
    ):
        return (
            "it wants a key or a user: set auth_level to anonymous, or pass what clients send with --header, "
            "such as --header 'Authorization: Bearer TOKEN'"
        )
    if status == HTTPStatus.NOT_FOUND:
        return "deploy the app again, and check in its log that the function is loaded"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "the host did not start: look for the error in the app's log, and check host.json and routes"
    return "look for the exception in the app's log; often the connection setting is missing or unresolved"


async def _client_negotiate(info: _Info) -> _Info:
    """Do what a client does first: ask the service for a connection, with the token from negotiate."""
    parts = urlsplit(info.url)
    query = f"{parts.query}&negotiateVersion=1".strip("&")
    url = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/negotiate", query=query))
    session = (await running_pool()).session
    headers = {"Authorization": f"Bearer {info.token}"}
    async with session.post(url, headers=headers, proxy=proxy(url), timeout=_TIMEOUT) as response:
        status, text = response.status, await response.text()
    if status != HTTPStatus.OK:
        raise _StepError("service", f"{parts.hostname} answered with status {status}", _service_fix(status))
    try:
        content = json.loads(text)
        id = str(content.get("connectionToken") or content["connectionId"])
    except (ValueError, KeyError, AttributeError):
        problem = "its answer is not that of a SignalR Service"
        raise _StepError("service", problem, "check the endpoint of the connection string") from None
    query = f"{parts.query}&id={quote(id, safe='')}".strip("&")
    return _Info(urlunsplit(parts._replace(scheme=_WEBSOCKET[parts.scheme], query=query)), info.token)


def _service_fix(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return (
            "the app signs with a key that the service does not have: copy the connection string anew "
            "(az signalr key list) or refresh the Key Vault reference; network rules must allow clients"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return (
            "the quota of connections or messages is used up: add units, or wait until 00:00 UTC on Free_F1"
        )
    return "check the state of the service, and that it is in Serverless mode"


class _Reader:
    """The client's side of the WebSocket: complete messages, in their order."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._frames = json_protocol.FrameSplitter()
        self._waiting: list[str] = []

    async def shake_hands(self) -> None:
        await self.send(handshake.encode_request(handshake.HandshakeRequest("json", 1)))
        error = handshake.parse_response(await self._frame())
        if error is not None:
            raise _StepError("connected", f"the service refused the connection: {error}", _CONNECTED_FIX)

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def message(self) -> HubMessage | None:
        return json_protocol.parse(await self._frame())

    async def _frame(self) -> str:
        while not self._waiting:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise _StepError("connected", "the service closed the connection", _CONNECTED_FIX)
            self._waiting = self._frames.feed(message.data)
        return self._waiting.pop(0)


async def _call(reader: _Reader, call: Call, patience: float) -> None:
    await reader.send(json_protocol.encode(Invocation(call.method, list(call.arguments), invocation_id="1")))
    try:
        async with asyncio.timeout(patience):
            answer = await _completion(reader)
    except TimeoutError:
        raise _StepError(
            "call",
            f"{call.method} was not answered within {patience:.0f} s",
            "check that an upstream rule matches it and that the service is in Serverless mode; then look at "
            "the app's log",
        ) from None
    is_of_the_app = _STATUS.search(answer.error or "") is None
    if answer.error is not None and not (call.is_guess and is_of_the_app):
        raise _StepError(
            "call", f"{call.method} was answered with an error: {answer.error}", _call_fix(answer)
        )


async def _completion(reader: _Reader) -> Completion:
    while True:
        match await reader.message():
            case Completion() as answer:
                return answer
            case Close(error=error):
                raise _StepError("connected", f"the service closed the connection: {error}", _CONNECTED_FIX)
            case _:
                # Messages to other clients, and pings.
                continue


def _call_fix(answer: Completion) -> str:
    match = _STATUS.search(answer.error or "")
    if match is None:
        return "the way through Azure works; the error is the app's own: look at its log"
    status = int(match[1])
    if status == HTTPStatus.UNAUTHORIZED:
        return f"the upstream step failed, its code is wrong: {KEY_FIX}"
    if status == HTTPStatus.FORBIDDEN:
        return "the upstream step failed: exclude its path from App Service Authentication"
    if status == HTTPStatus.NOT_FOUND:
        return (
            "the upstream step failed: no function listens to this method; if the section Upstream says 404 "
            "too, follow its fix"
        )
    return "the function or its host failed: look for the exception in the app's log"
