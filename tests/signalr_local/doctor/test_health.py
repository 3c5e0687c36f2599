"""The app's own word about its connection to the service."""

import json

import pytest
from aiohttp import web

from tests.signalr_local.doctor.apps import NAME, listed
from tests.signalr_local.doctor.deployment import Azure

HEALTH = listed(
    "health",
    {"type": "httpTrigger", "name": "req", "direction": "in", "route": "health", "methods": ["GET"]},
)


@pytest.mark.parametrize(
    ("status", "body", "rule", "state", "seen"),
    [
        (200, {"status": "healthy"}, "app.health", "ok", "the app reaches its service"),
        (
            503,
            {"status": "unhealthy", "instances": [{"setting": NAME, "problem": "the key is wrong"}]},
            "app.health",
            "error",
            f"{NAME}: the key is wrong",
        ),
        (401, {}, "app.health-closed", "note", "it lets only others in (status 401)"),
        (500, {}, "app.health-answer", "warning", "it answers with status 500"),
        (503, [], "app.health-answer", "warning", "it answers with status 503"),
    ],
)
async def test_the_app_is_asked_how_it_is(
    azure: Azure,
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: object,
    rule: str,
    state: str,
    seen: str,
) -> None:
    azure.described.functions.append(HEALTH)
    azure.front.answers["/api/health"] = web.json_response(body, status=status)
    _, printed = await azure.doctor(capsys, "--output", "json")
    found = {item["rule"]: item for item in json.loads(printed)["findings"]}[rule]
    assert found["state"] == state
    assert seen in found["seen"]
    [asked] = [item for item in azure.front.seen if item.path == "/api/health"]
    assert asked.headers["x-functions-key"] == "function-key"
    assert "function-key" not in printed
