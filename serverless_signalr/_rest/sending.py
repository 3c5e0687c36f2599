"""Operations that take several requests, such as streams, and the parts that requests share."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta

from serverless_signalr._rest.addressees import Addressee, Addressees, exclusions, stream
from serverless_signalr._rest.encoding import json_body
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.responses import Response
from serverless_signalr.errors import HubException, PartialSendError, ServiceError

__all__ = [
    "Run",
    "close_operation",
    "complete_stream",
    "reason_query",
    "send_each",
    "send_items",
    "send_stream_item",
    "token_query",
    "ttl_query",
]

type Run = Callable[[Operation], Awaitable[Response]]


def close_operation(addressee: Addressee, excluded: Iterable[str], reason: str | None) -> Operation:
    """Return the operation that closes the connections of an addressee except the excluded ones."""
    query = [*exclusions(excluded), *reason_query(reason)]
    return Operation("POST", f"{addressee.path}/:closeConnections", query)


def reason_query(reason: str | None) -> list[tuple[str, str]]:
    """Return the query with the reason for closing a connection."""
    return [] if reason is None else [("reason", reason)]


def ttl_query(ttl: timedelta | None) -> list[tuple[str, str]]:
    """Return the query that limits a user's membership in a group. Raise ValueError if it is negative."""
    if ttl is None:
        return []
    if ttl < timedelta(0):
        raise ValueError(f"ttl is {ttl.total_seconds():g} seconds, expected 0 or more")
    return [("ttl", str(math.ceil(ttl.total_seconds())))]


def token_query(user_id: str | None, lifetime: timedelta) -> list[tuple[str, str]]:
    """Return the query of a request for a client token."""
    query = [("minutesToExpire", str(max(1, math.ceil(lifetime / timedelta(minutes=1)))))]
    return query if user_id is None else [*query, ("userId", user_id)]


async def send_each(run: Run, addressees: Addressees, target: str, body: bytes, max_parallel: int) -> None:
    """Send a message to each addressee. Raise PartialSendError with the error of each that failed."""
    operations = [
        (name, Operation("POST", f"{path}/:send", body=body, is_repeatable=False, target=target))
        for name, path in addressees.paths.items()
    ]
    waiting = iter(operations)
    failures: dict[str, ServiceError] = {}

    async def work() -> None:
        for name, operation in waiting:
            try:
                await run(operation)
            except ServiceError as error:
                failures[name] = error

    async with asyncio.TaskGroup() as workers:
        for _ in range(min(max_parallel, len(operations))):
            workers.create_task(work())
    if failures:
        raise _partial(addressees.kind, failures, len(operations))


def send_stream_item(connection_id: str, stream_id: str, item: object, *, completed: bool) -> Operation:
    """Return the operation that sends one item of a stream."""
    path = f"{stream(connection_id, stream_id)}/:send"
    query = [("completed", "true")] if completed else []
    return Operation("POST", path, query, json_body(item), is_repeatable=False)


def complete_stream(connection_id: str, stream_id: str, error: str | None = None) -> Operation:
    """Return the operation that ends a stream."""
    path = f"{stream(connection_id, stream_id)}/:complete"
    # The OpenAPI file of the service names it reason; Microsoft's own client sends error.
    query = [] if error is None else [("reason", error), ("error", error)]
    return Operation("POST", path, query, is_repeatable=False)


async def send_items(
    run: Run, connection_id: str, stream_id: str, items: Iterable[object] | AsyncIterable[object]
) -> None:
    """Send the items of a stream in order, then complete it, with an error if an item raised one."""
    try:
        async with AsyncExitStack() as closing:
            if isinstance(items, AsyncGenerator):
                # Release the generator's resources now, not when it is collected.
                await closing.enter_async_context(aclosing(items))
            async for item in _each(items):
                await run(send_stream_item(connection_id, stream_id, item, completed=False))
    except (Exception, asyncio.CancelledError) as raised:
        told = str(raised) if isinstance(raised, HubException) else "The stream failed on the server."
        try:
            await run(complete_stream(connection_id, stream_id, told))
        except ServiceError as error:
            raised.add_note(f"the stream could not be completed, so the client keeps waiting: {error}")
        raise
    await run(complete_stream(connection_id, stream_id))


async def _each(items: Iterable[object] | AsyncIterable[object]) -> AsyncIterable[object]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item


def _partial(kind: str, failures: dict[str, ServiceError], tried: int) -> PartialSendError:
    shown = "; ".join(f"{name}: {error}" for name, error in list(failures.items())[:3])
    more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
    return PartialSendError(f"sending to {len(failures)} of {tried} {kind} failed: {shown}{more}", failures)
