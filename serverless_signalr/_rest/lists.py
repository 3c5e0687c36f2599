"""The paged lists of the service."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.responses import Response

__all__ = ["GroupConnection", "connections_of", "list_items"]

_MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class GroupConnection:
    """A connection in a group. ``user_id`` is None for an anonymous client."""

    connection_id: str
    user_id: str | None = None


class _Lists(Protocol):
    def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]: ...


def connections_of(
    sender: _Lists, group: str, top: int | None, page_size: int | None
) -> AsyncIterator[GroupConnection]:
    """Iterate over the connections below the path of a group.

    Raise ValueError for invalid numbers when called, before the iteration starts.
    """
    if top is not None and top < 1:
        raise ValueError(f"top is {top}, expected 1 or more")
    if page_size is not None and not 1 <= page_size <= _MAX_PAGE:
        raise ValueError(f"page_size is {page_size}, expected 1 to {_MAX_PAGE}")

    async def connections() -> AsyncIterator[GroupConnection]:
        async for item in sender.items(f"{group}/connections", top, page_size):
            yield GroupConnection(item["connectionId"], item.get("userId"))

    return connections()


async def list_items(
    run: Callable[[Operation], Awaitable[Response]], path: str, top: int | None, page_size: int | None
) -> AsyncIterator[dict[str, Any]]:
    """Iterate over up to ``top`` items of a list. Pages are fetched as the iteration reaches them."""
    fixed = [(name, str(value)) for name, value in (("top", top), ("maxpagesize", page_size)) if value]
    query, left = fixed, math.inf if top is None else top
    while True:
        page = (await run(Operation("GET", path, query))).json()
        for item in page["value"]:
            if not left:
                return
            left -= 1
            yield item
        # Only the token of the link is used: behind a proxy, its address may not be reachable.
        token = _continuation(page.get("nextLink"))
        if token is None or not left:
            return
        query = [*fixed, ("continuationToken", token)]


def _continuation(link: str | None) -> str | None:
    query = parse_qsl(urlsplit(link or "").query)
    return next((value for name, value in query if name.lower() == "continuationtoken"), None)
