"""The environment of a test: emulator, host and app on the loop of the test, and clients."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, Unpack
from urllib.parse import quote, urljoin

import aiohttp

from serverless_signalr import ServiceClient
from serverless_signalr._rest import clock as token_clock
from serverless_signalr._rest.options import ClientOptions, Options
from serverless_signalr._rest.senders import Direct, Sender
from serverless_signalr._rest.substitute import substituted
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr._testing.functions import functions_of
from serverless_signalr.endpoint import Endpoint
from signalr_local.emulator import Emulator, UpstreamRule
from signalr_local.emulator.faults import Faults
from signalr_local.emulator.timing import Timing
from signalr_local.host import trigger
from signalr_local.testing.apps import Host, InProcessHost, WorkerHost, load_app
from signalr_local.testing.client import Client
from signalr_local.testing.clock import MovableClock
from signalr_local.testing.control import ControlPath
from signalr_local.testing.errors import ConnectionRefused, ExpectationError
from signalr_local.testing.responses import Response
from signalr_local.testing.sender import TimedSender

__all__ = ["SignalRTest"]

_PATIENCE = 10.0
_NOT_RUNNING = "the environment is not running: async with SignalRTest(app) as env"
_CLOSE_ON_EXPIRY = "asrs.s.coae"
_EXPIRES_ON = "asrs.s.aeo"


class SignalRTest:
    """An app with everything that it meets in Azure, for the time of a test.

    ``async with SignalRTest(app) as env:`` starts the emulator and the host on free ports. ``app`` is a
    FunctionApp, a Blueprint or a hub, or the folder of an app. It runs in the process of the test, or with
    ``worker=True`` in a worker process as in production, which takes a folder. ``settings`` are app settings;
    those that name the service always name the emulator.

    ``hub`` is the hub of clients, where the app has several. ``upstream`` is where events go, by default to
    the SignalR triggers, or to the HTTP function of a hub that has one. With ``control`` tests in other
    languages may ask for faults over HTTP. ``patience`` is how many seconds a test waits for what should
    happen; when it is over nothing is cancelled.
    """

    def __init__(
        self,
        app: Any,
        *,
        worker: bool = False,
        hub: str | None = None,
        settings: Mapping[str, str] | None = None,
        upstream: str | None = None,
        control: bool = False,
        patience: float = _PATIENCE,
        timing: Timing | None = None,
    ) -> None:
        self.clients: list[Client] = []
        self.patience = patience
        self.clock = MovableClock()
        self.emulator = Emulator(timing=replace(timing or Timing(), clock=self.clock))
        self._is_worker = worker
        self._folder = Path(app).resolve() if isinstance(app, str | Path) else Path.cwd()
        self._app = app
        if worker and not isinstance(app, str | Path):
            raise TypeError(
                "worker=True runs the app of a folder: pass the folder of its function_app.py, not the app"
            )
        self._hub = hub
        self._settings = dict(settings or {})
        self._upstream = upstream
        self._control = ControlPath(self) if control else None
        self._host: Host | None = None
        self._session: aiohttp.ClientSession | None = None
        self._senders: dict[str, Sender] = {}
        self._others: list[Sender] = []
        self._port = 0
        self._known: Endpoint | None = None

    async def __aenter__(self) -> Self:
        # Everything that starts here goes by this clock; the test's own context is left alone.
        task = asyncio.get_running_loop().create_task(self._start())
        try:
            await task
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """End the clients, the emulator and the app, and whatever they left behind."""
        for client in self.clients:
            with suppress(ConnectionError):
                await client.drop()
        await self.emulator.stop()
        if self._host is not None:
            await self._host.stop()
        await self._forget_senders()
        if self._session is not None:
            await self._session.close()

    @property
    def url(self) -> str:
        """Return the address of the app's HTTP functions, with their prefix: clients negotiate below it."""
        return f"{self.host_url}/{self._prefix}".rstrip("/")

    @property
    def host_url(self) -> str:
        """Return the address of the host."""
        return f"http://localhost:{self._running.port}"

    @property
    def emulator_url(self) -> str:
        """Return the address of the emulator."""
        return f"http://localhost:{self._port}"

    @property
    def control_url(self) -> str:
        """Return the address where tests in other languages ask for faults, see docs/testing.md."""
        if self._control is None:
            raise RuntimeError("the control path is off: SignalRTest(app, control=True)")
        return f"{self.emulator_url}/_test"

    @property
    def connection_string(self) -> str:
        """Return the connection string of the emulator."""
        return self.emulator.connection_string

    @property
    def endpoint(self) -> Endpoint:
        """Return the endpoint of the emulator, with the key that the app knows."""
        if self._known is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._known

    @property
    def faults(self) -> Faults:
        """Return what is to go wrong between the service and the app."""
        return self.emulator.faults

    @property
    def hub(self) -> str:
        """Return the hub of the clients. Raise LookupError where the app has several and none was chosen."""
        if self._hub is not None:
            return self._hub
        instance = self._running.instance
        names = {hub for hub, _, _ in instance.table.events} if instance is not None else set()
        if not names and not self._is_worker:
            found = functions_of(self._app).upstream
            names = {found[1]} if found is not None else set()
        if len(names) != 1:
            raise LookupError(f"choose a hub, hub=…, of {', '.join(sorted(names)) or 'those of the app'}")
        return names.pop()

    def token(
        self,
        user: str | None = None,
        *,
        hub: str | None = None,
        claims: Mapping[str, str | Sequence[str]] | None = None,
        lifetime: timedelta = timedelta(hours=1),
        close_on_expiry: bool = False,
    ) -> str:
        """Return a client's access token, made at this moment of the environment's clock."""
        carried = dict(claims or {})
        if close_on_expiry:
            expires = int(self.clock.time() + lifetime.total_seconds())
            carried |= {_CLOSE_ON_EXPIRY: "true", _EXPIRES_ON: str(expires)}
        with token_clock.following(self.clock.time):
            return sign_client_token(
                Endpoint.parse(self.connection_string),
                hub or self.hub,
                user_id=user,
                claims=carried,
                lifetime=lifetime,
            )

    async def connect(
        self,
        user: str | None = None,
        *,
        hub: str | None = None,
        claims: Mapping[str, str | Sequence[str]] | None = None,
        negotiate: str | None = None,
        token: str | None = None,
        close_on_expiry: bool = False,
        lifetime: timedelta = timedelta(hours=1),
        query: Mapping[str, str] | None = None,
        protocol: str = "json",
    ) -> Client:
        """Connect a client and wait until the app has heard of it.

        Its token is signed here, for a user with claims; with ``negotiate``, a path such as
        ``negotiate?user=ann``, by the app itself. Raise ConnectionRefused where the app or the service does
        not let it in.
        """
        if protocol not in ("json", "messagepack"):
            raise ValueError(f"the protocol is {protocol!r}, expected json or messagepack")
        chosen = hub or (self.hub if negotiate is None else "")
        url = f"{self.emulator_url}/client/?hub={quote(chosen.lower())}"
        if negotiate is not None:
            response = await self.request(
                "POST", f"/{self._prefix}/{negotiate.lstrip('/')}".replace("//", "/")
            )
            if response.status != 200:
                raise ConnectionRefused(
                    f"{negotiate} answered {response.status}: {response.text}", response.status
                )
            info = response.json()
            url, token = info["url"], info["accessToken"]
        bearer = token or self.token(
            user, hub=chosen, claims=claims, lifetime=lifetime, close_on_expiry=close_on_expiry
        )
        more = "".join(f"&{quote(name)}={quote(value)}" for name, value in (query or {}).items())
        client = await self._open(url + more, bearer, chosen, user, is_text=protocol == "json")
        self.clients.append(client)
        await self.settled()
        return client

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request to the host, such as ``POST /api/messages``, and return the response."""
        async with self._http.request(
            method, urljoin(self.host_url, path), json=json, data=body, headers=headers, allow_redirects=False
        ) as response:
            return Response(response.status, response.headers.copy(), await response.read())

    def service(self, hub: str | None = None, **options: Unpack[ClientOptions]) -> ServiceClient:
        """Return a client of the service's REST API, as a script or another app has one.

        ``options`` are those of ServiceClient, such as ``retries=0``.
        """
        checked = Options(**options)
        sender = self._sender_of(self.endpoint, hub or self.hub, checked)
        self._others.append(sender)
        return ServiceClient.over(sender, max_parallel=checked.max_parallel)

    def sender(self, hub: str) -> Sender:
        """Return what carries out operations on the emulator: the app's clients of the service use it."""
        if hub.lower() not in self._senders:
            self._senders[hub.lower()] = self._sender_of(self.endpoint, hub, Options())
        return self._senders[hub.lower()]

    async def fire(self, name: str) -> None:
        """Run a timer's function, or any other that needs no request, by hand, and wait for its end."""
        instance = self._running.instance
        function = instance.table.find(name) if instance is not None else None
        if instance is None or function is None:
            known = ", ".join(one.name for one in instance.table.everything) if instance else "none"
            raise LookupError(f"there is no function {name}; there are {known}")
        await self.wait_for(instance.run(function), f"the end of {name}")

    async def advance(
        self, *, hours: float = 0, minutes: float = 0, seconds: float = 0, days: float = 0
    ) -> None:
        """Move the clock of this environment ahead: tokens, memberships, keep-alive and timers.

        What is due in between happens in its order, and what follows from each is over before the next.
        Nothing outside of the environment notices.
        """
        moved = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        await self.wait_for(self.clock.advance(moved, self._idle), f"the clock to move by {moved:g} seconds")
        await self.settled()

    async def settled(self) -> None:
        """Wait until all is quiet: no event waits, no function runs, and clients have read what was sent.

        Raise ExpectationError, which says what still goes on, when the patience of the environment is over.
        Nothing is cancelled then. Tasks that the app started in the background are not seen.
        """
        await self.wait_for(self._quiet(), "all to be quiet")

    async def wait_for[T](self, what: Awaitable[T], shown: str) -> T:
        """Return what something comes to, or raise ExpectationError when patience is over."""
        task = asyncio.ensure_future(what)
        await asyncio.wait([task], timeout=self.patience)
        if not task.done():
            # The wait ends, not what it waits for: functions run in tasks of their own.
            task.cancel()
            raise ExpectationError(f"waited {self.patience:g} s for {shown}. {self.describe()}")
        return task.result()

    async def until[T](
        self, find: Callable[[], T | None], news: Callable[[], Awaitable[None]], timeout: float | None
    ) -> T | None:
        """Return what is found, None once all is quiet without it, or after a timeout if there is one."""
        deadline = asyncio.get_running_loop().time() + (self.patience if timeout is None else timeout)
        quiet: asyncio.Future[None] | None = None
        try:
            while True:
                if (found := find()) is not None:
                    return found
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0 or (quiet is not None and quiet.done() and timeout is None):
                    return None
                if quiet is None and timeout is None:
                    quiet = asyncio.ensure_future(self._quiet())
                arriving = asyncio.ensure_future(news())
                waits = [arriving] if quiet is None else [arriving, quiet]
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                arriving.cancel()
        finally:
            if quiet is not None:
                quiet.cancel()

    def describe(self) -> str:
        """Return what still goes on, for people."""
        going = []
        for connection in self.emulator.connections:
            names = connection.dispatcher.waiting
            if names:
                who = connection.user_id or "anonymous"
                going.append(f"{', '.join(names)} of {who} ({connection.connection_id}) at the app")
        instance = self._running.instance if self._host is not None else None
        if instance is None:
            going.append("the app is not loaded")
        elif not instance.is_idle:
            running = getattr(instance.worker, "running", {})
            going.append(f"functions run: {', '.join(running.values()) or 'in the worker'}")
        if self.faults.pending:
            going.append(f"{self.faults.pending} faults wait for their turn")
        return f"Still going on: {'; '.join(going)}." if going else "All is quiet."

    async def drop(self, client: Client, error: str | None = None, *, close: bool = True) -> None:
        """End the connection of a client from the service's side, with a close message or without a word."""
        for connection in self.emulator.connections:
            if connection.connection_id == client.connection_id:
                if close:
                    connection.close(error, allow_reconnect=True)
                else:
                    connection.drop()
        await client.expect_closed()
        await self.settled()

    async def rotate_key(self, *, is_known: bool = True) -> None:
        """Replace the access keys of the service: tokens of the old ones are refused from now on.

        The app is loaded again with the new key, as after a change of its settings. With ``is_known=False``
        nobody has told it: the service refuses what it sends, and it refuses the events of the service.
        """
        self.emulator.keys = [secrets.token_hex(22)]
        if is_known:
            self._known = Endpoint.parse(self.connection_string)
            await self._forget_senders()
            await self._running.reload(self.connection_string)

    async def restart_emulator(self) -> None:
        """Stop the service and start it again at the same address: all clients are gone."""
        await self.emulator.stop()
        await self._forget_senders()
        for client in self.clients:
            if client.is_open:
                await client.expect_closed()
        await self.emulator.start(port=self._port)
        await self.settled()

    async def kill_worker(self) -> None:
        """End the worker process as a crash does, and wait for the next one."""
        if not isinstance(self._host, WorkerHost):
            raise TypeError("the app runs in the process of the test: use SignalRTest(folder, worker=True)")
        await self._host.kill()

    async def _start(self) -> None:
        token_clock.follow(self.clock.time)
        with substituted(self):
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
            if not self._is_worker and isinstance(self._app, str | Path):
                self._app = load_app(self._folder)
            host = self._host = self._new_host()
            host.bind()
            await self.emulator.start(port=0)
            self._port = self.emulator.port
            self._known = Endpoint.parse(self.connection_string)
            self.emulator.control = self._control
            await host.start(self.connection_string)
        self.emulator.upstream = [UpstreamRule(f"http://127.0.0.1:{host.port}{self._upstream_path()}")]

    def _new_host(self) -> Host:
        if self._is_worker:
            return WorkerHost(self._folder, self._settings, self.clock)
        return InProcessHost(self._app, self._folder, self._settings, self.clock)

    def _upstream_path(self) -> str:
        if self._upstream is not None:
            return self._upstream
        found = None if self._is_worker else functions_of(self._app).upstream
        if found is None:
            return trigger.PATH
        trigger_binding: Any = found[0].get_trigger()
        return f"/{self._prefix}/{trigger_binding.route}".replace("//", "/")

    async def _open(self, url: str, token: str, hub: str, user: str | None, *, is_text: bool) -> Client:
        headers = {"Authorization": f"Bearer {token}"}
        address, _, query = url.partition("?")
        negotiated = f"{address.rstrip('/')}/negotiate?{query}&negotiateVersion=1"
        async with self._http.post(negotiated, headers=headers) as response:
            if response.status != 200:
                raise ConnectionRefused(
                    f"the service answered {response.status} to negotiate "
                    f"({response.headers.get('WWW-Authenticate', '')})",
                    response.status,
                )
            answer = await response.json()
        socket = await self._http.ws_connect(
            f"{url}&id={answer['connectionToken']}", headers=headers, autoping=False, max_msg_size=0
        )
        client = Client(self, hub, user, answer["connectionId"], socket, is_text=is_text)
        return await client.start()

    async def _quiet(self) -> None:
        """Return when nothing goes on, which is proved: nothing began while every client made sure of it."""
        while True:
            await self._idle()
            before = self._begun()
            await asyncio.gather(*(client.roundtrip() for client in self.clients))
            if self._is_idle() and self._begun() == before:
                return

    async def _idle(self) -> None:
        """Return when no event waits for the app and no function runs."""
        while not self._is_idle():
            waits = [
                asyncio.ensure_future(connection.dispatcher.done())
                for connection in self.emulator.connections
                if connection.dispatcher.waiting
            ]
            instance = self._running.instance
            if instance is not None and not instance.is_idle:
                waits.append(asyncio.ensure_future(instance.idle()))
            if not waits:
                # The socket of a client that has hung up, or the next worker: the loop brings it.
                await asyncio.sleep(0.001)
                continue
            try:
                await asyncio.wait(waits)
            finally:
                for wait in waits:
                    wait.cancel()

    def _is_idle(self) -> bool:
        instance = self._running.instance
        open_ids = {client.connection_id for client in self.clients if client.is_open}
        ours = {client.connection_id for client in self.clients}
        return (
            instance is not None
            and instance.is_idle
            and all(
                not connection.dispatcher.waiting
                and (connection.connection_id in open_ids or connection.connection_id not in ours)
                for connection in self.emulator.connections
            )
        )

    def _begun(self) -> tuple[int, int, int]:
        instance = self._running.instance
        received = sum(len(client.messages) for client in self.clients)
        return self.emulator.delivered, instance.served if instance is not None else 0, received

    async def _forget_senders(self) -> None:
        senders = [*self._senders.values(), *self._others]
        self._senders.clear()
        self._others.clear()
        for sender in senders:
            await sender.aclose()

    def _sender_of(self, endpoint: Endpoint, hub: str, options: Options) -> Sender:
        return TimedSender(Direct(endpoint, hub, None, options), self.clock.time)

    @property
    def _prefix(self) -> str:
        instance = self._running.instance
        return "api" if instance is None else instance.configuration.route_prefix

    @property
    def _running(self) -> Host:
        if self._host is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._host

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._session
