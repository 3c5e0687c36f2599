"""The command line of the local runtime."""

import argparse
import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path

from signalr_local.doctor.options import add_parser as add_doctor
from signalr_local.emulator.defaults import DEFAULT_PORT as EMULATOR_PORT
from signalr_local.emulator.defaults import WEBHOOK
from signalr_local.emulator_command import add_emulator, say_emulator
from signalr_local.emulator_options import add_version
from signalr_local.host.failures import AppError, describe_error
from signalr_local.host_options import add_host_options, host_options, port_number
from signalr_local.new.options import add_parser as add_new
from signalr_local.option_parser import OptionParser
from signalr_local.output import Output
from signalr_local.serving import LifecycleHook, fail, serve

__all__ = ["main"]

_INTERRUPTED = 130
"""The exit code of a program that Ctrl+C ended."""

_COMMANDS = ("emulator", "host", "doctor", "new")

type Command = Callable[[argparse.Namespace], Coroutine[None, None, int]]


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    arguments = _parser().parse_args()
    command: Command = arguments.command
    if command is _doctor:
        # asyncio cancels it, which ends the worker that it started.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return asyncio.run(command(arguments))


# Each command imports what it needs itself: the less is imported here, the sooner a worker can start.


async def _both(arguments: argparse.Namespace) -> int:
    from signalr_local.runtime import Runtime

    app = _app(arguments)
    if app is None:
        return 1
    try:
        output = Output(arguments)
        options = output.options(host_options(arguments, app))
    except (ValueError, OSError) as error:
        fail(f"{error}.")
        return 1
    runtime = Runtime(
        app,
        port=arguments.port,
        emulator_port=arguments.emulator_port,
        upstream=arguments.upstream or WEBHOOK,
        levels=output.levels,
        address=getattr(arguments, "address", None),
        options=options,
        journal=output.journal,
    )

    async def start() -> None:
        await _within(arguments, runtime.start())
        if output.is_text:
            from signalr_local import listing

            listing.say_functions(runtime.host)
            say_emulator(runtime.emulator, runtime.inspector)
            listing.say_page(runtime.host)

    return await _serve(start, runtime.stop, output)


async def _host(arguments: argparse.Namespace) -> int:
    from signalr_local.host.host import FunctionsHost
    from signalr_local.runtime import bind

    app = _app(arguments)
    if app is None:
        return 1
    try:
        output = Output(arguments)
        options = output.options(host_options(arguments, app))
    except (ValueError, OSError) as error:
        fail(f"{error}.")
        return 1
    host = FunctionsHost(app, levels=output.levels, options=options)

    async def start() -> None:
        bind(host, getattr(arguments, "address", None), arguments.port)
        await _within(arguments, host.start())
        if output.is_text:
            from signalr_local import listing

            listing.say_functions(host)
            listing.say_page(host)

    return await _serve(start, host.stop, output)


async def _serve(start: LifecycleHook, stop: LifecycleHook, output: Output) -> int:
    def describe(error: Exception) -> str:
        text = describe_error(error)
        output.failed(text)
        return text

    code = await serve(start, stop, errors=(AppError,), describe=describe, is_quiet=not output.is_text)
    output.finish(code)
    return code


async def _within(arguments: argparse.Namespace, start: Coroutine[None, None, None]) -> None:
    seconds: float | None = getattr(arguments, "timeout", None)
    try:
        async with asyncio.timeout(seconds):
            await start
    except TimeoutError:
        raise ValueError(f"the app did not start within {seconds} seconds; see --timeout") from None


async def _doctor(arguments: argparse.Namespace) -> int:
    from signalr_local.doctor.command import run

    try:
        return await run(arguments)
    except asyncio.CancelledError:
        # asyncio.run turns Ctrl+C into this.
        return _INTERRUPTED


async def _new(arguments: argparse.Namespace) -> int:
    from signalr_local.new.command import make

    try:
        app = make(arguments)
    except (ValueError, OSError) as error:
        fail(f"{error}.")
        return 1
    if not arguments.run:
        return 0
    arguments.app = str(app)
    return await _both(arguments)


def _app(arguments: argparse.Namespace) -> Path | None:
    # A symbolic link is not followed: it may lead to another folder tomorrow, which is the app then.
    app = Path(os.path.abspath(arguments.app or "."))
    if app.is_dir():
        return app
    fail(f"There is no folder {app}.")
    return None


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = OptionParser(
        prog="signalr-local",
        description="Run a function app with a Functions host and an emulator of Azure SignalR Service.",
    )
    add_version(parser)
    add_host_options(parser)
    _add_emulator_options(parser)
    parser.set_defaults(command=_both)
    commands = parser.add_subparsers(
        title="one part alone, a check, and a new app",
        metavar=f"[{' | '.join(_COMMANDS)}]",
        parser_class=type(parser),
    )
    add_emulator(commands)
    # An option that is absent after the command must not undo the one before it.
    host = commands.add_parser(
        "host",
        help="only the host, against a service that runs elsewhere",
        argument_default=argparse.SUPPRESS,
    )
    add_host_options(host)
    host.set_defaults(command=_host)
    add_doctor(commands).set_defaults(command=_doctor)
    add_new(commands).set_defaults(command=_new)
    return parser


def _add_emulator_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--emulator-port",
        type=port_number,
        metavar="N",
        help=f"the emulator's port (default: {EMULATOR_PORT})",
    )
    parser.add_argument(
        "--upstream",
        metavar="URL",
        help="where events go, a URL or a path of the host; {hub}, {category} and {event} are filled in "
        f"(default: {WEBHOOK})",
    )
