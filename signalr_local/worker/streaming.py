"""HTTP functions that stream (azurefunctions-extensions-http-fastapi), called as Azure's worker calls them.

The worker library serves HTTP itself then: the host sends it the request under the invocation's id, beside
the invocation. The way without protobuf does not know this; the other way gets stand-ins.
"""

import json
from functools import cache
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.http_v2 import HttpV2Registry

from . import data, protos

__all__ = ["invoke", "is_streaming"]

_NO_CONTEXT = SimpleNamespace(trace_parent="", trace_state="", attributes={})
_NO_RETRY = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)


def is_streaming(inputs: dict[str, Any]) -> bool:
    """Tell whether an invocation is one of HTTP in an app that streams."""
    return _is_on() and any(value["type"] == "http" for value in inputs.values())


@cache
def _is_on() -> bool:
    # Every function is known by the first invocation.
    return bool(HttpV2Registry.http_v2_enabled())


async def invoke(
    request: dict[str, Any],
) -> tuple[bool, dict[str, dict[str, Any] | None], BaseException | None]:
    """Run one function; tell whether it succeeded, and return its outputs or its exception."""
    call = SimpleNamespace(
        invocation_id=request["id"],
        function_id=request["function"],
        input_data=[_Parameter(name, value) for name, value in request["inputs"].items()],
        trigger_metadata={},
        trace_context=_NO_CONTEXT,
        retry_context=_NO_RETRY,
    )
    answer = await runtime.invocation_request(
        SimpleNamespace(request=SimpleNamespace(invocation_request=call))
    )
    if answer.result.status != protos.StatusResult.Success:
        return False, {}, answer.result.exception.exception
    outputs: dict[str, dict[str, Any] | None] = {}
    for one in answer.output_data or ():
        outputs[one.name] = data.from_datum(_datum(one.data))[0]
    return True, outputs, None


class _Parameter:
    def __init__(self, name: str, value: dict[str, Any]) -> None:
        self.name = name
        self.data = _Typed(value)

    def WhichOneof(self, _: str) -> str:  # noqa: N802 - protobuf's name
        return "data"


class _Typed:
    """Stand in for TypedData: one of its fields is set."""

    def __init__(self, value: dict[str, Any]) -> None:
        self._kind = value["type"]
        if self._kind == "http":
            self.http = SimpleNamespace(
                **{name: value[name] for name in ("method", "url", "headers", "params", "query")},
                body=_Typed({"type": "bytes", "value": b""}),
            )
        else:
            setattr(self, self._kind, value["value"])

    def WhichOneof(self, _: str) -> str:  # noqa: N802 - protobuf's name
        return str(self._kind)


def _datum(typed: Any) -> Datum | None:
    for kind in ("string", "bytes", "json", "int", "double"):
        value = getattr(typed, kind, None)
        if value is not None:
            return Datum(value if kind != "json" else json.dumps(json.loads(value)), kind)
    return None
