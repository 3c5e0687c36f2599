"""One invocation: inputs resolved, the function run, its outputs applied, all of it logged."""

import itertools
import json
import logging
import time
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from aiohttp import web

from serverless_signalr.errors import ServiceError
from signalr_local.host import newtonsoft
from signalr_local.host.call_log import log_call
from signalr_local.host.dates import dates_in
from signalr_local.host.expressions import BindingData, ExpressionError
from signalr_local.host.functions import CONNECTION_INFO, NEGOTIATION, Function, is_type
from signalr_local.host.notes import Notes
from signalr_local.host.outputs import OutputError
from signalr_local.host.service import Service
from signalr_local.host.timespans import format_timespan
from signalr_local.host.worker import Failure, FunctionFailedError, Result, Worker

__all__ = ["Invoker", "new_id"]

_log = logging.getLogger("signalr_local.host")

# An odd number: the ids of a process repeat after four billion, and neighbours do not look alike.
_SPREAD = 0x9E3779B1
_count = itertools.count(1)
_REST = str(uuid4())[8:]


class Invoker:
    """Run functions of one worker against one service."""

    def __init__(
        self,
        worker: Worker,
        service: Service,
        timeout: timedelta | None,
        notes: Notes | None = None,
        *,
        keep_values: bool = False,
    ) -> None:
        self.worker = worker
        self._service = service
        self._timeout = timeout
        self._seconds = timeout.total_seconds() if timeout else None
        self._notes = notes or Notes()
        self._keep_values = keep_values

    async def invoke(
        self,
        function: Function,
        trigger: dict[str, Any],
        data: BindingData,
        *,
        body: bytes = b"",
        reason: str = "This function was programmatically called via the host APIs.",
        id: str = "",
    ) -> Result:
        """Run a function and apply its outputs. Raise FunctionFailedError, which was logged already.

        ``data`` is what the trigger offers to the expressions of the function's other bindings.
        """
        invocation = id or new_id()
        log_call(
            logging.INFO,
            f"Executing 'Functions.{function.name}' (Reason='{reason}', Id={invocation})",
            function.category,
            {"kind": "invocation_started", "function": function.name, "invocation_id": invocation},
        )
        start = time.perf_counter()
        try:
            inputs = {str(function.trigger["name"]): trigger}
            if function.inputs:
                inputs |= await self._inputs(function, data)
            try:
                result = await self.worker.invoke(function, inputs, body, invocation, self._seconds)
            except TimeoutError:
                raise self._timed_out(function, invocation) from None
            if function.messages:
                await self._apply(function, result, data)
        except FunctionFailedError as error:
            self._log_end(function, "Failed", invocation, start, error.failure)
            _log_failure(function, error.failure)
            raise
        self._log_end(function, "Succeeded", invocation, start)
        return result

    def refuse(self, function: Function, reason: str) -> web.Response:
        """Log why the response of a function cannot be sent, and return what is sent instead."""
        _log.error(
            "Functions.%s returned a response that cannot be sent, so that the caller gets 500: %s.",
            function.name,
            reason,
            extra={"category": function.category},
        )
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _inputs(self, function: Function, data: BindingData) -> dict[str, dict[str, Any]]:
        inputs: dict[str, dict[str, Any]] = {}
        for binding in function.inputs:
            name = str(binding["name"])
            try:
                value = await self._input(binding, data)
            except (ValueError, ServiceError) as error:
                raise FunctionFailedError(_binding_failure(name, error)) from error
            inputs[name] = {"type": "json", "value": json.dumps(value, indent=2)}
        return inputs

    async def _input(self, binding: Mapping[str, Any], data: BindingData) -> object:
        if is_type(binding, CONNECTION_INFO):
            return await self._service.connection_info(binding, data)
        if is_type(binding, NEGOTIATION):
            return await self._service.negotiation(binding, data)
        return await self._service.endpoints(binding)

    def _timed_out(self, function: Function, invocation: str) -> FunctionFailedError:
        """Log that a function ran too long, and have its process end."""
        allowed = format_timespan(self._timeout or timedelta())
        _log.error(
            "Timeout value of %s exceeded by function 'Functions.%s' (Id: '%s'). Initiating cancellation.",
            allowed,
            function.name,
            invocation,
        )
        # A function that blocks can only be stopped with its process. The host starts another at once, and
        # leaves this one a moment for what else it runs.
        self.worker.retire(f"because {function.name} ran longer than {allowed}")
        return FunctionFailedError(
            Failure(
                "FunctionTimeoutException",
                f"Timeout value of {allowed} was exceeded by function: Functions.{function.name}",
            )
        )

    async def _apply(self, function: Function, result: Result, data: BindingData) -> None:
        for binding in function.messages:
            value = _output(function, result, str(binding["name"]))
            if value is None or value["value"] is None:
                continue
            try:
                await self._service.send(
                    binding, data, _json_value(value, self._notes, keep_values=self._keep_values)
                )
            except (ValueError, ServiceError) as error:
                raise FunctionFailedError(_binding_failure(str(binding["name"]), error)) from error

    def _log_end(
        self,
        function: Function,
        outcome: str,
        invocation: str,
        start: float,
        failure: Failure | None = None,
    ) -> None:
        duration = int((time.perf_counter() - start) * 1000)
        event = {
            "kind": "invocation_completed",
            "function": function.name,
            "invocation_id": invocation,
            "result": outcome.lower(),
            "duration_ms": duration,
        }
        if failure is not None:
            stack = {"stack": failure.stack} if failure.stack else {}
            event["error"] = {"type": failure.type, "message": failure.message, **stack}
        log_call(
            logging.INFO if failure is None else logging.ERROR,
            f"Executed 'Functions.{function.name}' ({outcome}, Id={invocation}, Duration={duration}ms)",
            function.category,
            event,
        )


def new_id() -> str:
    """Return a new id in the form of a GUID.

    Its first part differs from call to call, the rest from process to process: uuid4 takes many times as
    long, for nobody's good here.
    """
    return f"{next(_count) * _SPREAD & 0xFFFFFFFF:08x}{_REST}"


def _output(function: Function, result: Result, name: str) -> dict[str, Any] | None:
    """Return the value of an output: a trigger that returns a dict fills the outputs of those names."""
    if name == "$return":
        return result.returned
    returned = result.returned
    has_return = any(binding["name"] == "$return" for binding in function.outputs)
    if returned is not None and not has_return and isinstance(returned.get("value"), dict):
        for member, item in returned["value"].items():
            if member.lower() == name.lower():
                return {"type": "string" if isinstance(item, str) else "json", "value": item}
    return result.outputs.get(name)


def _json_value(value: dict[str, Any], notes: Notes, *, keep_values: bool) -> object:
    if value["type"] == "json":
        return value["value"]
    if value["type"] != "string":
        raise OutputError(f"the output is {value['type']}, expected a JSON object or a list of objects")
    try:
        found = newtonsoft.read(value["value"], dates=not keep_values)
    except newtonsoft.JsonError as error:
        raise OutputError(
            f"the output is a text that is no JSON ({error}): {value['value'][:40]!r}"
        ) from None
    for date in dates_in(found):
        if date != date.sent:
            notes.say(
                "output date",
                "A date in the text of a SignalR output was rewritten, as in Azure: the function set %s, "
                "%s is sent. Set a dict or a list instead of a text. --keep-values leaves it, here only.",
                date.sent,
                str(date),
            )
    return found


def _binding_failure(name: str, error: Exception) -> Failure:
    hint = f"Exception binding parameter '{name}': {error}"
    if isinstance(error, ExpressionError):
        hint += f" The binding asks for {error.expression}: {_supply(error.expression)}"
    return Failure(type(error).__name__, hint, hint=hint)


def _supply(expression: str) -> str:
    if expression.startswith("%"):
        return f"add the setting {expression.strip('%')} to local.settings.json."
    source, _, name = expression.strip("{}").partition(".")
    match source.lower():
        case "query":
            return f"send the request with ?{name}=…, or change the setting that asks."
        case "headers":
            return f"send the request with the header {name}, or change the setting that asks."
        case _:
            return "the request must hold it, or the binding must not ask for it."


def _log_failure(function: Function, failure: Failure) -> None:
    text = f"Exception while executing function: Functions.{function.name}. {failure.type}: {failure.message}"
    if failure.stack and not failure.clean:
        text += f"\n{failure.stack.rstrip()}"
    _log.error("%s", text, extra={"category": function.category})
