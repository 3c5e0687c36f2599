"""Cookies of a response, written as ASP.NET writes them anew.

Source: azure-functions-host, RawScriptResult and the worker's RpcHttpCookie; ASP.NET's ResponseCookies.
"""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import quote

__all__ = ["CookieError", "rewrite"]

_SAME_SITE = frozenset({"strict", "lax", "none"})


class CookieError(ValueError):
    """A cookie that the real host cannot send."""


def rewrite(cookie: str) -> str:
    """Return the value of a Set-Cookie header for one that a function set.

    The cookie's value is percent-encoded, so that base64 changes; quotes around it and an unknown SameSite
    go. Raise CookieError for a Max-Age or Expires that cannot be read.
    """
    first, *rest = [part.strip() for part in cookie.split(";")]
    name, _, value = first.partition("=")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    # The worker hands on what http.cookies reads: an escaped quote is a quote.
    value = value.replace('\\"', '"').replace("\\\\", "\\")
    parts = [f"{name}={quote(value, safe='-._~')}"]
    for attribute in rest:
        key, _, text = attribute.partition("=")
        parts += _attribute(key.strip().lower(), text.strip())
    return "; ".join(parts)


def _attribute(name: str, text: str) -> list[str]:
    match name:
        case "max-age":
            try:
                return [f"max-age={int(text)}"]
            except ValueError:
                raise CookieError(f"Max-Age is {text!r}, expected a number") from None
        case "expires":
            return [f"expires={_date(text)}"]
        case "samesite":
            return [f"samesite={text.lower()}"] if text.lower() in _SAME_SITE else []
        case "secure" | "httponly":
            return [name]
        case "domain" | "path" if text:
            return [f"{name}={text}"]
        case _:
            return []


def _date(text: str) -> str:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        raise CookieError(
            f"Expires is {text!r}, expected a date such as Wed, 09 Jun 2027 10:18:14 GMT"
        ) from None
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return format_datetime(datetime.fromtimestamp(aware.timestamp(), UTC), usegmt=True)
