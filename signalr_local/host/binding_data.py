"""What a trigger offers to the expressions of a function's other bindings."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["joined", "of_event", "of_request"]


def of_request(
    query: Mapping[str, str], headers: Mapping[str, str], route: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """Return the data of an HTTP request.

    Members of a JSON body give way to query parameters, and those to route values; ``Query`` and
    ``Headers`` reach the rest. Source: HttpTriggerAttributeBindingProvider of the WebJobs extensions.
    """
    return {
        "Query": dict(query),
        "Headers": dict(headers),
        **_members(body),
        **{name: value for name, value in query.items() if name != "code"},
        **route,
    }


def of_event(context: Mapping[str, Any], parameter_names: Iterable[str]) -> dict[str, Any]:
    """Return the data of a SignalR event: its context's members, and its arguments by name.

    Raise ValueError where names and arguments are not equally many.
    """
    names = list(parameter_names)
    arguments = context["Arguments"] or []
    if names and len(names) != len(arguments):
        raise ValueError(f"The function accept {len(names)} arguments but message provided {len(arguments)}.")
    members = {
        name: value for name, value in context.items() if value is not None and not isinstance(value, list)
    }
    return members | dict(zip(names, arguments, strict=False))


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return pairs as a mapping, the values of a repeated name joined by commas."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _members(body: bytes) -> dict[str, Any]:
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {name: item for name, item in value.items() if item is not None and not isinstance(item, list)}
