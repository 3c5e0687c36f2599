"""What the tests of the emulator share: an emulator, an app behind it, clients that speak the bare wire."""

import asyncio
import contextlib
import io
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from serverless_signalr._rest.tokens import sign_client_token, sign_server_token
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol import json_protocol, messagepack_protocol
from serverless_signalr.protocol.messages import Completion, HubMessage, Invocation
from signalr_local.emulator import Emulator, Timing, UpstreamRule

PATIENCE = 10.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""

HANDSHAKE = '{"protocol":"json","version":1}\x1e'


@dataclass(frozen=True)
class Event:
    """Hold an upstream request as the app got it."""

    request: web.BaseRequest
    body: bytes

    @property
    def path(self) -> str:
        return self.request.path_qs

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        return self.request.headers

    @property
    def name(self) -> str:
        return self.headers["X-ASRS-Event"]

    @property
    def connection_id(self) -> str:
        return self.headers["X-ASRS-Connection-Id"]

    def json(self) -> Any:
        return json.loads(self.body)

    def call(self) -> Invocation:
        """Return the call that the client made, in whichever protocol it came."""
        protocol = messagepack_protocol if self._is_packed else json_protocol
        message = protocol.parse(self.body)
        assert isinstance(message, Invocation)
        return message

    def completion(self, **fields: Any) -> web.Response:
        """Return the answer that the SignalR extension gives for a function that returned."""
        completion = Completion(self.call().invocation_id or "", **fields)
        if self._is_packed:
            return web.Response(body=messagepack_protocol.encode(completion))
        return web.Response(body=json_protocol.encode(completion).encode())

    @property
    def _is_packed(self) -> bool:
        return self.headers["Content-Type"] == "application/x-msgpack"


async def echo(event: Event) -> web.StreamResponse:
    """Answer a call with its first argument."""
    return event.completion(result=event.call().arguments[0])


class App:
    """Stand in for a function app: it keeps the events it gets and answers them as told."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.answers: dict[str, Callable[[Event], Awaitable[web.StreamResponse]]] = {}
        self.url = ""
        self._at_work: set[asyncio.Task[object]] = set()
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/webhook"

    async def stop(self) -> None:
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)
        await self._runner.cleanup()

    def answer(self, name: str, status: int = 200, body: str | bytes = b"") -> None:
        """Answer an event with a fixed response from now on."""
        data = body.encode() if isinstance(body, str) else body

        async def respond(event: Event) -> web.StreamResponse:
            return web.Response(status=status, body=data)

        self.answers[name] = respond

    async def next(self, name: str) -> Event:
        """Return the next event, which must have this name."""
        async with asyncio.timeout(PATIENCE):
            event = await self.events.get()
        assert event.name == name
        return event

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        event = Event(request, await request.content.read())
        self.events.put_nowait(event)
        answer = self.answers.get(event.name)
        if answer is None:
            return web.Response()
        task = asyncio.current_task()
        assert task is not None
        self._at_work.add(task)
        try:
            return await answer(event)
        finally:
            self._at_work.discard(task)


class Client:
    """Speak to the emulator through a WebSocket, one frame at a time."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse, connection_id: str = "") -> None:
        self.socket = websocket
        self.connection_id = connection_id
        self.connection_token = ""
        self._frames: list[str] = []

    async def send(self, *messages: Mapping[str, object]) -> None:
        """Send messages, all in one WebSocket message."""
        await self.send_text("".join(json.dumps(message) + "\x1e" for message in messages))

    async def send_text(self, text: str) -> None:
        await self.socket.send_str(text)

    async def invoke(self, target: str, *arguments: object, id: str = "1") -> Any:
        """Call and return the completion."""
        await self.send({"type": 1, "invocationId": id, "target": target, "arguments": arguments})
        return await self.next()

    async def next_frame(self) -> str:
        """Return the next frame as it came."""
        while not self._frames:
            async with asyncio.timeout(PATIENCE):
                message = await self.socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, f"got {message}"
            *self._frames, rest = message.data.split("\x1e")
            assert rest == ""
        return self._frames.pop(0)

    async def next(self) -> Any:
        """Return the next message."""
        return json.loads(await self.next_frame())

    async def ended(self) -> int | None:
        """Wait for the end of the WebSocket, before which nothing more may come; return its close code."""
        assert self._frames == []
        async with asyncio.timeout(PATIENCE):
            message = await self.socket.receive()
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), f"got {message}"
        return self.socket.close_code

    async def leave(self) -> None:
        await self.socket.close()

    def take_little(self) -> None:
        """Have the kernel hold little for this client, which would be megabytes of what it does not read."""
        self.socket.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def vanish(self) -> None:
        """Break the TCP connection off, as a machine does that loses its network."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()


class PackedClient:
    """Speak MessagePack through a WebSocket that is open."""

    def __init__(self, client: Client) -> None:
        self.socket = client.socket
        self.connection_id = client.connection_id
        self._splitter = messagepack_protocol.FrameSplitter()
        self._frames: list[bytes] = []

    async def send(self, message: HubMessage) -> None:
        await self.socket.send_bytes(messagepack_protocol.encode(message))

    async def next(self) -> HubMessage | None:
        """Return the next message."""
        while not self._frames:
            async with asyncio.timeout(PATIENCE):
                self._frames = self._splitter.feed(await self.socket.receive_bytes())
        return messagepack_protocol.parse(self._frames.pop(0))


@dataclass(frozen=True)
class Reply:
    """Hold an HTTP response, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.text)


class Service:
    """Use an emulator that runs, as clients and as servers do."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator = emulator
        self.endpoint = Endpoint.parse(emulator.connection_string)
        self.url = f"http://127.0.0.1:{emulator.port}"
        self._session = session
        # A WebSocket that nobody holds would be closed.
        self._clients: list[Client | Poller] = []

    def client_token(self, hub: str = "chat", **options: Any) -> str:
        return sign_client_token(self.endpoint, hub, **options)

    def server_token(self, path: str) -> str:
        return sign_server_token(self.endpoint, self.endpoint.url + path, lifetime=timedelta(minutes=1))

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | io.BytesIO | None = None,
        bare: bool = False,
    ) -> Reply:
        """Send a request whose path and query are taken as they are; a bare one gets no other headers."""
        url = URL(self.url + path, encoded=True)
        skipped = ("Content-Type", "Accept-Encoding", "Accept") if bare else ()
        async with (
            asyncio.timeout(PATIENCE),
            self._session.request(
                method, url, headers=headers, data=data, skip_auto_headers=skipped
            ) as response,
        ):
            return Reply(response.status, response.headers, await response.read())

    async def rest(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        hub: str = "chat",
        version: str | None = "2022-06-01",
        message: object = None,
    ) -> Reply:
        """Ask for an operation; ``version`` None is v1."""
        path = f"/api{'/v1' if version is None else ''}/hubs/{hub}{path}"
        headers = {"Authorization": f"Bearer {self.server_token(path)}"}
        queries = "&".join(filter(None, [query, version and f"api-version={version}"]))
        data = None
        if message is not None:
            data = json.dumps(message).encode()
            headers["Content-Type"] = "application/json"
        return await self.request(
            method, f"{path}?{queries}" if queries else path, headers=headers, data=data
        )

    async def send(self, path: str, *arguments: object, query: str = "") -> Reply:
        """Send the message ``m`` through the REST API."""
        return await self.rest(
            "POST", f"{path}/:send", query, message={"target": "m", "arguments": arguments}
        )

    async def negotiate(self, query: str = "hub=chat&negotiateVersion=1", token: str | None = None) -> Reply:
        headers = {"Authorization": f"Bearer {token or self.client_token()}"}
        return await self.request("POST", f"/client/negotiate?{query}", headers=headers)

    async def open(self, query: str = "hub=chat", token: str | None = None) -> Client:
        """Open a WebSocket without its handshake."""
        url = URL(f"{self.url}/client/?{query}", encoded=True)
        headers = {"Authorization": f"Bearer {token or self.client_token()}"}
        async with asyncio.timeout(PATIENCE):
            websocket = await self._session.ws_connect(url, headers=headers, max_msg_size=0)
        client = Client(websocket)
        self._clients.append(client)
        return client

    async def refusal(self, query: str, token: str | None = None) -> int:
        """Return the status with which a WebSocket is refused."""
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await self.open(query, token)
        return refused.value.status

    async def leave(self) -> None:
        """Close what is left of the clients."""
        await asyncio.gather(*(client.leave() for client in self._clients))

    async def connect(
        self, user: str | None = None, hub: str = "chat", query: str = "", **options: Any
    ) -> Client:
        """Connect a client as the JavaScript client does: negotiate, WebSocket, handshake."""
        client = await self._connect(user, hub, query, **options)
        await client.send_text(HANDSHAKE)
        assert await client.next_frame() == "{}"
        return client

    async def poller(self, user: str | None = None, **claims: str) -> "Poller":
        """Negotiate for a client that polls; the claims are those of ``asrs.s.``."""
        names = {f"asrs.s.{name}": value for name, value in claims.items()}
        token = self.client_token(user_id=user, claims=names)
        answer = (await self.negotiate(token=token)).json()
        poller = Poller(self, answer["connectionToken"], token, answer["connectionId"])
        self._clients.append(poller)
        return poller

    async def connect_packed(self, user: str | None = None) -> PackedClient:
        """Connect a client that speaks MessagePack."""
        client = await self._connect(user, "chat", "")
        await client.send_text(HANDSHAKE.replace("json", "messagepack"))
        async with asyncio.timeout(PATIENCE):
            # The answer to the handshake is JSON, in a frame of the kind that the protocol uses.
            assert await client.socket.receive_bytes() == b"{}\x1e"
        return PackedClient(client)

    async def _connect(self, user: str | None, hub: str, query: str, **options: Any) -> Client:
        token = self.client_token(hub, user_id=user, **options)
        answer = (await self.negotiate(f"hub={hub}&negotiateVersion=1", token)).json()
        client = await self.open(f"hub={hub}&id={answer['connectionToken']}{query}", token)
        client.connection_id = answer["connectionId"]
        client.connection_token = answer["connectionToken"]
        return client


class Poller:
    """Speak to the emulator by long polling, one request at a time."""

    def __init__(self, service: Service, id: str, token: str, connection_id: str) -> None:
        self.connection_id = connection_id
        self.connection_token = id
        self.headers = {"Authorization": f"Bearer {token}"}
        self._service = service
        self.path = f"/client/?hub=chat&id={id}"

    async def ask(self, method: str, data: bytes | str | None = None) -> Reply:
        body = data.encode() if isinstance(data, str) else data
        content = None if body is None else io.BytesIO(body)
        return await self._service.request(method, self.path, headers=self.headers, data=content)

    async def poll(self) -> Reply:
        return await self.ask("GET")

    async def post(self, data: bytes | str) -> Reply:
        return await self.ask("POST", data)

    async def shake_hands(self, protocol: str = "json") -> None:
        assert (await self.poll()).body == b""
        assert (await self.post(HANDSHAKE.replace("json", protocol))).status == 200
        assert (await self.poll()).body == b"{}\x1e"

    async def wait(self) -> "asyncio.Task[Reply]":
        """Return a poll that waits at the emulator, not on the way to it."""
        first, second = (asyncio.create_task(self.poll()) for _ in range(2))
        done, (waiting,) = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().status for task in done] == [204]
        return waiting

    async def leave(self) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            await self.ask("DELETE")


@pytest.fixture
async def nothing_remains() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind, be it one of the emulator."""
    before = asyncio.all_tasks()
    yield
    # Transports call back once more after they were closed.
    for _ in range(3):
        await asyncio.sleep(0)
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert not left


@pytest.fixture
async def app(nothing_remains: None) -> AsyncIterator[App]:
    """Run an app that answers all events with 200 and nothing."""
    app = App()
    await app.start()
    yield app
    await app.stop()


type Start = Callable[..., Awaitable[Service]]


@pytest.fixture
async def start(app: App) -> AsyncIterator[Start]:
    """Start emulators, and see that each ends in time and leaves no task."""
    started: list[Service] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def start_one(rules: Sequence[UpstreamRule] = (), /, **options: Any) -> Service:
            timing = Timing(**{name: options.pop(name) for name in list(options) if hasattr(Timing, name)})
            emulator = Emulator(rules, timing=timing, **options)
            await emulator.start(port=0)
            started.append(Service(emulator, session))
            return started[-1]

        yield start_one
        for service in started:
            before = asyncio.get_running_loop().time()
            # Clients that nobody reads from any more would keep it waiting.
            await asyncio.gather(service.emulator.stop(), service.leave())
            assert asyncio.get_running_loop().time() - before < 2
            ours = [task for task in asyncio.all_tasks() if "emulator" in repr(task.get_coro())]
            assert not ours


@pytest.fixture
async def service(start: Start) -> Service:
    """Run an emulator that has no app behind it."""
    return await start()


@pytest.fixture
async def service_with_app(start: Start, app: App) -> Service:
    """Run an emulator that sends all events to the app, which answers calls of ``echo``."""
    app.answers["echo"] = echo
    return await start([UpstreamRule(app.url)])


@pytest.fixture
async def negotiate_url(service: Service) -> AsyncIterator[str]:
    """Serve what a function app serves to a client that wants to connect; return the address."""

    async def answer(request: web.BaseRequest) -> web.Response:
        token = service.client_token(user_id="ann")
        return web.json_response({"url": service.endpoint.client_hub_url("chat"), "accessToken": token})

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    await runner.cleanup()
