"""Keys and tokens, which no event shows."""

import re
from collections.abc import Iterable, Iterator

from serverless_signalr.protocol.claims import Claims

__all__ = ["HIDDEN", "hidden", "secrets_in", "without_secrets"]

HIDDEN = "(hidden)"

_NAME = (
    r"(?:(?:access|id|refresh)[_-]?token|token|(?:access|account|api|shared[_-]?access|functions)[_-]?key"
    r"|shared[_-]?access[_-]?signature|(?:client[_-]?)?secret|passw(?:or)?d|authorization|(?:set-)?cookie"
    r"|x-asrs-signature)"
)

_NAME_ENDS = re.compile(rf"{_NAME}$")
_TAILS = re.compile(
    # The name of a member of JSON, which may be in a text of JSON in turn, so that its quotes are escaped, or
    # that of a parameter. Names are searched by how they end: that is several times as fast.
    r'(token|key|signature|secret|passw(?:or)?d|authorization|cookie)(?:\\*"\s*:\s*\\*"|=)'
)
_WORDS = ("token", "key", "signature", "secret", "passw", "authorization", "cookie")
_IN_QUOTES = re.compile(r'[^"\\]+')
_PLAIN = re.compile(r"""[^&;\s"\\,'<>]+""")

# Each with what a text must hold for it to be worth a search; what the first group matches stays.
_PATTERNS = [
    (hints, re.compile(pattern, re.IGNORECASE))
    for hints, pattern in (
        (("code=", "sig="), r"""(\b(?:code|sig)=)[^&;\s"\\,'<>]+"""),
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
        value = (_PLAIN if found[0].endswith("=") else _IN_QUOTES).match(text, found.end())
        if value is not None:
            pieces += [text[last : found.end()], HIDDEN]
            last = value.end()
    return "".join((*pieces, text[last:])) if pieces else text


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
