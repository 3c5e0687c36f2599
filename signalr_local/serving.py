"""Servers on the command line: they run until they are asked to stop."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

from signalr_local.host.console import flush_log, say

__all__ = ["LifecycleHook", "PortInUseError", "fail", "serve"]

_SIGNALS = [signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGBREAK", None)])]
"""What asks a process to end; Windows has one more."""

_SAME_REQUEST = 1.0
"""Seconds in which a second SIGTERM is the first one once more: it was sent to the whole process group, and
make or timeout, which got it too, has passed it on. Nobody passes Ctrl+C on."""

type LifecycleHook = Callable[[], Coroutine[None, None, None]]


class PortInUseError(Exception):
    """Say which port cannot be had, and which option chooses another.

    ``target`` is the target of make that whoever started this has typed, if make did.
    """

    def __init__(self, port: int, option: str, *, target: str = "") -> None:
        text = (
            f"Port {port} is unavailable. Close the process using that port, or specify another port "
            f"using {option}."
        )
        if target and "MAKELEVEL" in os.environ:
            text += f' With make: make {target} ARGS="{option} {port + 1}"'
        super().__init__(text)


async def serve(
    start: LifecycleHook,
    stop: LifecycleHook,
    *,
    errors: tuple[type[Exception], ...] = (),
    describe: Callable[[Exception], str] = str,
    is_quiet: bool = False,
) -> int:
    """Start, wait for Ctrl+C or SIGTERM, stop, and return the exit code.

    A second signal ends the process at once, unless it is a SIGTERM that is passed on. A PortInUseError,
    ValueError or one of ``errors`` from ``start`` is printed as ``describe`` says. With ``is_quiet``,
    standard output is somebody else's.
    """
    expected: tuple[type[Exception], ...] = (PortInUseError, ValueError, *errors)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    asked: float | None = None

    def end(number: int) -> None:
        nonlocal asked
        if asked is None:
            asked = loop.time()
            ended.set()
        elif number != signal.SIGTERM or loop.time() - asked >= _SAME_REQUEST:
            os.write(sys.stderr.fileno(), b"\nEnded at once, by a second signal.\n")
            os._exit(1)

    for number in _SIGNALS:
        try:
            loop.add_signal_handler(number, end, number)
        except NotImplementedError:
            # The event loops of Windows have no signal handlers.
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(end, number))
    starting = asyncio.ensure_future(start())
    ending = asyncio.ensure_future(ended.wait())
    try:
        with _collecting_later():
            await asyncio.wait([starting, ending], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
        await ending
    except expected as error:
        fail(describe(error))
        return 1
    finally:
        for task in (starting, ending):
            task.cancel()
        await asyncio.gather(starting, ending, return_exceptions=True)
        await stop()
    if is_quiet:
        flush_log()
    else:
        say("\nStopped.")
    return 0


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Look for no garbage while modules are imported: they stay, and the search is a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def fail(text: str) -> None:
    """Print what went wrong."""
    flush_log()
    sys.stderr.write(f"{text}\n")
