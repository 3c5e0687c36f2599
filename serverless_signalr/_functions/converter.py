"""The converter with which the worker decodes a SignalR trigger's event and encodes its return value.

Without a converter, the worker treats the trigger as unknown and turns a returned True into 1.
"""

import json
from typing import Any

import azure.functions as func
from azure.functions.meta import Datum, InConverter, OutConverter

from serverless_signalr.protocol.text import well_formed
from serverless_signalr.protocol.values import to_builtins

__all__ = ["TRIGGER_TYPE", "register"]

TRIGGER_TYPE = "signalRTrigger"


def register() -> None:
    """Add a converter for the SignalR trigger, unless azure-functions has one of its own."""
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    if registry.get(TRIGGER_TYPE) is None:
        # Defining the class registers it.
        class SignalRTriggerConverter(InConverter, OutConverter, binding=TRIGGER_TYPE, trigger=TRIGGER_TYPE):
            @classmethod
            def check_input_type_annotation(cls, pytype: type) -> bool:
                return pytype in (str, bytes)

            @classmethod
            def decode(cls, data: Datum, *, trigger_metadata: object) -> Any:  # noqa: ARG003
                return data.value

            @classmethod
            def has_implicit_output(cls) -> bool:
                return True

            @classmethod
            def check_output_type_annotation(cls, pytype: type) -> bool:  # noqa: ARG003
                return True

            @classmethod
            def encode(cls, obj: Any, *, expected_type: type | None) -> Datum:  # noqa: ARG003
                return _to_datum(obj)


def _to_datum(value: object) -> Datum:
    match value:
        case None:
            return Datum(None, None)
        case str():
            # The worker encodes the text as UTF-8 when the function has returned: too late for an error.
            return Datum(well_formed(str.__str__(value)), "string")
        case bytes():
            return Datum(value, "bytes")
        case _:
            return Datum(json.dumps(to_builtins(value)), "json")
