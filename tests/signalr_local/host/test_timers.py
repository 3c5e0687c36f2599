"""Timers: what their functions are told, and what happens when they are late, stopped or fail."""

import asyncio
import json
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from signalr_local.clock import Clock
from signalr_local.host.functions import Function
from signalr_local.host.options import HostOptions
from signalr_local.host.schedules import parse_schedule
from signalr_local.host.timers import Timers
from signalr_local.host.usage import Usage
from tests.signalr_local.host.conftest import StartHost

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = """
import json
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.timer_trigger(schedule="0 0 0 1 1 *", arg_name="timer", {more})
@app.generic_output_binding("outbox", type="signalR", hub_name="chat")
def yearly(timer: func.TimerRequest, outbox: func.Out[str]) -> None:
    print("ran", json.dumps([timer.past_due, timer.schedule_status, timer.schedule]))
    outbox.set(json.dumps({{"target": "tick", "arguments": []}}))

@app.generic_trigger("message", type="queueTrigger", queueName="q", connection="x")
def on_message(message) -> None:
    print("message", message.get_body().decode())

@app.generic_trigger("invocation", type="signalRTrigger", hub_name="chat", category="messages", event="e")
def on_call(invocation) -> None:
    print("call", invocation)
"""


async def test_a_timer_sends(start_host: StartHost, service: Any, signalr_settings: Any, log: Any) -> None:
    await start_host(APP.format(more="run_on_startup=True"), settings=signalr_settings)
    await log.wait_for("UnscheduledInvocationReason: RunOnStartup")
    await log.wait_for("Timer fired at ")
    await log.wait_for("Executed 'Functions.yearly' .Succeeded")
    assert service.lines == ["POST /api/hubs/chat/:send"]


@pytest.mark.parametrize("setting", ["", "use_monitor=False"])
async def test_what_was_missed_is_run_late_once(
    start_host: StartHost, signalr_settings: Any, log: Any, setting: str
) -> None:
    app = await start_host(APP.format(more=setting), settings=signalr_settings)
    options: HostOptions = app.host._options
    missed = datetime.now() - timedelta(hours=1)
    assert ("yearly" in options.missed) == (not setting)
    if setting:
        return
    options.missed["yearly"] = missed
    app.write("function_app.py", APP.format(more=setting) + "# changed\n")
    await log.wait_for("IsPastDue, OriginalSchedule: ")
    record = await log.wait_for("^ran ")
    past_due, status, _ = json.loads(record.getMessage().removeprefix("ran "))
    assert past_due is True
    assert status["Next"].startswith(f"{missed:%Y-%m-%dT%H:%M:%S}")


@pytest.mark.parametrize(
    ("function", "shown"), [("on_message", "message hi"), ("ON_CALL", "call hi"), ("yearly", "ran ")]
)
async def test_a_function_of_any_trigger_is_fired_by_hand(
    start_host: StartHost, signalr_settings: Any, log: Any, service: Any, function: str, shown: str
) -> None:
    app = await start_host(APP.format(more=""), settings=signalr_settings)
    reply = await app.post(f"/admin/functions/{function}", json={"input": "hi"})
    assert (reply.status, reply.body) == (202, b"")
    assert (await log.wait_for(f"^{shown}")).levelname == "INFO"


async def test_a_stopped_host_runs_no_timers(start_host: StartHost, log: Any, tmp_path: Path) -> None:
    source = APP.format(more="").replace("0 0 0 1 1 *", "* * * * * *").replace("outbox.set", "print")
    app = await start_host(source)
    await log.wait_for("Executed 'Functions.yearly'")
    await app.host.stop()
    assert not [task for task in asyncio.all_tasks() if "Timers._run" in repr(task)]


class SteppedClock(Clock):
    """A clock that stands still until somebody waits for it, or moves it."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 2, 3, 4)

    def now(self) -> datetime:
        return self.moment

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        self.moment += timedelta(seconds=seconds)
        await asyncio.sleep(0)
        return event.is_set()


@pytest.mark.parametrize("schedule", ["00:00:02", "*/2 * * * * *"])
async def test_a_run_longer_than_its_interval_is_followed_by_one_at_once(schedule: str) -> None:
    clock, begins, ended = SteppedClock(), list[float](), asyncio.Event()
    start = clock.moment

    async def invoke(*_: object, **__: object) -> None:
        begins.append((clock.moment - start).total_seconds())
        if len(begins) == 4:
            ended.set()
            await asyncio.Event().wait()
        clock.moment += timedelta(seconds=[3, 3, 0][len(begins) - 1])

    function = Function("1", "tick", {"type": "timerTrigger", "name": "timer"})
    table: Any = SimpleNamespace(functions=[function], schedules={"tick": parse_schedule(schedule)})
    invoker: Any = SimpleNamespace(invoke=invoke)
    timers = Timers(table, invoker, Usage(), {}, clock)
    timers.start()
    await ended.wait()
    for task in timers._tasks:
        task.cancel()
    # The run at 2 lasts until 5, the one at 5 until 8.
    assert begins == [2, 5, 8, 10]


async def test_a_schedule_is_in_the_time_of_this_machine(monkeypatch: pytest.MonkeyPatch, log: Any) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        clock = SteppedClock()
        function = Function("1", "daily", {"type": "timerTrigger", "name": "timer"})
        table: Any = SimpleNamespace(functions=[function], schedules={"daily": parse_schedule("0 0 9 * * *")})
        timers = Timers(table, SimpleNamespace(), Usage(), {}, clock)  # type: ignore[arg-type]
        timers.start()
        [first, *_] = log.find("The next 5 occurrences of the 'daily' schedule").getMessage().split("\n")[1:]
        assert first == "01/02/2026 09:00:00+0100 (01/02/2026 08:00:00Z)"
        await timers.stop()
        for task in timers._tasks:
            task.cancel()
        assert abs(Clock().now().replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp() - time.time()) < 60
    finally:
        monkeypatch.undo()
        time.tzset()
