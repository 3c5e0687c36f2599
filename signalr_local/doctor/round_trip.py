"""A round trip through Azure: negotiate, connect, call, and back, with the time that each step took."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from urllib.parse import quote, urlsplit, urlunsplit

import aiohttp

from serverless_signalr._rest.pool import proxy, running_pool
from serverless_signalr.protocol import handshake, json_protocol
from serverless_signalr.protocol.messages import Close, Completion, HubMessage, Invocation
from signalr_local.doctor.findings import Finding, fine, skipped, wrong
from signalr_local.doctor.network import FAILURES, unreachable
from signalr_local.doctor.plan import Call, Plan
from signalr_local.doctor.upstream_checks import KEY_FIX

__all__ = ["travel"]

_PATIENCE = 30.0
_TIMEOUT = aiohttp.ClientTimeout(total=_PATIENCE)
_HANDSHAKE_PATIENCE = 30.0

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
    step = _Step("negotiate", plan.url)
    try:
        info = await _negotiate(plan)
        yield step.done(f"{step.host} returned a token")
        step = _Step("service", info.url)
        info = await _client_negotiate(info)
        yield step.done(f"{step.host} accepted the token")
        step = _Step("connect", info.url)
        async with _connect(info) as socket:
            yield step.done("the WebSocket is open")
            step = _Step("connected", info.url)
            reader = _Reader(socket)
            await reader.shake_hands()
            yield step.done("the service accepted the handshake")
            if plan.call is None:
                yield skipped(
                    "round-trip.call", "call", "--call METHOD, with a method of the hub that does no harm"
                )
                return
            way = step.milliseconds
            step = _Step("call", info.url)
            await _call(reader, plan.call, plan.patience)
            # The handshake is answered by the service itself: it took the way there and back.
            rest = max(0.0, step.milliseconds - way)
            seen = f"about {rest:.0f} ms of the call, from the service to the app and back"
            yield fine("round-trip.upstream", "upstream", seen, rest)
            yield step.done(f"{plan.call.method}, from here to the app and back")
    except _StepError as error:
        yield wrong(f"round-trip.{error.rule}", error.rule, error.seen, error.fix)
    except FAILURES as error:
        yield step.failed(error)


class _Step:
    """A step that is being taken, with the time since it began."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.host = name, urlsplit(url).hostname
        self._started, self._took = perf_counter(), 0.0

    @property
    def milliseconds(self) -> float:
        """How long the step took, or has taken so far."""
        return self._took or (perf_counter() - self._started) * 1000

    def done(self, seen: str) -> Finding:
        """Return the finding that the step was taken."""
        self._took = self.milliseconds
        return fine(f"round-trip.{self.name}", self.name, f"{self._took:.0f} ms, {seen}", self._took)

    def failed(self, error: Exception) -> Finding:
        """Return the finding that the network failed."""
        if self.name == "negotiate":
            fix = "check that the function app is running and open to your network"
            seen, fix = unreachable(self.host, error, fix)
        elif self.name == "service":
            fix = "check that the SignalR Service exists, and that its network rules let clients in"
            seen, fix = unreachable(self.host, error, fix)
        else:
            status = error.status if isinstance(error, aiohttp.WSServerHandshakeError) else None
            how = f"status {status}" if status else type(error).__name__
            seen = f"{self.host} opens no WebSocket, or ends it ({how})"
            fix = "check that a proxy or firewall between you and the service lets WebSockets through"
        return wrong(f"round-trip.{self.name}", self.name, seen, fix)


@asynccontextmanager
async def _connect(info: _Info) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    session = (await running_pool()).session
    headers = {"Authorization": f"Bearer {info.token}"}
    # The proxy for wss is the one for https.
    address = info.url.replace("ws", "http", 1)
    async with asyncio.timeout(_PATIENCE):
        socket = await session.ws_connect(info.url, headers=headers, proxy=proxy(address))
    async with socket:
        yield socket


async def _negotiate(plan: Plan) -> _Info:
    session = (await running_pool()).session
    async with session.post(
        plan.url, headers=plan.headers, proxy=proxy(plan.url), timeout=_TIMEOUT, allow_redirects=False
    ) as response:
        status, text = response.status, await response.text()
    if status != HTTPStatus.OK:
        raise _StepError("negotiate", f"{plan.url} answered with status {status}", _negotiate_fix(status))
    fix = "return the connection info unchanged"
    try:
        content = json.loads(text)
        url, token = content["url"], content["accessToken"]
    except (ValueError, KeyError, TypeError):
        url = token = None
    if not isinstance(url, str) or not isinstance(token, str):
        raise _StepError("negotiate", "the answer has no url and accessToken", fix)
    if urlsplit(url).scheme not in _WEBSOCKET or not urlsplit(url).hostname:
        raise _StepError("negotiate", f"the url in the answer is not an address: {url!r}", fix)
    return _Info(url, token)


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
        try:
            async with asyncio.timeout(_HANDSHAKE_PATIENCE):
                error = handshake.parse_response(await self._frame())
        except TimeoutError:
            seen = f"the service did not answer the handshake within {_HANDSHAKE_PATIENCE:.0f} s"
            raise _StepError("connected", seen, _CONNECTED_FIX) from None
        if error is not None:
            raise _StepError("connected", f"the service refused the connection: {error}", _CONNECTED_FIX)

    async def send(self, text: str) -> None:
        # Of a connection that has ended, what the service said last is still to be read.
        with suppress(aiohttp.ClientConnectionError, ConnectionError):
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
    if answer.error is None:
        return
    match = _STATUS.search(answer.error)
    seen = f"{call.method} was answered with an error: {answer.error}"
    if match is not None:
        raise _StepError("upstream", seen, _upstream_fix(int(match[1])))
    if not call.is_guess:
        fix = "the way through Azure works; the error is the app's own: look at its log"
        raise _StepError("call", seen, fix)


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


def _upstream_fix(status: int) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f"the app refuses the code of the upstream URL: {KEY_FIX}"
    if status == HTTPStatus.FORBIDDEN:
        return "exclude the path of the upstream URL from App Service Authentication and access restrictions"
    if status == HTTPStatus.NOT_FOUND:
        return (
            "no function listens to this method: compare its name; if the section Upstream says 404 too, "
            "follow its fix"
        )
    return "the function or its host failed: look for the exception in the app's log"
