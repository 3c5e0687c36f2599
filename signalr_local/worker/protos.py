"""Stand-ins for the protobuf classes that the worker library is handed by its own host.

Source: https://github.com/Azure/azure-functions-language-worker-protobuf (names and numbers).
"""

import sys
from types import SimpleNamespace
from typing import Any

__all__ = [
    "BindingInfo",
    "FunctionEnvironmentReloadResponse",
    "FunctionLoadResponse",
    "FunctionMetadataResponse",
    "InvocationResponse",
    "ParameterBinding",
    "RpcException",
    "RpcFunctionMetadata",
    "RpcRetryOptions",
    "StatusResult",
    "TypedData",
    "WorkerInitResponse",
    "WorkerMetadata",
]


class _Message(SimpleNamespace):
    """Hold the fields that were set; any other reads as None."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class BindingInfo(_Message):
    """Tell a binding's direction and data type."""

    out = 1
    inout = 2
    undefined = 0
    string = 1
    binary = 2
    stream = 3


class StatusResult(_Message):
    """Tell whether a request succeeded."""

    Failure = 0
    Success = 1
    Cancelled = 2


class FunctionEnvironmentReloadResponse(_Message):
    """Answer a change of environment."""


class FunctionLoadResponse(_Message):
    """Answer the loading of a function."""


class FunctionMetadataResponse(_Message):
    """List the functions of the app."""


class RpcException(_Message):
    """Describe an exception of the app; ``exception`` is that exception itself."""

    def __init__(self, **fields: Any) -> None:
        # The library describes an exception while it handles it, and passes on its text alone.
        super().__init__(exception=sys.exception(), **fields)


class RpcFunctionMetadata(_Message):
    """Describe one function."""


class RpcRetryOptions(_Message):
    """Describe how often a function is tried."""


class WorkerInitResponse(_Message):
    """Answer the start of the worker."""


class WorkerMetadata(_Message):
    """Describe the worker."""


class InvocationResponse(_Message):
    """Answer an invocation."""


class ParameterBinding(_Message):
    """Hold the value of an output."""


class TypedData(_Message):
    """Hold a value in one of its fields."""
