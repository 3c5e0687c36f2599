"""Timers: each runs its function when its schedule says so, one run at a time.

Source: TimerListener of the WebJobs extensions, for what a function is told and what is logged.
"""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from signalr_local.clock import SYSTEM, Clock
from signalr_local.host.expressions import METHOD_NAME
from signalr_local.host.failures import FunctionFailedError, NotStartedError
from signalr_local.host.functions import Function
from signalr_local.host.invocation import Invoker
from signalr_local.host.schedules import Schedule
from signalr_local.host.table import FunctionTable
from signalr_local.host.usage import Usage
from signalr_local.trace_context import begin_trace, new_trace_id

__all__ = ["Timers", "timer_input"]

_MONITORED = timedelta(minutes=1)
"""Shorter intervals are not watched for missed runs."""

_SHOWN = 5

_log = logging.getLogger("signalr_local.host")


class Timers:
    """Run the timers of one loading of the app. ``missed`` is kept from one loading to the next.

    It holds when each monitored timer was to run next: what came while no app was loaded is run late, once.
    """

    def __init__(
        self,
        table: FunctionTable,
        invoker: Invoker,
        usage: Usage,
        missed: dict[str, datetime],
        clock: Clock = SYSTEM,
    ) -> None:
        self._table = table
        self._invoker = invoker
        self._usage = usage
        self._missed = missed
        self._clock = clock
        self._ending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Log when each timer runs next, and run them from now on."""
        for function in self._table.functions:
            schedule = self._table.schedules.get(function.name)
            if schedule is not None:
                self._announce(function, schedule)
                self._tasks.append(asyncio.create_task(self._run(function, schedule)))

    async def stop(self) -> None:
        """Start no run any more. One that goes on is not waited for."""
        self._ending.set()
        await asyncio.sleep(0)
        for task in self._tasks:
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _announce(self, function: Function, schedule: Schedule) -> None:
        lines, moment = [], self._clock.now()
        for _ in range(_SHOWN):
            moment = schedule.after(moment)
            local = moment.astimezone()
            lines.append(
                f"{local:%m/%d/%Y %H:%M:%S%z} ({local.astimezone(UTC):%m/%d/%Y %H:%M:%S}Z)".replace(
                    "+0000", "Z", 1
                )
            )
        _log.info(
            "The next %d occurrences of the '%s' schedule (%s) will be:\n%s",
            _SHOWN,
            function.name,
            schedule,
            "\n".join(lines),
            extra={"category": "Host.Triggers.Timer"},
        )

    async def _run(self, function: Function, schedule: Schedule) -> None:
        is_monitored = self._is_monitored(function, schedule)
        due = self._missed.get(function.name) if is_monitored else None
        last = None if due is None else due
        if due is not None and due <= self._clock.now():
            await self._fire(
                function, schedule, f"IsPastDue, OriginalSchedule: {_written(due)}", last, is_late=True
            )
        elif function.trigger.get("runOnStartup") is True:
            await self._fire(function, schedule, "RunOnStartup", None)
        moment = self._clock.now()
        while not self._ending.is_set():
            moment = schedule.after(moment)
            if is_monitored:
                self._missed[function.name] = moment
            # A run that took longer than its interval is followed by one at once, not by all that it missed.
            moment = max(moment, self._clock.now())
            if await self._ends_before(moment):
                return
            await self._fire(function, schedule, "", last)
            last = moment

    def _is_monitored(self, function: Function, schedule: Schedule) -> bool:
        first = schedule.after(self._clock.now())
        return function.trigger.get("useMonitor") is not False and schedule.after(first) - first >= _MONITORED

    async def _ends_before(self, moment: datetime) -> bool:
        while (wait := (moment - self._clock.now()).total_seconds()) > 0:
            if await self._clock.wait(self._ending, min(wait, self._clock.longest_wait)):
                return True
        return self._ending.is_set()

    async def _fire(
        self,
        function: Function,
        schedule: Schedule,
        unscheduled: str,
        last: datetime | None,
        *,
        is_late: bool = False,
    ) -> None:
        fired = self._clock.now().astimezone(UTC)
        if unscheduled:
            _log.info(
                "Trigger Details: UnscheduledInvocationReason: %s",
                unscheduled,
                extra={"category": f"Function.{function.name}"},
            )
        begin_trace(new_trace_id())
        with self._usage:
            try:
                await self._invoker.invoke(
                    function,
                    timer_input(schedule, last, self._missed.get(function.name), is_late=is_late),
                    {METHOD_NAME: function.name, "timertrigger": f"{fired:%m/%d/%Y %H:%M:%S}"},
                    reason=f"Timer fired at {fired:%Y-%m-%dT%H:%M:%S}.{fired.microsecond:06d}0+00:00",
                )
            except (FunctionFailedError, NotStartedError):
                pass  # it was logged, and the next run comes all the same
            except Exception:  # noqa: BLE001 - one run must not end the timer
                _log.exception("The host failed to run the timer %s.", function.name)


def timer_input(
    schedule: Schedule, last: datetime | None = None, due: datetime | None = None, *, is_late: bool = False
) -> dict[str, Any]:
    """Return the value of a timer's parameter."""
    status: Mapping[str, str] | None = None
    if due is not None:
        status = {
            "Last": _written(last) if last else "0001-01-01T00:00:00",
            "Next": _written(due),
            "LastUpdated": _written(last or due),
        }
    value = {
        "Schedule": {"AdjustForDST": schedule.adjusts_for_dst},
        "ScheduleStatus": status,
        "IsPastDue": is_late,
    }
    return {"type": "json", "value": json.dumps(value, separators=(",", ":"))}


def _written(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="seconds")
