"""The environment of a test: emulator, host and app on the loop of the test, and clients."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Self, Unpack
from urllib.parse import quote, urljoin

import aiohttp

from serverless_signalr import ServiceClient
from serverless_signalr._rest import clock as token_clock
from serverless_signalr._rest.options import ClientOptions, Options
from serverless_signalr._rest.substitute import substituted
from signalr_local.emulator import Emulator
from signalr_local.emulator.actions import Actions
from signalr_local.emulator.control import ControlPath
from signalr_local.emulator.defaults import CONTROL_PATH
from signalr_local.emulator.faults import Faults
from signalr_local.emulator.timing import Timing
from signalr_local.movable_clock import MovableClock
from signalr_local.testing.client import Client
from signalr_local.testing.opening import CONNECTION_TOKEN, connection_info, open_socket
from signalr_local.testing.quiet import Quiet
from signalr_local.testing.responses import Response
from signalr_local.testing.senders import Senders
from signalr_local.testing.stack import NOT_RUNNING, Stack
from signalr_local.testing.tokens import TokenOptions, client_token
from signalr_local.testing.wire import Wire

__all__ = ["SignalRTest"]


class SignalRTest:
    """An app with everything that it meets in Azure, for the time of a test.

    ``async with SignalRTest(app) as env:`` starts the emulator and the host on free ports. ``app`` is a
    FunctionApp, a Blueprint or a hub, or the folder of an app. It runs in the process of the test, or with
    ``worker=True`` in a worker process as in production, which takes a folder. ``settings`` are app settings;
    those that name the service always name the emulator.

    ``hub`` is the hub of clients, where the app has several. ``upstream`` is where events go, by default to
    the SignalR triggers, or to the HTTP function of a hub that has one. With ``control`` tests in other
    languages may ask for faults over HTTP. ``patience`` is how many seconds a test waits for what should
    happen; when it is over nothing is cancelled. ``timing`` is how long the service waits for things, the
    ``signalr_local.emulator.Timing`` of an emulator.
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
        patience: float = 10.0,
        timing: Timing | None = None,
    ) -> None:
        self.clients: list[Client] = []
        self.clock = MovableClock()
        self.emulator = Emulator(timing=replace(timing or Timing(), clock=self.clock))
        self._stack = Stack(
            app,
            self.emulator,
            self.clock,
            settings=dict(settings or {}),
            upstream=upstream,
            is_worker=worker,
        )
        self._quiet = Quiet(self.emulator, self.clients, lambda: self._stack.instance, patience)
        self._actions = Actions(self.emulator)
        self._hub = hub
        self._has_control = control
        self._session: aiohttp.ClientSession | None = None
        self._senders = Senders(self.emulator, self.clock.time)

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
        await self._stack.stop()
        await self._senders.aclose()
        if self._session is not None:
            await self._session.close()

    @property
    def patience(self) -> float:
        """How many seconds a test waits for what should happen. It can be changed at any time."""
        return self._quiet.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._quiet.patience = seconds

    @property
    def url(self) -> str:
        """Return the address of the app's HTTP functions, with their prefix: clients negotiate below it."""
        return f"{self.host_url}/{self._stack.prefix}".rstrip("/")

    @property
    def host_url(self) -> str:
        """Return the address of the host."""
        return f"http://localhost:{self._stack.host.port}"

    @property
    def emulator_url(self) -> str:
        """Return the address of the emulator."""
        return f"http://localhost:{self._stack.emulator_port}"

    @property
    def control_url(self) -> str:
        """Return the address where tests in other languages ask for faults, see docs/testing.md."""
        if not self._has_control:
            raise RuntimeError("the control path is off: SignalRTest(app, control=True)")
        return f"{self.emulator_url}{CONTROL_PATH.rstrip('/')}"

    @property
    def connection_string(self) -> str:
        """Return the connection string of the emulator."""
        return self.emulator.connection_string

    @property
    def faults(self) -> Faults:
        """Return what is to go wrong between the service and the app."""
        return self.emulator.faults

    @property
    def hub(self) -> str:
        """Return the hub of the clients. Raise LookupError where the app has several and none was chosen."""
        return self._hub or self._stack.only_hub

    def token(
        self, user: str | None = None, *, hub: str | None = None, **options: Unpack[TokenOptions]
    ) -> str:
        """Return a client's access token, made at this moment of the environment's clock.

        ``claims`` are those of the user, ``lifetime`` is an hour by default; with ``close_on_expiry`` the
        service ends the connection together with the token.
        """
        return client_token(self.connection_string, hub or self.hub, self.clock, user, options)

    async def connect(
        self,
        user: str | None = None,
        *,
        hub: str | None = None,
        negotiate: str | None = None,
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        protocol: str = "json",
        **options: Unpack[TokenOptions],
    ) -> Client:
        """Connect a client and wait until the app has heard of it.

        Its token is made here, with the options of ``token``; with ``negotiate``, a path such as
        ``negotiate?user=ann``, by the app itself. Raise ConnectionRefused where the app or the service does
        not let it in.
        """
        wire = Wire(protocol)
        chosen = hub or (self.hub if negotiate is None else "")
        url = f"{self.emulator_url}/client/?hub={quote(chosen.lower())}"
        if negotiate is not None:
            url, token = connection_info(await self.request("POST", self._stack.path(negotiate)))
        bearer = token or self.token(user, hub=chosen, **options)
        url += "".join(f"&{quote(name)}={quote(value)}" for name, value in (query or {}).items())
        opened = await open_socket(self._http, url, bearer)
        client = await Client(self._quiet, chosen, user, *opened, wire).start()
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

    async def refresh(self, client: Client, path: str = "refresh") -> Response:
        """Refresh the authentication of a client, by a path such as ``refresh?user=ann``.

        The path is beside that of negotiate, and identifies the sender in the same way.
        """
        headers = {CONNECTION_TOKEN: client.connection_token}
        return await self.request("POST", self._stack.path(path), headers=headers)

    def service(self, hub: str | None = None, **options: Unpack[ClientOptions]) -> ServiceClient:
        """Return a client of the service's REST API, as a script or another app has one.

        ``options`` are those of ServiceClient, such as ``retries=0``.
        """
        return self._senders.client(hub or self.hub, Options(**options))

    async def fire(self, name: str) -> None:
        """Run a timer's function, or any other that needs no request, by hand, and wait for its end."""
        await self._quiet.wait_for(self._stack.run(name), f"the end of {name}")

    async def advance(
        self, *, hours: float = 0, minutes: float = 0, seconds: float = 0, days: float = 0
    ) -> None:
        """Move the clock of this environment ahead: tokens, memberships, keep-alive and timers.

        What is due in between happens in its order, and what follows from each is over before the next.
        Nothing outside of the environment notices.
        """
        moved = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        move = self.clock.advance(moved, self._quiet.idle)
        await self._quiet.wait_for(move, f"the clock to move by {moved:g} seconds")
        await self.settled()

    async def settled(self) -> None:
        """Wait until all is quiet: no event waits, no function runs, and clients have read what was sent.

        Raise ExpectationError, which says what still goes on, when the patience of the environment is over.
        Nothing is cancelled then. Tasks that the app started in the background are not seen.
        """
        await self._quiet.settled()

    async def drop(self, client: Client | str, error: str | None = None, *, close: bool = True) -> None:
        """End the connection of a client from the service's side, with a close message or without a word.

        For the name of a user it ends all connections of the user, those of pages included.
        """
        if isinstance(client, str):
            self._actions.drop(user=client, error=error, close=close)
        else:
            self._actions.drop(connection=client.connection_id, error=error, close=close)
            await client.expect_closed()
        await self.settled()

    async def rotate_key(self, *, is_known: bool = True) -> None:
        """Replace the access keys of the service: tokens of the old ones are refused from now on.

        The app is loaded again with the new key, as after a change of its settings. With ``is_known=False``
        nobody has told it: the service refuses what it sends, and it refuses the events of the service.
        """
        self._actions.rotate_key()
        if is_known:
            await self._senders.renew()
            await self._stack.reload()

    async def restart_emulator(self) -> None:
        """Stop the service and start it again at the same address: all clients are gone."""
        await self.emulator.restart()
        await self._senders.aclose()
        await asyncio.gather(*(client.expect_closed() for client in self.clients if client.is_open))
        await self.settled()

    async def kill_worker(self) -> None:
        """End the worker process as a crash does, and wait for the next one."""
        await self._stack.kill_worker()

    async def _start(self) -> None:
        token_clock.follow(self.clock.time)
        with substituted(self._senders):
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
            if self._has_control:
                self.emulator.control = self._new_control()
            await self._stack.start()
            await self._senders.renew()

    def _new_control(self) -> ControlPath:
        own = [self.advance, self.settled, self.rotate_key]
        if self._stack.is_worker:
            own.append(self.kill_worker)
        return ControlPath(self._actions, own, restart=self.restart_emulator)

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError(NOT_RUNNING)
        return self._session
