"""What the caller of a SignalR trigger is answered: the function's result, or why there is none."""

import logging
import math

from serverless_signalr.protocol.bodies import BodyFormat
from serverless_signalr.protocol.messages import NO_RESULT, Completion
from signalr_local.host import newtonsoft

__all__ = ["big_integer", "encode", "is_big"]

_MAX_DEPTH = newtonsoft.MAX_DEPTH - 1
"""A .NET client that gets more levels disconnects; the completion itself is one."""

_log = logging.getLogger("signalr_local.host")


def encode(body_format: BodyFormat, event: str, completion: Completion) -> bytes:
    """Return a completion in a client's protocol.

    A result that the protocol cannot hold becomes an error that says so. NaN inside an object or a list is
    the text ``NaN``, half a surrogate pair U+FFFD, as in Azure.
    """
    result = completion.result
    try:
        if result is not NO_RESULT:
            newtonsoft.check_depth([result])
            result = _cleaned(result, is_top=True, has_nan=body_format.has_binary)
        return body_format.encode(Completion(completion.invocation_id, result, completion.error))
    except (ValueError, OverflowError, TypeError, RecursionError) as error:
        protocol = "MessagePack" if body_format.has_binary else "JSON"
        text = f"{event} returned what {protocol} cannot carry to a client: {_reason(error)}"
        _log.error("%s", text)
        return body_format.encode(Completion(completion.invocation_id, error=text))


def is_big(value: object) -> bool:
    """Tell whether a value is an integer that .NET reads as a BigInteger."""
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def big_integer(value: int) -> dict[str, object]:
    """Return what Azure sends of a BigInteger, which .NET writes as an object: its properties."""
    return {
        "isPowerOfTwo": value > 0 and value.bit_count() == 1,
        "isZero": False,
        "isOne": False,
        "isEven": value % 2 == 0,
        "sign": 1 if value > 0 else -1,
    }


def _reason(error: Exception) -> str:
    if isinstance(error, newtonsoft.JsonError):
        return f"more than {_MAX_DEPTH} levels of lists and objects."
    return f"{error}."


def _cleaned(value: object, *, is_top: bool = False, has_nan: bool = False) -> object:
    match value:
        case str():
            return newtonsoft.clean(value)
        case float() if not math.isfinite(value):
            if not is_top:
                return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            if not has_nan:
                raise ValueError(f"{value} is no number in JSON")
            return value
        case dict():
            return {newtonsoft.clean(name): _cleaned(item) for name, item in value.items()}
        case list():
            return [_cleaned(item) for item in value]
        case _:
            return value
