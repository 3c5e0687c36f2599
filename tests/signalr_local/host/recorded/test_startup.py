"""Apps that start, or do not, held to what the real host did with them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.signalr_local.host.recorded.answers import compare
from tests.signalr_local.host.recorded.apps import Replayed, running, write_app
from tests.signalr_local.host.recorded.cases import Case, check, load, parameters


@pytest.mark.parametrize("case", parameters(load("host/startup")))
async def test_an_app_starts_as_recorded(tmp_path: Path, case: Case) -> None:
    app = write_app(case["files"], case.get("settings"), tmp_path / "app")
    async with running(app) as replayed:
        check(case, await _differences(replayed, case))


async def _differences(replayed: Replayed, case: Case) -> list[str]:
    real: dict[str, Any] = case["real"]
    # A host that says why it cannot run and ends counts as one that answers 503 for ever.
    accepted = {"Exited": "Error"}
    states = {accepted.get(state, state) for state in case.get("accept") or [real["state"]]}
    state = "Error" if replayed.error else "Running"
    found = (
        [] if state in states else [f"{state} {replayed.error}, real {real['state']} {real.get('errors')}"]
    )
    if state == "Error":
        return found
    for request, expected in zip(case.get("requests", ()), real["requests"], strict=True):
        answer = await replayed.send(request, request.get("timeout_s", 30))
        if "Exited" in case.get("accept", ()):
            continue  # the real host was about to end
        differences = compare(answer, expected, None, replayed.port, replayed.app)
        found += [f"{expected['method']} {expected['target']}: {text}" for text in differences]
    if "parallel" in case:
        statuses = await _parallel(replayed, case["parallel"])
        if statuses != real["parallel"]:
            found.append(f"parallel {statuses}, real {real['parallel']}")
    instance = replayed.host.instance
    errors = instance.table.errors if instance else {}
    if set(errors) != set(real.get("functions_in_error", {})):
        found.append(f"functions in error {errors}, real {real.get('functions_in_error', {})}")
    log = "\n".join(replayed.log)
    for text, is_there in real.get("log", {}).items():
        if (text in log) != is_there:
            found.append(f"the log {'lacks' if is_there else 'has'} {text!r}")
    return found


async def _parallel(replayed: Replayed, wish: dict[str, Any]) -> list[int | str]:
    """Return the statuses of requests that were sent one shortly after the other."""

    async def one(position: int) -> int | str:
        await asyncio.sleep(position * wish["after_ms"] / 1000)
        return (await replayed.get(wish["target"])).status

    return sorted(await asyncio.gather(*map(one, range(wish["count"]))), key=str)
