"""Standard output of the app: a text stream whose lines become records of the log."""

import io
import logging
import threading
from collections.abc import Buffer, Callable

from azure_functions_runtime import invocation_id_cv

from .lines import LineCutter

__all__ = ["Output"]

type Emit = Callable[[int, str, str | None], None]
"""Take a level of the logging module, a text and the id of the invocation, if any."""


class Output(io.TextIOWrapper):
    """A stand-in for ``sys.stdout`` that passes on every printed line with its invocation.

    What a program may do with standard output works: ``buffer``, ``reconfigure``, ``fileno`` (which leads to
    the log as well, without the invocation). Lines of different threads or invocations do not mix.
    """

    def __init__(self, emit: Emit) -> None:
        self._lines = _Lines(emit)
        super().__init__(
            self._lines,
            encoding="utf-8",
            errors="surrogatepass",
            newline="\n",
            write_through=True,
        )
        self._lines.encoding = lambda: self.encoding

    def end_of(self, invocation: str | None) -> None:
        """Pass on what an invocation printed after its last line break."""
        self._lines.end_of(invocation)


class _Lines(io.RawIOBase):
    """The bytes below, collected for each thread of each invocation and passed on as whole lines."""

    name = "<stdout>"
    mode = "wb"

    def __init__(self, emit: Emit) -> None:
        self.encoding: Callable[[], str] = lambda: "utf-8"
        self._emit = emit
        self._lock = threading.Lock()
        self._cutters: dict[tuple[str | None, int], LineCutter] = {}

    @property
    def raw(self) -> "_Lines":
        """Return this stream: nothing is buffered before it."""
        return self

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, data: Buffer, /) -> int:
        invocation = invocation_id_cv.get()
        given = bytes(data)
        with self._lock:
            cutter = self._cutters.setdefault((invocation, threading.get_ident()), LineCutter())
            lines = cutter.feed(given)
        self._pass_on(lines, invocation)
        return len(given)

    def end_of(self, invocation: str | None) -> None:
        if not self._cutters:
            return
        with self._lock:
            found = [key for key in self._cutters if key[0] == invocation]
            lines = [line for key in found for line in self._cutters.pop(key).end()]
        self._pass_on(lines, invocation)

    def _pass_on(self, lines: list[bytes], invocation: str | None) -> None:
        for line in lines:
            self._emit(logging.INFO, self._decode(line), invocation)

    def _decode(self, data: bytes) -> str:
        try:
            return data.decode(self.encoding(), errors="surrogatepass")
        except (UnicodeError, LookupError):
            return data.decode(errors="replace")
