"""The function app, loaded and called through Microsoft's worker library."""

import json
import sys
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime import handle_event
from azure_functions_runtime.native_invocation import invocation_request_native

from . import data, frames, logs, protos, streaming, tracebacks

__all__ = ["index", "invoke"]


async def index(folder: str) -> dict[str, Any]:
    """Import the app of a folder and return the frame that lists its functions, or says what failed."""
    request = SimpleNamespace(
        request=SimpleNamespace(
            worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=folder)
        ),
        properties={"host": "127.0.0.1", "protos": sys.modules[protos.__name__]},
    )
    try:
        runtime.start_threadpool_executor()
        response = await runtime.worker_init_request(request)
    except SystemExit as error:
        return _failed(f"the app called sys.exit({error.code!r}) while it was imported")
    except BaseException as error:  # noqa: BLE001 - whatever it is, the host is to show it
        return {"type": "failed", **tracebacks.describe(error, folder)}
    if response.result.status != protos.StatusResult.Success:
        cause = tracebacks.cause_of(response.result.exception.exception)
        return {"type": "failed", **tracebacks.describe(cause, folder)}
    listing = await runtime.functions_metadata_request(SimpleNamespace())
    return {
        "type": "indexed",
        # Where the worker serves HTTP itself, for an app that streams.
        "http": (response.capabilities or {}).get("HttpUri"),
        "functions": [
            {
                "id": item.function_id,
                "name": item.name,
                "bindings": [json.loads(binding) for binding in item.raw_bindings],
                "parameters": _parameters(item.function_id),
            }
            for item in listing.function_metadata_results or ()
        ],
    }


def _parameters(function_id: str) -> list[dict[str, Any]] | None:
    """Return the parameters that clients fill with a call, None where only the function knows."""
    found = handle_event._functions.get_function(function_id)
    arguments = getattr(getattr(found, "func", None), "signalr_arguments", None)
    return getattr(arguments, "parameters", None)


def _failed(message: str) -> dict[str, Any]:
    return {"type": "failed", "message": message, "stack": "", "hint": "", "place": None, "module": None}


async def invoke(request: dict[str, Any], body: bytes, folder: str) -> tuple[bool, bytes]:
    """Run one function; tell whether it succeeded, and return the frame with what it made or its exception.

    The traceback of an exception shows the app's frames; ``folder`` is the app's.
    """
    answer: dict[str, Any] = {"type": "result", "id": request["id"], "ok": False}
    try:
        if streaming.is_streaming(request["inputs"]):
            with _tracing(request):
                ok, outputs_of_stream, failure = await streaming.invoke(request)
            if not ok:
                answer["error"] = _error(failure, None, None, folder)
                return False, frames.encode(answer)
            return True, frames.encode(answer | {"ok": True, "return": None, "outputs": outputs_of_stream})
        inputs = [(name, data.to_datum(value, body)) for name, value in request["inputs"].items()]
        with _tracing(request):
            ok, returned, outputs, shown, stack = await invocation_request_native(
                request["id"], request["function"], inputs, {}, request.get("traceparent") or ""
            )
        if not ok:
            answer["error"] = _error(logs.last_failure(), shown, stack, folder)
            return False, frames.encode(answer)
        value, content = data.from_datum(returned)
        answer |= {"ok": True, "return": value, "outputs": {}}
        for name, datum in outputs:
            value, more = data.from_datum(datum)
            answer["outputs"][name] = value
            content = content or more
        return True, frames.encode(answer, content)
    except data.UncarriedError as error:
        # No line of the app raised it.
        answer["error"] = {"type": "ValueError", "message": str(error), "stack": "", "clean": True}
        return False, frames.encode(answer)
    except BaseException as error:  # noqa: BLE001 - SystemExit of a function must not end the worker
        stack = traceback.format_exc()
        answer = {
            "type": "result",
            "id": request["id"],
            "ok": False,
            "error": _error(error, type(error).__name__, stack, folder),
        }
        return False, frames.encode(answer)


def _tracing(request: dict[str, Any]) -> AbstractContextManager[None]:
    """Send the trace of an invocation with its requests to the service."""
    header, tracing = request.get("traceparent"), _library_tracing()
    return nullcontext() if tracing is None or not header else tracing(request["id"], header)


@cache
def _library_tracing() -> Callable[[str, str], AbstractContextManager[None]] | None:
    """Return how the library is told of a trace. Without the library there are no requests that could."""
    try:
        from serverless_signalr._rest.trace import Tracing
    except ImportError:
        return None
    return Tracing


def _error(
    failure: BaseException | None, shown: str | None, stack: str | None, folder: str
) -> dict[str, Any]:
    if failure is None:
        return {"type": "Exception", "message": shown or "", "stack": stack or "", "clean": False}
    try:
        message = str(failure)
        own_stack = tracebacks.format_stack(failure, folder)
    except Exception:  # noqa: BLE001 - an exception that cannot be described is answered all the same
        message, own_stack = shown or "", ""
    return {
        "type": type(failure).__name__,
        "message": message,
        "stack": own_stack or stack or "",
        # An exception that shows no traceback was made for the caller's eyes.
        "clean": failure.__traceback__ is None,
    }
