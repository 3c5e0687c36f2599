"""Timers, and functions that are fired by hand, held to what the real host did."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.signalr_local.host.recorded.answers import compare
from tests.signalr_local.host.recorded.apps import Replayed, copy_app, running, write_app
from tests.signalr_local.host.recorded.cases import Case, check, load, parameters

pytestmark = pytest.mark.asyncio(loop_scope="module")

_CASES = {
    kind: [case for case in load("host/timers") if case["kind"] == kind]
    for kind in ("schedule", "runs", "post")
}
_HEAD = """import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""
_TIMER = """
@app.timer_trigger(schedule={schedule!r}, arg_name="timer", use_monitor=False)
def {name}(timer: func.TimerRequest) -> None:
    pass
"""


def _name(case: Case) -> str:
    return f"t{_CASES['schedule'].index(case)}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def schedules(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replayed]:
    """Run an app that has a timer for every schedule of the data."""
    cases, settings = _CASES["schedule"], dict[str, str]()
    for case in cases:
        settings |= case.get("settings", {})
    code = _HEAD + "".join(_TIMER.format(schedule=case["schedule"], name=_name(case)) for case in cases)
    files = {"function_app.py": code, "host.json": '{"version": "2.0"}'}
    async with running(write_app(files, settings, tmp_path_factory.mktemp("schedules") / "app")) as replayed:
        yield replayed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def timers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Replayed]:
    async with running(copy_app("timers", tmp_path_factory.mktemp("timers") / "app")) as replayed:
        yield replayed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def runs(timers: Replayed) -> list[dict[str, Any]]:
    """Return what the timers did in the seconds that were recorded."""
    await asyncio.sleep(max(case["seconds"] for case in _CASES["runs"]))
    return await _seen(timers)


async def _seen(timers: Replayed, method: str = "GET") -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads((await timers.get("/api/seen", method)).body)
    return runs


@pytest.mark.parametrize("case", parameters(_CASES["schedule"]))
async def test_a_schedule_is_taken_as_recorded(schedules: Replayed, case: Case) -> None:
    assert schedules.host.instance is not None
    error = schedules.host.instance.table.errors.get(_name(case))
    real = case["real"]
    found = [] if (error is None) == real["accepted"] else [f"{error or 'accepted'}, real {real}"]
    if "log" in real and not any(
        f"'{_name(case)}'" in line and real["log"] in line for line in schedules.log
    ):
        found.append(f"the log lacks {real['log']}")
    check(case, found)


@pytest.mark.parametrize("case", parameters(_CASES["runs"]))
async def test_a_timer_runs_as_recorded(runs: list[dict[str, Any]], case: Case) -> None:
    mine = [run for run in runs if run["name"] == case["function"]]
    low, high = case["real"]["runs"]
    found = [] if low <= len(mine) <= high else [f"{len(mine)} runs, real {low} to {high}"]
    times = sorted((run["begin"], run["end"]) for run in mine)
    if any(later[0] < earlier[1] - 0.001 for earlier, later in pairwise(times)):
        found.append("two runs at a time, real one")
    for name, value in case["real"].get("argument", {}).items():
        if mine and mine[0][name] != value:
            found.append(f"{name} {mine[0][name]!r}, real {value!r}")
    check(case, found)


@pytest.mark.parametrize("case", parameters(_CASES["post"]))
async def test_a_function_is_fired_as_recorded(
    tmp_path: Path, runs: list[dict[str, Any]], timers: Replayed, case: Case
) -> None:
    await _seen(timers, "DELETE")
    answer = await timers.send(case["request"])
    found = compare(answer, case["real"], None, timers.port, timers.app)
    ran = 0
    for _ in range(80):
        ran = sum(run["name"] == case["function"] for run in await _seen(timers))
        if case["real"]["ran"] and ran == case["real"]["ran"]:
            break
        await asyncio.sleep(0.01)
    if ran != case["real"]["ran"]:
        found.append(f"ran {ran} times, real {case['real']['ran']}")
    check(case, found)
