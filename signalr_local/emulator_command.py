"""The emulator alone on the command line, for an app in any language."""

import argparse
import asyncio
import errno
import logging
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signalr_local.clock import SYSTEM
from signalr_local.emulator.defaults import (
    CONTROL_PATH,
    DEFAULT_ACCESS_KEY,
    DEFAULT_PORT,
    SECONDARY_ACCESS_KEY,
    WEBHOOK,
)
from signalr_local.emulator.rules import UpstreamRule, shown_rules
from signalr_local.emulator.settings_file import DEFAULT_SETTINGS, FILE_NAME, SettingsFile
from signalr_local.emulator.tiers import TIERS
from signalr_local.emulator.timing import Timing
from signalr_local.emulator_options import add_config, add_options, add_version, upstream_rule
from signalr_local.host import console
from signalr_local.host.console import LevelFilter, say
from signalr_local.movable_clock import MovableClock
from signalr_local.serving import PortInUseError, fail, serve

if TYPE_CHECKING:
    from signalr_local.emulator import Emulator
    from signalr_local.inspector.endpoint import Inspector

__all__ = ["HOST", "add_emulator", "say_emulator"]

HOST = "http://localhost:7071"
"""Where a Functions host listens."""

_NO_RULES = "No upstream is set yet. Use 'upstream init' to create default upstreams."
_MAX_KEYS = 2


def add_emulator(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and those below it."""
    # An option that is absent after the command must not undo the one before it.
    emulator = commands.add_parser(
        "emulator",
        help="only the emulator, for func start or an app in any language",
        description="Emulate Azure SignalR Service in Serverless mode.",
        argument_default=argparse.SUPPRESS,
    )
    add_version(emulator)
    add_options(emulator)
    emulator.set_defaults(command=_run)
    below = emulator.add_subparsers(title="commands of the official emulator", metavar="[start | upstream]")
    start = below.add_parser(
        "start", help="the same as without a command", argument_default=argparse.SUPPRESS
    )
    add_options(start)
    upstream = below.add_parser("upstream", help="write or show a settings.json with upstream rules")
    actions = upstream.add_subparsers(metavar="{init | list}", required=True)
    init = actions.add_parser("init", help="write a settings.json that sends everything to func start")
    init.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="default: this folder")
    init.set_defaults(command=_init)
    show = actions.add_parser("list", help="print the rules of a settings.json")
    add_config(show)
    show.set_defaults(command=_list)


def say_emulator(emulator: "Emulator", inspector: "Inspector") -> None:
    """Print where the service is, what opens it, and where one sees what happens."""
    say(f"SignalR Service emulator: http://localhost:{emulator.port}")
    say(f"Connection string: {emulator.connection_string}")
    say(f"Inspector: {inspector.url}")


async def _run(arguments: argparse.Namespace) -> int:
    levels = console.install()
    try:
        settings = _settings(arguments)
        rules = _rules(arguments, settings)
        emulator = _emulator(arguments, rules)
    except ValueError as error:
        fail(_sentence(error))
        return 1
    inspector = _inspector(emulator, levels)
    given: int | None = _given(arguments, "emulator_port")
    port = DEFAULT_PORT if given is None else given
    address: str | None = _given(arguments, "ip")
    watching: list[asyncio.Task[None]] = []

    async def start() -> None:
        await _start(emulator, address, port)
        say_emulator(emulator, inspector)
        if settings is not None:
            say(f"Upstream rules of '{settings.path}', which is read again when it changes:")
            watching.append(asyncio.create_task(settings.watch(apply)))
        else:
            say("Upstream rules:")
        _say_rules(emulator.upstream)
        if address is not None and not ip_address(address).is_loopback and not _given(arguments, "keys", []):
            say("Everybody who can reach this address can use the emulator: its key is well known.")
        if emulator.control is not None:
            say(f"Tests on this machine ask for faults at http://localhost:{emulator.port}{CONTROL_PATH}")
        say("Ctrl+C stops the emulator.")

    def apply(rules: Sequence[UpstreamRule]) -> None:
        emulator.upstream = list(rules)
        say("The upstream rules have changed:")
        _say_rules(rules)

    async def stop() -> None:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await inspector.stop()
        await emulator.stop()

    return await serve(start, stop)


async def _init(arguments: argparse.Namespace) -> int:
    path = arguments.output / FILE_NAME
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(DEFAULT_SETTINGS)
    except FileExistsError:
        fail(f"'{path}' exists already. Remove it first, or choose another folder with -o.")
        return 1
    except OSError as error:
        fail(f"'{path}' cannot be written: {error.strerror}.")
        return 1
    say(f"Exported default settings to '{path}'.")
    return 0


async def _list(arguments: argparse.Namespace) -> int:
    try:
        settings = SettingsFile(_given(arguments, "config") or Path())
        rules = settings.read()
    except ValueError as error:
        fail(_sentence(error))
        return 1
    say(f"Loaded upstream settings from '{settings.path}'")
    say("Current Upstream Settings:")
    _say_rules(rules)
    return 0


async def _start(emulator: "Emulator", address: str | None, port: int) -> None:
    try:
        await emulator.start(address, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(port, "--port") from None
        where = f"port {port}" if address is None else f"{address} port {port}"
        raise ValueError(f"The emulator cannot listen on {where}: {error.strerror or error}.") from None


def _settings(arguments: argparse.Namespace) -> SettingsFile | None:
    config: Path | None = _given(arguments, "config")
    has_rules = bool(_given(arguments, "rules") or _given(arguments, "upstream"))
    if config is not None:
        if has_rules:
            raise ValueError("Upstream rules come from --config or from --upstream, not from both")
        return SettingsFile(config)
    if has_rules or not Path(FILE_NAME).is_file():
        return None
    settings = SettingsFile(Path(FILE_NAME))
    # The file may be another program's.
    return settings if settings.has_rules() else None


def _rules(arguments: argparse.Namespace, settings: SettingsFile | None) -> list[UpstreamRule]:
    if settings is not None:
        return settings.read()
    before: str | None = _given(arguments, "upstream")
    rules = [*([upstream_rule(before)] if before else []), *_given(arguments, "rules", [])]
    return [
        replace(rule, url=f"{HOST}{rule.url}") if rule.url.startswith("/") else rule
        for rule in rules or [UpstreamRule(WEBHOOK)]
    ]


def _emulator(arguments: argparse.Namespace, rules: Sequence[UpstreamRule]) -> "Emulator":
    from signalr_local.emulator import Emulator
    from signalr_local.emulator.actions import Actions
    from signalr_local.emulator.advancing import Advancing
    from signalr_local.emulator.control import ControlPath

    keys: list[str] = _given(arguments, "keys", [])
    if len(keys) > _MAX_KEYS:
        raise ValueError("The service has two access keys: --key is given twice at most")
    tier: str | None = _given(arguments, "tier")
    timing = {
        field: value
        for field, option in (
            ("ping", "keep_alive"),
            ("client_timeout", "client_timeout"),
            ("handshake", "handshake_timeout"),
            ("upstream", "upstream_timeout"),
            ("client_result", "client_result_timeout"),
        )
        if (value := _given(arguments, option)) is not None
    }
    clock = MovableClock() if _given(arguments, "control", False) else None
    emulator = Emulator(
        rules,
        keys or (DEFAULT_ACCESS_KEY, SECONDARY_ACCESS_KEY),
        Timing(**timing, clock=clock or SYSTEM),
        hosts=_given(arguments, "host_names", []),
        origins=_given(arguments, "origins", []),
        send_buffer=_given(arguments, "send_buffer"),
        tier=None if tier is None else TIERS[tier],
        is_lenient=_given(arguments, "lenient", False),
        is_silent=_given(arguments, "silent", False),
        forwards_streams=_given(arguments, "forward_streams", False),
        stateful_reconnect=_given(arguments, "stateful_reconnect", False),
    )
    if clock is not None:
        emulator.control = ControlPath(Actions(emulator), [Advancing(emulator, clock).advance])
    return emulator


def _inspector(emulator: "Emulator", levels: LevelFilter) -> "Inspector":
    from signalr_local.inspector.endpoint import Inspector
    from signalr_local.inspector.host_events import HostEvents
    from signalr_local.inspector.journal import Journal
    from signalr_local.inspector.secrecy import secrets_in

    journal = Journal()
    logging.getLogger("signalr_local").addHandler(HostEvents(journal, levels))
    return Inspector(emulator, journal, known=lambda: secrets_in(rule.url for rule in emulator.upstream))


def _say_rules(rules: Sequence[UpstreamRule]) -> None:
    for line in shown_rules(rules) or [_NO_RULES]:
        say(line)
    for number, rule in enumerate(rules):
        for doubt in rule.doubts():
            say(f"Rule [{number}] may not do what is meant: {doubt}")


def _sentence(error: ValueError) -> str:
    return f"{str(error).rstrip('.')}."


def _given(arguments: argparse.Namespace, name: str, default: Any = None) -> Any:
    # An option that another command has too may be there, as None.
    value = getattr(arguments, name, None)
    return default if value is None else value
