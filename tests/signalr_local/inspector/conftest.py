"""What the tests of the inspector share: an emulator with an inspector, and an app that answers it."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from signalr_local.emulator import UpstreamRule
from signalr_local.inspector.endpoint import Inspector
from signalr_local.inspector.journal import Journal
from tests.signalr_local.emulator.conftest import (
    App,
    Reply,
    Service,
    Start,
    app,
    echo,
    nothing_remains,
    service,
    start,
)

__all__ = ["app", "nothing_remains", "service", "start"]


@dataclass
class Watched:
    """An emulator, the app behind it, and what its inspector shows."""

    service: Service
    app: App
    journal: Journal
    inspector: Inspector

    async def get(self, path: str, query: str = "", headers: Mapping[str, str] | None = None) -> Reply:
        bearer = {"Authorization": f"Bearer {self.inspector.token}"}
        return await self.service.request("GET", f"/_inspect{path}?{query}", headers=headers or bearer)

    async def post(self, path: str, value: object, status: int = 200) -> Any:
        headers = {
            "Authorization": f"Bearer {self.inspector.token}",
            "Content-Type": "application/json",
        }
        reply = await self.service.request(
            "POST", f"/_inspect{path}", headers=headers, data=json.dumps(value).encode()
        )
        assert reply.status == status, reply.text
        return reply.json()

    async def events(self, *kinds: str) -> list[Any]:
        """Return the events of some kinds, or all of them."""
        reply = await self.get("/events", f"kind={','.join(kinds)}")
        return [json.loads(line) for line in reply.text.splitlines()]


@pytest.fixture
async def watched(start: Start, app: App) -> AsyncIterator[Watched]:
    """Run an emulator whose events an app takes, which answers calls of ``echo``."""
    app.answers["echo"] = echo
    service = await start([UpstreamRule(f"{app.url}?code=planted-webhook-code")])
    journal = Journal()
    inspector = Inspector(service.emulator, journal)
    yield Watched(service, app, journal, inspector)
    await inspector.stop()
