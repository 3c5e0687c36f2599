"""JSON as Newtonsoft.Json reads and writes it, which Azure's host and its SignalR extension use.

It takes what strict JSON refuses (comments, trailing commas, single quotes, names without quotes, NaN), and
it turns texts that look like dates into dates.
"""

import json
import math
import re
from typing import Any

from signalr_local.host.dates import find_dates

__all__ = ["MAX_DEPTH", "JsonError", "check_depth", "clean", "read", "write"]

MAX_DEPTH = 64
"""Levels of lists and objects inside each other that are read."""

_TOO_DEEP = (
    f"The reader's MaxDepth of {MAX_DEPTH} has been exceeded: there are more levels of lists and objects."
)
_SPACE = re.compile(r"(?:\s|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[\w$]+")
_LITERAL = re.compile(r"-?[\w.+]+(?:-\d+)?")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TEXT = {quote: re.compile(rf"(?:[^\\{quote}]|\\.)*", re.DOTALL) for quote in "\"'"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", '"': '"', "'": "'"}
_WORDS: dict[str, object] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": None,
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}
# json.dumps would make an encoder anew for every value.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_SURROGATES = re.compile("[\ud800-\udfff]")


class JsonError(ValueError):
    """Say what is wrong with a JSON text, and where."""


def read(text: str, *, dates: bool = True, rest: bool = False) -> Any:
    """Return the value of a JSON text.

    With ``dates``, texts that look like dates become DateText. With ``rest``, whatever follows the value is
    not read. Raise JsonError for a text that cannot be read, or whose levels are more than MAX_DEPTH.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = _Reader(text).read(rest=rest)
    check_depth(value, text)
    return find_dates(value, text) if dates else value


def check_depth(value: object, text: str | None = None) -> None:
    """Raise JsonError for a value with more levels than MAX_DEPTH; ``text`` is what it was read from."""
    if text is not None and text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    level, depth = [value], 0
    while level := [
        item
        for part in level
        if isinstance(part, dict | list)
        for item in (part.values() if isinstance(part, dict) else part) or (None,)
    ]:
        depth += 1
        if depth > MAX_DEPTH:
            raise JsonError(_TOO_DEEP)


def write(value: object) -> str:
    """Return a value as JSON text that is always valid: NaN is a text, half a surrogate pair is U+FFFD."""
    try:
        text = _encode(value)
    except ValueError:
        text = _encode(_without_nan(value))
    return clean(text)


def clean(text: str) -> str:
    """Return a text that UTF-8 can carry: half a surrogate pair becomes U+FFFD, as .NET has it."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def _without_nan(value: object) -> object:
    match value:
        case dict():
            return {name: _without_nan(item) for name, item in value.items()}
        case list() | tuple():
            return [_without_nan(item) for item in value]
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case _:
            return value


class _Reader:
    """Read what the strict reader does not take."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def read(self, *, rest: bool) -> object:
        self._skip()
        if self._at == len(self._text):
            raise self._error("there is no value")
        value = self._value()
        self._skip()
        if not rest and self._at < len(self._text):
            raise self._error("additional text follows the value")
        return value

    def _value(self) -> object:
        match self._peek():
            case "{":
                return self._object()
            case "[":
                return self._list()
            case '"' | "'" as quote:
                return self._quoted(quote)
            case _:
                return self._literal()

    def _object(self) -> dict[str, object]:
        found: dict[str, object] = {}
        self._enter()
        while self._peek() != "}":
            quote = self._peek()
            name = self._quoted(quote) if quote in ("'", '"') else self._match(_WORD, "a member's name")
            self._skip()
            self._take(":")
            found[name] = self._value()
            if self._peek() != "}":
                self._take(",")
        self._leave()
        return found

    def _list(self) -> list[object]:
        found: list[object] = []
        self._enter()
        while self._peek() != "]":
            if self._peek() == ",":
                found.append(None)
            else:
                found.append(self._value())
            if self._peek() != "]":
                self._take(",")
        self._leave()
        return found

    def _quoted(self, quote: str) -> str:
        self._at += 1
        raw = self._match(_TEXT[quote], "a text")
        if self._text[self._at : self._at + 1] != quote:
            raise self._error("a text is not closed")
        self._at += 1
        text = _ESCAPE.sub(self._unescape, raw) if "\\" in raw else raw
        # Two escapes may be the halves of one character.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "\\u" in raw else text

    def _unescape(self, escape: re.Match[str]) -> str:
        code = escape[1]
        if len(code) > 1:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise self._error(f"\\{code} is no escape")
        return _ESCAPES[code]

    def _literal(self) -> object:
        word = self._match(_LITERAL, "a value")
        if word in _WORDS:
            return _WORDS[word]
        sign, digits = (-1, word[1:]) if word.startswith("-") else (1, word)
        try:
            if digits[:2].lower() == "0x":
                return sign * int(digits, 16)
            if digits[:1] == "0" and digits.isdecimal():
                return sign * int(digits, 8)
            if _NUMBER.fullmatch(word):
                return int(word) if digits.isdecimal() else float(word)
        except ValueError:
            pass
        raise self._error(f"{word[:40]} is no value")

    def _match(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self._text, self._at)
        if found is None or (not found[0] and pattern not in _TEXT.values()):
            raise self._error(f"expected {what}")
        self._at = found.end()
        return found[0]

    def _enter(self) -> None:
        self._at += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise JsonError(_TOO_DEEP)

    def _leave(self) -> None:
        self._at += 1
        self._depth -= 1

    def _take(self, character: str) -> None:
        if self._peek() != character:
            raise self._error(f"expected {character}")
        self._at += 1

    def _peek(self) -> str:
        self._skip()
        if self._at == len(self._text):
            raise self._error("the text ends too early")
        return self._text[self._at]

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None  # noqa: S101 - the pattern matches nothing too
        self._at = found.end()

    def _error(self, what: str) -> JsonError:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        return JsonError(f"{what}: line {line} column {column}")
