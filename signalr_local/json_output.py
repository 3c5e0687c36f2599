"""The log as JSON, one record a line, in the schema of ``func start --output=json``.

Source: https://github.com/Azure/azure-functions-core-tools/blob/vnext/docs/func-start-json-schema.md.
"""

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from signalr_local.host.instance import AppInstance

__all__ = ["JsonOutput"]

_SCHEMA = 1
_HOST_VERSION = "4.1037.0"
_LEVELS = ((50, "critical"), (40, "error"), (30, "warning"), (20, "information"), (10, "debug"))
_STARTING, _READY, _RECYCLING, _STOPPED = "starting", "ready", "recycling", "stopped"


class JsonOutput(logging.Handler):
    """Write records to a stream: every line of the log, what became of the host, functions and calls.

    A record of the log may carry an ``event``, which follows it as a record of its own.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(logging.DEBUG)
        self._stream = stream
        self._started = self._since = time.monotonic()
        self._state: str | None = None
        self._functions: list[str] = []
        self._results = {"succeeded": 0, "failed": 0}
        self._write("start_initialization_started", profile="none")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of the log, and the event that it carries."""
        level = next((name for least, name in _LEVELS if record.levelno >= least), "trace")
        attributes: dict[str, Any] = {}
        event: Mapping[str, Any] | None = getattr(record, "event", None)
        if event is not None:
            attributes = {
                "function.name": event["function"],
                "function.invocation_id": event["invocation_id"],
            }
        line: dict[str, Any] = {
            "category": getattr(record, "category", None) or f"Host.{record.name}",
            "level": level,
            "event_id": 0,
            "message": record.getMessage(),
            "attributes": attributes,
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["exception"] = {"type": type(error).__name__, "message": str(error)}
        self._write("log", moment=record.created, **line)
        if event is not None:
            result = event.get("result")
            if result in self._results:
                self._results[result] += 1
            self._write(str(event["kind"]), **{name: item for name, item in event.items() if name != "kind"})

    def loaded(self, instance: "AppInstance", before: "AppInstance | None", seconds: float) -> None:
        """Write that an app was loaded, and its functions."""
        if before is None and self._state is None:
            self._write(
                "start_initialization_completed",
                profile="none",
                stack="Python",
                host_version=_HOST_VERSION,
                bundle_required=False,
            )
            self._change(_STARTING)
        elif self._state == _READY:
            self._change(_RECYCLING, reason="file_changed")
        for name in self._functions:
            self._write("function_removed", name=name)
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
            self._write("function_discovered", **shown)
        self._change(_READY, duration_ms=round(seconds * 1000, 3))

    def finish(self, exit_reason: str) -> None:
        """Write that the host stopped, and the summary, which is the last record."""
        self._change(_STOPPED)
        failed = self._results["failed"]
        self._write(
            "summary",
            exit_reason=exit_reason,
            uptime_seconds=round(time.monotonic() - self._started, 3),
            function_count=len(self._functions),
            invocations={"total": sum(self._results.values()), **self._results},
            errors=failed,
        )

    def _change(self, state: str, **more: object) -> None:
        now = time.monotonic()
        fields: dict[str, object] = {"from": self._state, "to": state}
        if self._state is not None:
            fields["duration_ms"] = round((now - self._since) * 1000, 3)
        self._write("host_state_changed", **cast("dict[str, Any]", fields | more))
        self._state, self._since = state, now

    def _write(self, kind: str, *, moment: float | None = None, **fields: object) -> None:
        at = datetime.fromtimestamp(time.time() if moment is None else moment, UTC)
        record = {
            "schema_version": _SCHEMA,
            "kind": kind,
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
            **fields,
        }
        try:
            self._stream.write(f"{json.dumps(record, default=str)}\n")
            self._stream.flush()
        except OSError:
            self.setLevel(logging.CRITICAL + 1)  # nobody reads any more
