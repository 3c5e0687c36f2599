"""The console: what the runtime and the app say, in the manner of Core Tools.

Source: ColoredConsoleLogger of Azure Functions Core Tools; host.json's logLevel for what is shown.
"""

import asyncio
import errno
import io
import logging
import os
import re
import signal
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

from signalr_local.host.call_log import CallHandler

__all__ = ["ConsoleFormatter", "LevelFilter", "flush_log", "install", "lose", "say"]

_LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
_PAUSE = 0.01

_COLOR = re.compile(r"(\x1b\[[0-9;]*m)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")

_RED, _YELLOW, _RESET = "\x1b[31m", "\x1b[33m", "\x1b[0m"


def say(text: str) -> None:
    """Print a line that is no record of the log: the list of functions, say."""
    flush_log()
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as error:
        lose(sys.stdout, error)


def flush_log() -> None:
    """Write what was logged and is not written yet."""
    for handler in logging.getLogger("signalr_local").handlers:
        handler.flush()


class ConsoleFormatter(logging.Formatter):
    """Put the time, in UTC to the millisecond, before every line of a record; colour says how bad it is."""

    def __init__(self, *, colored: bool) -> None:
        super().__init__()
        self._colored = colored

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return self.lines(record.created, record.levelno, self.text(record))

    def text(self, record: logging.LogRecord) -> str:
        """Return what a record says, with its exception, without the time."""
        is_plain = record.exc_info is None and record.stack_info is None
        return record.getMessage() if is_plain else super().format(record)

    def lines(self, created: float, level: int, text: str) -> str:
        """Return the lines of a text that was logged at a time, in seconds since 1970."""
        prefix = _time(int(created * 1000))
        color = self._color(level) if self._colored else ""
        if not color and text.isprintable():
            return f"{prefix}{text}"
        end = _RESET if color else ""
        return "\n".join(f"{prefix}{color}{_printable(line)}{end}" for line in text.splitlines() or [""])

    def _color(self, level: int) -> str:
        if level < logging.WARNING:
            return ""
        return _RED if level >= logging.ERROR else _YELLOW


# To make a time from a number takes longer than all the rest of a line.
@lru_cache(maxsize=1)
def _time(millisecond: int) -> str:
    second, rest = divmod(millisecond, 1000)
    return f"[{_date(second)}.{rest:03d}Z] "


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


class LevelFilter(logging.Filter):
    """Let through what host.json's ``logLevel`` lets through.

    The longest category that begins a record's ``category`` decides, ``default`` where there is none.
    Records without a category are the runtime's own, which host.json does not quieten.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__()
        self._own = logging.DEBUG if verbose else logging.INFO
        self._levels: dict[str, int] = {}
        self._found: dict[str, int] = {}

    def configure(self, log_levels: Mapping[str, str]) -> None:
        """Take the levels of a host.json, which may change while the host runs."""
        self._levels = {
            name.lower(): _LEVELS.get(str(level).lower(), logging.INFO) for name, level in log_levels.items()
        }
        self._found.clear()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is shown."""
        return self.shows(record.levelno, getattr(record, "category", None))

    def shows(self, level: int, category: str | None) -> bool:
        """Tell whether what is said of a category is shown."""
        if category is None:
            return level >= self._own
        least = self._found.get(category)
        if least is None:
            least = self._found[category] = self._level(category.lower())
        return level >= least

    def _level(self, category: str) -> int:
        parts = category.split(".")
        for length in range(len(parts), 0, -1):
            found = self._levels.get(".".join(parts[:length]))
            if found is not None:
                return found
        return self._levels.get("default", logging.INFO)


def install(stream: TextIO | None = None, *, verbose: bool = False) -> LevelFilter:
    """Show the log of the local runtime on a stream, standard output unless told.

    With ``verbose``, what the runtime itself does is shown in detail.
    """
    stream = stream or sys.stdout
    # Nothing here shows them, and to find them out is half of what a record costs.
    logging.logThreads = logging.logProcesses = False
    logging.logMultiprocessing = False
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]
    if isinstance(stream, io.TextIOWrapper):
        # What a client sent, and a function logs, may be what the terminal has no letter for.
        stream.reconfigure(errors="backslashreplace")
    levels = LevelFilter(verbose=verbose)
    logger = logging.getLogger("signalr_local")
    logger.handlers = [_Handler(stream, levels)]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return levels


class _Handler(CallHandler, logging.StreamHandler[TextIO]):
    """Write records to the console, and end the runtime when nobody reads it any more.

    What is logged within a hundredth of a second is written together.
    """

    def __init__(self, stream: TextIO, levels: LevelFilter) -> None:
        super().__init__(stream)
        self._levels = levels
        self.addFilter(levels)
        self._formatter = ConsoleFormatter(colored=stream.isatty())
        self._waiting: list[tuple[float, int, str]] = []
        self._last: logging.LogRecord | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record, to be written soon."""
        try:
            text = self._formatter.text(record)
        except Exception:  # noqa: BLE001 - as logging has it
            self.handleError(record)
            return
        self._last = record
        self._put((record.created, record.levelno, text))

    def take_call(
        self,
        level: int,
        text: str,
        category: str,
        event: dict[str, Any],  # noqa: ARG002 - others show it
        created: float,
    ) -> None:
        """Take a line about a call, to be written soon."""
        if self._levels.shows(level, category):
            with self.lock or nullcontext():
                self._put((created, level, text))

    def _put(self, said: tuple[float, int, str]) -> None:
        self._waiting.append(said)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            if len(self._waiting) == 1:
                loop.call_later(_PAUSE, self.flush)

    def flush(self) -> None:
        """Write what was taken."""
        with self.lock or nullcontext():
            waiting, self._waiting = self._waiting, []
            try:
                if waiting:
                    lines = self._formatter.lines
                    self.stream.write("\n".join([lines(*said) for said in waiting]) + "\n")
                self.stream.flush()
            except OSError as error:
                lose(self.stream, error)
            except Exception:  # noqa: BLE001 - as logging has it
                if self._last is not None:
                    self.handleError(self._last)


def lose(stream: TextIO, error: OSError) -> None:
    """Go on without a stream that cannot be written any more: on a full disk, say.

    If it is standard output and nobody reads it (``signalr-local | head``), end as other programs do.
    """
    # What it has not written yet must not fail again at the end.
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
    # Windows may call a pipe without a reader an invalid argument.
    if isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL):
        if stream is sys.stdout:
            signal.raise_signal(signal.SIGTERM)
        return
    name = "Standard output" if stream is sys.stdout else stream.name
    with suppress(OSError):
        sys.stderr.write(
            f"{name} cannot be written any more: {error.strerror}. The local runtime goes on without it.\n"
        )


def _printable(line: str) -> str:
    """Return a line without anything that a terminal would obey, but for colours."""
    if line.isprintable():
        return line
    parts = _COLOR.split(line)
    parts[::2] = [_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", part) for part in parts[::2]]
    return "".join(parts)
