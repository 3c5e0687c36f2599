"""The local runtime: emulator and host on one event loop, for one app."""

import errno
import logging
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from serverless_signalr.endpoint import Endpoint, parse_url
from serverless_signalr.errors import ConnectionStringError
from signalr_local.emulator.defaults import (
    DEFAULT_ACCESS_KEY,
    SECONDARY_ACCESS_KEY,
    WEBHOOK,
    connection_string,
)
from signalr_local.emulator.defaults import DEFAULT_PORT as EMULATOR_PORT
from signalr_local.emulator.rules import UpstreamRule
from signalr_local.host.console import LevelFilter
from signalr_local.host.host import DEFAULT_PORT as HOST_PORT
from signalr_local.host.host import STOP_GRACE, FunctionsHost
from signalr_local.host.options import HostOptions
from signalr_local.host.settings import LocalSettings
from signalr_local.host.steps import Step
from signalr_local.serving import PortInUseError
from signalr_local.sockets import LOOPBACK, listen

if TYPE_CHECKING:
    from signalr_local.emulator import Emulator
    from signalr_local.inspector.endpoint import Inspector
    from signalr_local.inspector.journal import Journal

__all__ = ["Runtime", "bind"]

_LOCAL = ("http://localhost", "http://127.0.0.1", "http://[::1]")
_KEYS = (DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY)

_IDENTITY_BASED = ("__serviceuri", ":serviceuri")

_log = logging.getLogger("signalr_local.runtime")


def bind(host: FunctionsHost, address: str | None, port: int | None) -> None:
    """Take the port of a host: the one that is given, that of local.settings.json, or the default.

    Raise PortInUseError for a port that is taken, ValueError for settings that cannot be read and an address
    that this machine does not have.
    """
    settings = LocalSettings.read(host.app, is_quiet=True)  # the loading of the app tells of it
    if port is None:
        port = HOST_PORT if settings.port is None else settings.port
    address = address or settings.address
    try:
        host.bind(address, port)
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) or isinstance(error, socket.gaierror):
            raise ValueError(f"this machine has no address {address}; see --address") from None
        raise PortInUseError(port, "--port", target="run") from None


class Runtime:
    """Run an app with everything that it meets in Azure.

    A port of None is the one that local.settings.json names, or the default; 0 is a free one. The emulator
    takes a free one too if nobody chose and the default is in use. ``upstream`` is where the service's events
    go: a path of the host, by default that of the SignalR trigger, or a URL. ``journal`` returns what the
    inspector shows; it is called when the emulator starts.
    """

    def __init__(
        self,
        app: Path,
        *,
        port: int | None = None,
        emulator_port: int | None = None,
        upstream: str = WEBHOOK,
        levels: LevelFilter | None = None,
        address: str | None = None,
        options: HostOptions | None = None,
        journal: "Callable[[], Journal] | None" = None,
    ) -> None:
        self._port = port
        self._address = address
        self._upstream = upstream
        self._told: set[str] = set()
        self._is_movable = emulator_port is None
        self._emulator_port = EMULATOR_PORT if emulator_port is None else emulator_port
        self._emulator: Emulator | None = None
        self._sockets: list[socket.socket] = []
        self._options = options or HostOptions()
        self.host = FunctionsHost(app, adjust=self._point_at_emulator, levels=levels, options=self._options)
        self._journal = journal
        self._inspector: Inspector | None = None

    @property
    def emulator(self) -> "Emulator":
        """The emulator, once it runs."""
        if self._emulator is None:
            raise RuntimeError("the local runtime is not running")
        return self._emulator

    @property
    def inspector(self) -> "Inspector":
        """The inspector of the emulator, once that runs."""
        if self._inspector is None:
            raise RuntimeError("the local runtime is not running")
        return self._inspector

    async def start(self) -> None:
        """Start the emulator and the host with the app.

        Raise PortInUseError, ValueError for settings that cannot be read, AppError for an app that
        cannot be loaded; whatever had started is to be stopped by ``stop``.
        """
        bind(self.host, self._address, self._port)
        self._sockets = self._listen()
        self._emulator_port = self._sockets[0].getsockname()[1]
        await self.host.begin()
        # While the worker imports the app, this process imports what it needs itself.
        with Step(self._options.on_step, "start_emulator", "Start the emulator") as step:
            from signalr_local.emulator import Emulator

            self._emulator = Emulator(hosts=self._options.host_names)
            self._inspector = self._inspected(self._emulator)
            await self._emulator.serve(self._sockets)
            step.message = f"port {self._emulator_port}"
        await self.host.start()
        here = f"http://127.0.0.1:{self.host.plain_port}"
        self.emulator.upstream = [UpstreamRule(urljoin(here, self._upstream))]

    def _listen(self) -> list[socket.socket]:
        """Take the emulator's port, or a free one if nobody asked for one and the default is in use."""
        try:
            return listen(LOOPBACK, self._emulator_port)
        except OSError:
            if not self._is_movable:
                raise PortInUseError(self._emulator_port, "--emulator-port", target="run") from None
        sockets = listen(LOOPBACK, 0)
        self._tell(
            logging.INFO,
            f"Port {self._emulator_port} is in use: the emulator takes port {sockets[0].getsockname()[1]}. "
            "To choose one: --emulator-port.",
        )
        return sockets

    async def stop(self) -> None:
        """Close all clients and end the app, within three seconds whatever it runs."""
        deadline = time.monotonic() + STOP_GRACE
        if self._inspector is not None:
            await self._inspector.stop()
        try:
            if self._emulator is not None:
                await self._emulator.stop()
        finally:
            # What functions do for clients that leave is part of the time that they have.
            await self.host.stop(max(deadline - time.monotonic(), 0.0))
            for one in self._sockets:
                one.close()

    def _inspected(self, emulator: "Emulator") -> "Inspector":
        from signalr_local.inspector.app import AppSecrets, described
        from signalr_local.inspector.endpoint import Inspector
        from signalr_local.inspector.journal import Journal

        found = AppSecrets()
        return Inspector(
            emulator,
            Journal() if self._journal is None else self._journal(),
            app=lambda: described(self.host.instance),
            known=lambda: found.of(self.host.instance),
        )

    def _point_at_emulator(self, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return settings whose emulator is the one that runs here, whatever port it was given.

        Where they name several, each of them may be meant: then they are left as they are.
        """
        named = {name: endpoint for name, value in values.items() if (endpoint := _emulator(value))}
        here = f"http://localhost:{self._emulator_port}"
        self._warn_of_azure(values)
        if len({_port(endpoint) for endpoint in named.values()}) != 1:
            return values
        pointed = dict(values)
        for name, endpoint in named.items():
            if _port(endpoint) != str(self._emulator_port):
                self._tell(
                    logging.INFO,
                    f"{name}: the emulator runs on port {self._emulator_port} here, not at {endpoint.url}.",
                )
                pointed[name] = _connection_string(replace(endpoint, url=here))
        return pointed

    def _warn_of_azure(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            url = _address(name, value)
            if url is not None and not url.startswith(_LOCAL):
                self._tell(
                    logging.WARNING,
                    f"{name} names the service at {url}. Messages go there, and its events do not reach this "
                    "machine: for the emulator, use the connection string "
                    f"{connection_string(self._emulator_port)}",
                )

    def _tell(self, level: int, text: str) -> None:
        # Settings are read again with every change of the app, and nobody wants to read this as often.
        if text not in self._told:
            self._told.add(text)
            _log.log(level, "%s", text)


def _emulator(value: str) -> Endpoint | None:
    """Return the emulator that a setting names, if it names one."""
    try:
        endpoint = Endpoint.parse(value)
    except ConnectionStringError:
        return None
    is_one = endpoint.url.startswith(_LOCAL) and endpoint.access_key in _KEYS
    return endpoint if is_one else None


def _port(endpoint: Endpoint) -> str:
    return endpoint.url.rpartition(":")[2]


def _address(name: str, value: str) -> str | None:
    """Return the address of the service that a setting names, if it names one."""
    try:
        if name.lower().endswith(_IDENTITY_BASED):
            return parse_url(name, value)
        return Endpoint.parse(value).url
    except ConnectionStringError:
        return None


def _connection_string(endpoint: Endpoint) -> str:
    return f"Endpoint={endpoint.url};AccessKey={endpoint.access_key};Version=1.0;"
