"""The values of bindings: as frames carry them, and as the worker library takes them."""

import base64
import json
from typing import Any

from azure_functions_runtime.bindings.datumdef import Datum

__all__ = ["UncarriedError", "from_datum", "to_datum"]

_MIN, _MAX = -(2**63), 2**63 - 1


class UncarriedError(ValueError):
    """A value that Azure's worker cannot carry to its host; the message is for everybody."""


def to_datum(value: dict[str, Any], body: bytes) -> Datum:
    """Return the worker library's form of a value; ``body`` is what an HTTP request carries."""
    match value["type"]:
        case "http":
            return Datum(
                {
                    "method": Datum(value["method"], "string"),
                    "url": Datum(value["url"], "string"),
                    "headers": _texts(value["headers"]),
                    "query": _texts(value["query"]),
                    "params": _texts(value["params"]),
                    "body": Datum(body, "bytes"),
                },
                "http",
            )
        case kind:
            return Datum(value["value"], kind)


def from_datum(datum: Any) -> tuple[dict[str, Any] | None, bytes]:
    """Return a frame's form of a value, and the body where it is an HTTP response.

    Raise UncarriedError for an integer that is too large.
    """
    match getattr(datum, "type", None):
        case None:
            return None, b""
        case "http":
            response = datum.value
            content = response["body"].value
            cookies = [
                morsel.OutputString() for jar in response.get("cookies") or () for morsel in jar.values()
            ]
            header = {
                "type": "http",
                "status": int(response["status_code"].value),
                "headers": {name: item.value for name, item in response["headers"].items()},
                "cookies": cookies,
            }
            return header, content if isinstance(content, bytes) else str(content or "").encode()
        case "bytes":
            return {"type": "bytes", "value": base64.b64encode(datum.value).decode()}, b""
        case "json":
            return {"type": "json", "value": json.loads(datum.value)}, b""
        case "int":
            # A generic binding takes True for a number; a protobuf of the real worker then carries 1.
            number = int(datum.value)
            if not _MIN <= number <= _MAX:
                raise UncarriedError(
                    "Value out of range: an integer has more than 63 bits and a sign, which is what Azure's "
                    "worker carries. Pass it as a text, or inside a list or a dict."
                )
            return {"type": "json", "value": number}, b""
        case "dict" | "list" | "double":
            return {"type": "json", "value": datum.value}, b""
        case "string":
            return {"type": "string", "value": datum.value}, b""
        case kind:
            raise TypeError(f"a binding of the type {kind} cannot be carried to the host")


def _texts(values: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}
