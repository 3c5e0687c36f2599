"""The events over HTTP: those that are kept, and then each as it comes, one JSON record a line (NDJSON)."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from itertools import batched

from aiohttp import web

from signalr_local.inspector import guard, records
from signalr_local.inspector.events import Event, HostEvent
from signalr_local.inspector.journal import MAX_EVENTS, Journal

__all__ = ["send_events"]

_PAUSE = 0.2
"""Seconds between two looks at the journal: events wait for so long, and cost nothing as they happen."""

_REFILL = 8.0
"""Seconds after which as many events as are asked for at once may be sent again."""

_UNLIMITED = 10**9
"""More events than there are."""

_now = time.monotonic

_CHUNK = 100
"""Events that are written at a time, so that a long history holds up nobody."""


async def send_events(request: web.BaseRequest, journal: Journal) -> web.StreamResponse:
    """Answer with the events after number ``after``; with ``follow=true`` the answer has no end.

    ``limit`` is the most events of the first look, ``burst`` the most that are sent at once later. While more
    come, an eighth of it is sent a second: the runtime has something better to do. A record of the kind
    ``events_skipped`` says how many were left out, or are no longer kept.
    ``kind`` is a list of kinds. Raise ValueError for a parameter that is not valid.
    """
    query = request.rel_url.query
    seq, limit = _number(query.get("after", "0")), _number(query.get("limit", str(MAX_EVENTS)))
    burst = _number(query.get("burst", str(_UNLIMITED)))
    follows = query.get("follow", "false").lower() == "true"
    kinds = frozenset(filter(None, query.get("kind", "").split(",")))
    # A number from before a restart of the runtime is larger than any.
    seq = min(seq, journal.last) if seq <= journal.last else 0
    response = web.StreamResponse(headers={**guard.HEADERS, "Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    left, looked = float(burst), _now()
    while True:
        found = list(journal.after(seq, limit))
        skipped = journal.last - seq - len(found)
        seq = journal.last
        if skipped > 0:
            await response.write(_skipped(skipped).encode())
        known = list(journal.known())
        for events in batched(_of_kinds(found, kinds), _CHUNK, strict=False):
            lines = [records.line(event, known) for event in events]
            await response.write(("\n".join(lines) + "\n").encode())
            await asyncio.sleep(0)
        if not follows:
            break
        # To wake somebody with every event would cost those who cause it.
        while journal.last == seq:  # noqa: ASYNC110
            await asyncio.sleep(_PAUSE)
        await asyncio.sleep(_PAUSE)
        now = _now()
        left, looked = min(burst, left + (now - looked) * burst / _REFILL), now
        limit = max(1, int(left))
        left -= min(limit, journal.last - seq)
    await response.write_eof()
    return response


def _of_kinds(events: Iterable[Event], kinds: frozenset[str]) -> Iterator[Event]:
    for event in events:
        if not kinds or (event.name if isinstance(event, HostEvent) else event.kind) in kinds:
            yield event


def _skipped(count: int) -> str:
    record = {
        "schema_version": records.SCHEMA_VERSION,
        "kind": "events_skipped",
        "timestamp": records.timestamp(time.time()),
        "count": count,
    }
    return json.dumps(record) + "\n"


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise ValueError(f"{text[:20]!r} is not a number of events")
    return int(text)
