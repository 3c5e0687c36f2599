"""Lines of a stream of bytes that arrives in pieces."""

import re

__all__ = ["LineCutter"]

_MAX_LINE = 1 << 20
"""Bytes after which a line is passed on although it has not ended."""

_BREAK = re.compile(rb"([\r\n])")


class LineCutter:
    """A cutter of bytes into lines, which end in ``\\n``, ``\\r\\n`` or ``\\r``.

    A progress bar, which goes back to the start of its line each time, is a line for each of its states.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._is_passed_on = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the lines that have ended."""
        found = []
        for part in _BREAK.split(data):
            if part == b"\r":
                if self._rest:
                    found.append(self._take())
                    self._is_passed_on = True
            elif part == b"\n":
                if self._rest or not self._is_passed_on:
                    found.append(self._take())
                self._is_passed_on = False
            else:
                self._rest += part
                if len(self._rest) > _MAX_LINE:
                    found.append(self._take())
                    self._is_passed_on = True
        return found

    def end(self) -> list[bytes]:
        """Return the last line, which no line break ends, if there is one."""
        return [self._take()] if self._rest else []

    def _take(self) -> bytes:
        line = bytes(self._rest)
        self._rest.clear()
        return line
