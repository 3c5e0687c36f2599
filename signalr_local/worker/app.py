"""The function app, loaded and called through Microsoft's worker library."""

import json
import sys
import traceback
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.native_invocation import invocation_request_native

from . import data, logs, protos

__all__ = ["index", "invoke"]


async def index(folder: str) -> dict[str, Any]:
    """Import the app of a folder and return the frame that lists its functions, or says what failed."""
    runtime.start_threadpool_executor()
    request = SimpleNamespace(
        request=SimpleNamespace(
            worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=folder)
        ),
        properties={"host": "127.0.0.1", "protos": sys.modules[protos.__name__]},
    )
    try:
        response = await runtime.worker_init_request(request)
    except SystemExit as error:
        return _failed(f"the app called sys.exit({error.code!r}) while it was imported", "")
    if response.result.status != protos.StatusResult.Success:
        exception = response.result.exception
        return _failed(str(exception.message), _own_frames(str(exception.stack_trace or ""), folder))
    if "HttpUri" in (response.capabilities or {}):
        return _failed("HTTP streaming (azurefunctions-extensions-http-fastapi) does not run locally", "")
    listing = await runtime.functions_metadata_request(SimpleNamespace())
    return {
        "type": "indexed",
        "functions": [
            {
                "id": item.function_id,
                "name": item.name,
                "bindings": [json.loads(binding) for binding in item.raw_bindings],
            }
            for item in listing.function_metadata_results or ()
        ],
    }


def _failed(message: str, stack: str) -> dict[str, Any]:
    return {"type": "failed", "message": message, "stack": stack}


def _own_frames(stack: str, folder: str) -> str:
    """Return a traceback without the worker library's frames, which lead to those of the app."""
    shown: list[str] = []
    leading, found = False, False
    for line in stack.splitlines():
        if line.startswith("Traceback "):
            leading = True
        elif line.startswith(f'  File "{folder}') and "site-packages" not in line:
            leading, found = False, True
        elif not line.startswith("  "):
            leading = False
        if not (leading and line.startswith("  ")):
            shown.append(line)
    return "\n".join(shown) if found else ""


async def invoke(request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
    """Run one function and return the frame with its outputs and return value, or with its exception."""
    answer: dict[str, Any] = {"type": "result", "id": request["id"], "ok": False}
    try:
        inputs = [(name, data.to_datum(value, body)) for name, value in request["inputs"].items()]
        ok, returned, outputs, shown, stack = await invocation_request_native(
            request["id"], request["function"], inputs, {}
        )
        if not ok:
            return answer | {"error": _error(logs.last_failure(), shown, stack)}, b""
        value, content = data.from_datum(returned)
        answer |= {"ok": True, "return": value, "outputs": {}}
        for name, datum in outputs:
            value, more = data.from_datum(datum)
            answer["outputs"][name] = value
            content = content or more
        json.dumps(answer)
    except BaseException as error:  # noqa: BLE001 - SystemExit of a function must not end the worker
        stack = traceback.format_exc()
        answer = {
            "type": "result",
            "id": request["id"],
            "ok": False,
            "error": _error(error, repr(error), stack),
        }
        return answer, b""
    return answer, content


def _error(failure: BaseException | None, shown: str | None, stack: str | None) -> dict[str, Any]:
    if failure is None:
        return {"type": "Exception", "message": shown or "", "stack": stack or "", "clean": False}
    return {
        "type": type(failure).__name__,
        "message": str(failure),
        "stack": stack or "",
        # An exception that shows no traceback was made for the caller's eyes.
        "clean": failure.__traceback__ is None,
    }
