"""Keys and tokens, which no event shows."""

import re
from collections.abc import Iterable, Iterator

from serverless_signalr.protocol.claims import Claims

__all__ = ["HIDDEN", "hidden", "secrets_in", "without_secrets"]

HIDDEN = "(hidden)"

_HINTS = ("eyj", "oken", "key", "auth", "secret", "passw", "code=", "sig=", "bearer", "://", "cookie")
"""What a text holds that may hold a secret: to look for this is far cheaper than the expression."""

_NAME = (
    r"(?:access[_-]?token|id[_-]?token|refresh[_-]?token|token|access[_-]?key|account[_-]?key|api[_-]?key"
    r"|shared[_-]?access[_-]?(?:key|signature)|functions[_-]?key|x-functions-key|client[_-]?secret|secret"
    r"|password|passwd|authorization|cookie|set-cookie|x-asrs-signature)"
)

_SECRETS = re.compile(
    # A member of JSON, which may be in a text of JSON in turn.
    rf'(?P<member>\\*"{_NAME}\\*"\s*:\s*\\*")[^"\\]+'
    # A parameter of a query, or a part of a connection string.
    rf'|(?P<pair>(?:(?<=[?&;,\s"])|^|\b)(?:{_NAME}|code|sig)=)[^&;\s"\\,\'<>]+'
    # Credentials in the address of a URL.
    r'|(?P<user>://)[^/@\s"\\:]*:[^/@\s"\\]+(?=@)'
    r"|(?P<scheme>\b(?:bearer|basic)\s+)[A-Za-z0-9+/=._~-]{8,}"
    r"|(?P<jwt>)\beyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){0,2}",
    re.IGNORECASE,
)

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
    if not any(hint in lowered for hint in _HINTS):
        return text
    return _SECRETS.sub(lambda found: f"{found[found.lastgroup or 'jwt']}{HIDDEN}", text)


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
