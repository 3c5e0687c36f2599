"""Paged lists of the connections in a group."""

from urllib.parse import urlencode

from signalr_local.emulator.call import Call, invalid
from signalr_local.emulator.connection import Connection

__all__ = ["list_group"]

_MAX_PAGE = 200
_MAX_TOP = 2**31 - 1


def list_group(call: Call) -> dict[str, object]:
    """Return one page, ordered by connection id, and the URL of the next page if there is one."""
    group = call.names["group"]
    size = _number(call, "maxpagesize", _MAX_PAGE, _MAX_PAGE)
    top = _number(call, "top", None, _MAX_TOP)
    after = call.query.get("continuationToken") or ""
    members = sorted(call.hub.in_group(group), key=lambda member: member.connection_id)
    rest = [member for member in members if member.connection_id > after]
    page = rest[: size if top is None else min(size or 0, top)]
    value = [_shown(member) for member in page]
    left = None if top is None else top - len(page)
    if len(page) == len(rest) or left == 0:
        return {"value": value}
    query = {} if left is None else {"top": str(left)}
    query |= {"maxpagesize": str(size), "continuationToken": page[-1].connection_id}
    query |= {name: call.query[name] for name in ("application", "api-version") if name in call.query}
    return {"value": value, "nextLink": f"{call.url}?{urlencode(query)}"}


def _shown(member: Connection) -> dict[str, str]:
    user = {} if member.user_id is None else {"userId": member.user_id}
    return {"connectionId": member.connection_id, **user}


def _number(call: Call, name: str, default: int | None, most: int) -> int | None:
    text = call.query.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
    if not 1 <= number <= most:
        raise invalid(f"{name} is {text[:20]!r}, expected a number from 1 to {most:,}.", name)
    return number
