"""What the host tells, for the journal: the log, functions, calls, and what became of the host.

Source of the kinds and their fields: ``func start --output=json``,
https://github.com/Azure/azure-functions-core-tools/blob/vnext/docs/func-start-json-schema.md.
"""

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from signalr_local.host.call_log import CallHandler
from signalr_local.host.console import LevelFilter
from signalr_local.host.steps import COMPLETED
from signalr_local.inspector.events import HostEvent, LogLine
from signalr_local.inspector.journal import LIGHT, Journal
from signalr_local.trace_context import current_trace_id

if TYPE_CHECKING:
    from signalr_local.host.instance import AppInstance

__all__ = ["HostEvents"]

_HOST_VERSION = "4.1037.0"
_STARTING, _READY, _RECYCLING, _STOPPED = "starting", "ready", "recycling", "stopped"


class HostEvents(CallHandler):
    """Add the records of the log to a journal, and what became of the host, functions and calls.

    A line about a call is followed by an event of its own: that one counts whatever host.json's levels hide,
    which ``levels`` lets through or not.
    """

    def __init__(self, journal: Journal, levels: LevelFilter | None = None) -> None:
        super().__init__(logging.DEBUG)
        self._journal = journal
        self._levels = levels or LevelFilter(verbose=True)
        self._started = self._since = time.monotonic()
        self._state: str | None = None
        self._is_starting = False
        self._held: list[Callable[[], None]] = []
        self._functions: list[str] = []
        self._results = {"succeeded": 0, "failed": 0}

    def emit(self, record: logging.LogRecord) -> None:
        """Add a record of the log; during the start it waits for the start's end."""
        event: dict[str, Any] | None = getattr(record, "event", None)
        category: str | None = getattr(record, "category", None)
        if event is not None and category is not None:
            self.take_call(record.levelno, record.getMessage(), category, event, record.created)
        elif self._levels.filter(record):
            self._later(self._say, record, category, current_trace_id())

    def take_call(self, level: int, text: str, category: str, event: dict[str, Any], created: float) -> None:
        """Add a line about a call, unless its level hides it, and the event that it tells of."""
        line = (category, level, text) if self._levels.shows(level, category) else None
        if self._is_starting:
            self._later(self._add_call, line, event, created, current_trace_id())
        else:
            self._add_call(line, event, created, current_trace_id())

    def _later[*Ts](self, take: Callable[[*Ts], None], *arguments: *Ts) -> None:
        if self._is_starting:
            self._held.append(partial(take, *arguments))
        else:
            take(*arguments)

    def _add_call(
        self, line: tuple[str, int, str] | None, event: dict[str, Any], created: float, trace_id: str | None
    ) -> None:
        journal = self._journal
        if line is not None:
            function, invocation = event["function"], event["invocation_id"]
            journal.append((LogLine, journal.number(), created, trace_id, *line, function, invocation, None))
        result = event.get("result")
        if result in self._results:
            self._results[result] += 1
        journal.append((HostEvent, journal.number(), created, trace_id, event["kind"], event))
        if error := event.get("error"):
            journal.weigh(sum(map(len, error.values())))

    def _say(self, record: logging.LogRecord, category: str | None, trace_id: str | None) -> None:
        journal = self._journal
        function, invocation = getattr(record, "said_by", None) or (None, None)
        error = record.exc_info[1] if record.exc_info else None
        exception = None if error is None else _described(error)
        message = record.getMessage()
        journal.append(
            (
                LogLine,
                journal.number(),
                record.created,
                trace_id,
                category or f"Host.{record.name}",
                record.levelno,
                message,
                function,
                invocation,
                exception,
            )
        )
        size = len(message) + sum(map(len, exception or ()))
        if size > LIGHT:
            journal.weigh(size)

    def started(self) -> None:
        """Tell that the host begins to start."""
        self._is_starting = True
        self._add("start_initialization_started", profile="none")

    def stepped(self, what: str, fields: Mapping[str, Any]) -> None:
        """Tell what became of a step of the start; later loadings of the app have none."""
        if not self._is_starting:
            return
        if what == COMPLETED:
            self._begin()
        else:
            self._add(f"start_initialization_{what}", **fields)

    def loaded(self, instance: "AppInstance", before: "AppInstance | None", seconds: float) -> None:
        """Tell that an app was loaded, and its functions."""
        if self._state is None:
            self._begin()
        elif before is not None and self._state == _READY:
            self._change(_RECYCLING, reason="file_changed")
        for name in self._functions:
            self._add("function_removed", name=name)
        self._functions = [function.name for function in instance.table.functions]
        for function in instance.table.functions:
            kind = str(function.trigger["type"])
            shown: dict[str, Any] = {"name": function.name, "trigger_type": kind.removesuffix("Trigger")}
            if function.is_http:
                prefix = instance.configuration.route_prefix.strip("/")
                shown["route"] = f"/{prefix}/{function.route}" if prefix else f"/{function.route}"
                if function.methods is not None:
                    shown["http_methods"] = function.methods
            elif function.is_timer:
                shown["route"] = str(function.trigger.get("schedule"))
            self._add("function_discovered", **shown)
        self._change(_READY, duration_ms=round(seconds * 1000, 3))

    def failed(self, message: str) -> None:
        """Tell why the host does not start."""
        self._release()
        self._add("cli_diagnostic", code="start_failed", level="error", message=message)

    def finish(self, exit_reason: str) -> None:
        """Tell that the host stopped, and the summary, which is the last event."""
        self._release()
        self._change(_STOPPED)
        failed = self._results["failed"]
        self._add(
            "summary",
            exit_reason=exit_reason,
            uptime_seconds=round(time.monotonic() - self._started, 3),
            function_count=len(self._functions),
            invocations={"total": sum(self._results.values()), **self._results},
            errors=failed,
        )

    def _begin(self) -> None:
        """Tell that the host starts, which comes before all that it says."""
        self._add(
            "start_initialization_completed",
            profile="none",
            stack="Python",
            host_version=_HOST_VERSION,
            bundle_required=False,
        )
        self._change(_STARTING)
        self._release()

    def _release(self) -> None:
        self._is_starting = False
        held, self._held = self._held, []
        for take in held:
            take()

    def _change(self, state: str, **more: object) -> None:
        now = time.monotonic()
        fields: dict[str, object] = {"from": self._state, "to": state}
        if self._state is not None:
            fields["duration_ms"] = round((now - self._since) * 1000, 3)
        self._add("host_state_changed", **fields | more)
        self._state, self._since = state, now

    def _add(self, kind: str, /, **fields: object) -> None:
        self._journal.add(HostEvent(kind, fields))


def _described(error: BaseException) -> tuple[str, str, str]:
    return type(error).__name__, str(error), "".join(traceback.format_exception(error))
