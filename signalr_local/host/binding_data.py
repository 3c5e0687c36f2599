"""What a trigger offers to the expressions of a function's other bindings."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from signalr_local.host import newtonsoft
from signalr_local.host.dates import DateText
from signalr_local.host.expressions import METHOD_NAME, ExactNames

__all__ = ["Lazily", "event_data", "joined", "request_data"]


class Lazily(Mapping[str, Any]):
    """Make the data when an expression asks for it the first time: few bindings have one."""

    def __init__(self, make: Callable[[], Mapping[str, Any]]) -> None:
        self._make = make

    @cached_property
    def _data(self) -> dict[str, Any]:
        return {name.lower(): value for name, value in self._make().items()}

    def __getitem__(self, name: str) -> Any:
        return self._data[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


def request_data(
    function: str,
    trigger: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    route: Mapping[str, str],
    body: bytes,
    request: Mapping[str, str],
) -> Mapping[str, Any]:
    """Return the data of an HTTP request; ``function`` and ``trigger`` name the function and its parameter.

    Members of a JSON body give way to query parameters, and those to route values; ``Query`` and
    ``Headers`` reach the rest. Of a repeated parameter the last one counts, and the names of ``Query`` are
    looked up with regard to case. Source: HttpTriggerAttributeBindingProvider of the WebJobs extensions.
    """
    pairs = list(query)

    def make() -> dict[str, Any]:
        last = {name.lower(): (name, value) for name, value in pairs}
        return {
            METHOD_NAME: function,
            trigger: request,
            "query": ExactNames(last.values()),
            "headers": dict(headers),
            **_members(body),
            **{name: value for name, (_, value) in last.items() if name != "code"},
            **{name.lower(): value for name, value in route.items()},
        }

    return Lazily(make)


def event_data(
    function: str, context: Mapping[str, Any], parameter_names: Iterable[str]
) -> Mapping[str, Any]:
    """Return the data of a SignalR event: its arguments by name, and its context's members.

    A member of the context wins over an argument of that name, unless it is null. Raise ValueError where
    names and arguments are not equally many.
    """
    names = list(parameter_names)
    arguments = context["Arguments"] or []
    if names and len(names) != len(arguments):
        raise ValueError(f"The function accepts {len(names)} arguments but the message has {len(arguments)}.")

    def make() -> dict[str, Any]:
        named = {name.lower(): _argument(item) for name, item in zip(names, arguments, strict=False) if names}
        members = {
            name.lower(): value
            for name, value in context.items()
            if value is not None and not isinstance(value, list)
        }
        return {METHOD_NAME: function, **named, **members}

    return Lazily(make)


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return pairs as a mapping, the values of a repeated name joined by commas.

    Names that differ in case only are one, in the spelling of the first.
    """
    values: dict[str, str] = {}
    spelled: dict[str, str] = {}
    for name, value in pairs:
        key = spelled.setdefault(name.lower(), name)
        values[key] = f"{values[key]},{value}" if key in values else value
    return values


def _argument(value: Any) -> Any:
    """Return an argument as an expression sees it: the extension has no text for a truth value."""
    match value:
        case bool():
            return None
        case DateText():
            return value.key
        case _:
            return value


def _members(body: bytes) -> dict[str, Any]:
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        value = newtonsoft.read(body.decode(errors="replace"))
    except newtonsoft.JsonError:
        return {}
    return {
        name.lower(): item for name, item in value.items() if item is not None and not isinstance(item, list)
    }
