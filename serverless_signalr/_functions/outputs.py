"""The return values of functions whose SignalR output is ``$return``."""

from collections.abc import Iterable

from serverless_signalr._models.output import SignalRGroupAction, SignalRMessage

__all__ = ["output_items"]


def output_items(function: str, result: object) -> list[dict[str, object]]:
    """Convert the return value of a function to the form that the ``signalR`` binding takes.

    Raise TypeError, which names the function, for anything but messages and group actions.
    """
    if isinstance(result, SignalRMessage | SignalRGroupAction):
        return [result.to_dict()]
    if not isinstance(result, Iterable) or isinstance(result, str | bytes | dict):
        raise TypeError(_expected(function, f"a {type(result).__name__}"))
    items: list[dict[str, object]] = []
    for item in result:
        if not isinstance(item, SignalRMessage | SignalRGroupAction):
            raise TypeError(
                _expected(function, f"a {type(result).__name__} with a {type(item).__name__} in it")
            )
        items.append(item.to_dict())
    return items


def _expected(function: str, returned: str) -> str:
    return (
        f"the function {function} returned {returned}, but its SignalR output takes a SignalRMessage, a "
        "SignalRGroupAction or a list of them"
    )
