"""Keys and tokens, which no event shows."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from serverless_signalr.protocol.claims import Claims

__all__ = ["HIDDEN", "hidden", "secrets_in", "without_secrets"]

HIDDEN = "(hidden)"

_NAME = (
    r"(?:(?:access|id|refresh)[_-]?token|token|(?:access|account|api|shared[_-]?access|functions)[_-]?key"
    r"|shared[_-]?access[_-]?signature|(?:client[_-]?)?secret|passw(?:or)?d|pwd|authorization|(?:set-)?cookie"
    r"|x-asrs-signature)"
)

_NAME_ENDS = re.compile(rf"{_NAME}$")
_TAILS = re.compile(
    # The name of a member of JSON, which may be in a text of JSON in turn, so that its quotes are escaped, of
    # a dict as Python shows it, of a parameter or of a header. Names are searched by how they end: that is
    # several times as fast.
    r"(token|key|signature|secret|passw(?:or)?d|pwd|authorization|cookie)"
    r"""(?:\\*"\s*:\s*(?P<list>\[\s*)?(?P<quote>\\{0,31}")|(?P<dict>'\s*:\s*')|(?P<parameter>=|%3d)|(?P<header>:\s+))"""
)
_WORDS = ("token", "key", "signature", "secret", "passw", "pwd", "authorization", "cookie")
_WHOLE_HEADERS = ("authorization", "cookie")
_VALUES = {
    "dict": re.compile(r"[^'\\]+"),
    "parameter": re.compile(r"""[^&;\s"\\,'<>]+"""),
    # A sentence may have a colon too: what follows is no word.
    "header": re.compile(r"""(?=[^\s"\\,;']*[0-9+/=_-])[^\s"\\,;']{8,}"""),
}
_REST_OF_LINE = re.compile(r'[^"\\\r\n]+')

# Each with what a text must hold for it to be worth a search; what the first group matches stays.
_PATTERNS = [
    (hints, re.compile(pattern, re.IGNORECASE))
    for hints, pattern in (
        (("code=", "sig=", "code%3d", "sig%3d"), r"""((?:\b|%3f|%26)(?:code|sig)(?:=|%3d))[^&;\s"\\,'<>]+"""),
        (("@",), r'(://)[^/@\s"\\:]*:[^/@\s"\\]+(?=@)'),
        (("bearer ", "basic "), r"((?:bearer|basic)\s+)[a-z0-9+/=._~-]{8,}"),
        (("eyj",), r"(\b)eyj[a-z0-9_-]+(?:\.[a-z0-9_-]+){0,2}"),
    )
]

_PAIRS = re.compile(rf"(?:^|[?&;])(?:{_NAME}|code|sig)=([^&;]+)", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"^{_NAME}$", re.IGNORECASE)

_LEAST = 8
"""A shorter secret is no more than a word, which would be hidden everywhere."""


def hidden(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text, such as a line of JSON, without what looks like a secret and without known ones."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    lowered = text.lower()
    if any(word in lowered for word in _WORDS):
        text = _without_named(text, lowered)
        lowered = text.lower()
    for hints, pattern in _PATTERNS:
        if any(hint in lowered for hint in hints):
            text = pattern.sub(_hide, text)
    return text


def _without_named(text: str, lowered: str) -> str:
    """Return a text without the values of members and parameters that are called like a secret."""
    if len(lowered) != len(text):
        # A few letters have no lower case of the same length.
        lowered = "".join(sign.lower() if sign.isascii() else sign for sign in text)
    pieces, last = [], 0
    for found in _TAILS.finditer(lowered):
        if found.start() < last or not _NAME_ENDS.search(lowered, max(0, found.start() - 24), found.end(1)):
            continue
        value = _value_pattern(found).match(text, found.end())
        if value is not None:
            pieces += [text[last : found.end()], HIDDEN]
            last = value.end()
    return "".join((*pieces, text[last:])) if pieces else text


def _value_pattern(found: "re.Match[str]") -> "re.Pattern[str]":
    if found["quote"]:
        return _strings(found["quote"], is_list=found["list"] is not None)
    if found["header"] and found[1] in _WHOLE_HEADERS:
        return _REST_OF_LINE
    return _VALUES[str(found.lastgroup)]


@cache
def _strings(quote: str, *, is_list: bool) -> "re.Pattern[str]":
    """Return the pattern of a JSON string up to its closing quote, or of all strings of a list.

    In JSON that is a string of other JSON, ``quote`` has backslashes before it. A backslash of the string
    itself is then written as one more than these.
    """
    backslash = r"\\" * len(quote)
    quote = re.escape(quote)
    string = rf'(?:[^"\\]|{backslash}(?:{backslash}|{quote}|[^"\\]))'
    more = rf'(?:{quote}\s*,[^"\\\[\]{{}}]*{quote}{string}*+)'
    return re.compile(rf"{string}*+{more}*+" if is_list else f"{string}++")


def _hide(found: "re.Match[str]") -> str:
    return f"{found[1]}{HIDDEN}"


def without_secrets(claims: Claims) -> dict[str, tuple[str, ...]]:
    """Return claims without the values of those that are secrets by their name."""
    return {
        name: tuple(HIDDEN for _ in values) if _SECRET_NAME.search(name) else tuple(values)
        for name, values in claims.items()
    }


def secrets_in(texts: Iterable[str]) -> Iterator[str]:
    """Yield the secrets in connection strings and addresses, to be hidden wherever they turn up alone."""
    for text in texts:
        for found in _PAIRS.finditer(text):
            if len(found[1]) >= _LEAST:
                yield found[1]
