"""What a function hands to a SignalR output: its items, and the requests that they stand for.

Source: Azure/azure-functions-signalrservice-extension, SignalROutputConverter and AzureSignalRClient.
"""

import re
from collections.abc import Mapping
from typing import Any

from serverless_signalr._rest.addressees import connection, group, user
from serverless_signalr._rest.operations import Operation
from signalr_local.host import newtonsoft
from signalr_local.host.dates import DateText
from signalr_local.host.newtonsoft import clean

__all__ = ["Item", "OutputError", "items", "operation"]

type Item = dict[str, Any]
"""A message or a group action, by its members' names in lower case, as the extension compares them."""

_UNABLE = "Unable to convert JObject to valid output binding type, check parameters."
_ARGUMENTS = "arguments must be a list."
_ACTIONS = {"add": 0, "remove": 1, "removeall": 2}
_ADD, _REMOVE, _REMOVE_ALL = _ACTIONS.values()


class OutputError(ValueError):
    """Say which item of a SignalR output could not be sent, and why."""


def items(value: object) -> list[Item]:
    """Return the items of a value. Raise OutputError for one that is no object, or has too many levels."""
    found: list[Any] = value if isinstance(value, list) else [value]
    for item in found:
        if not isinstance(item, dict):
            raise OutputError(
                "Value cannot be null. (Parameter 'item'): a SignalR output takes a JSON object or a list of "
                f"objects, got {type(item).__name__}."
            )
        try:
            newtonsoft.check_depth(item)
        except newtonsoft.JsonError as error:
            raise OutputError(str(error)) from None
    return [{name.lower(): part for name, part in item.items()} for item in found]


def operation(item: Item) -> Operation | None:
    """Return the request that an item stands for, None where Azure sends none.

    Raise ValueError for an item that stands for nothing.
    """
    wrong = _what_is_wrong(item)
    # An item with a target is a message unless one of its members has the wrong type.
    if item.get("target") is not None and not wrong:
        return _message(item)
    if item.get("action") is not None and wrong in ("", _ARGUMENTS):
        return _group_action(item)
    raise OutputError(f"{_UNABLE} {wrong or 'An item has a target or an action.'}")


def _what_is_wrong(item: Item) -> str:
    """Return which member has the wrong type, an empty text for none."""
    for name in ("target", "connectionId", "userId", "groupName"):
        value = item.get(name.lower())
        if isinstance(value, dict | list):
            return f"{name} must be a text, got {type(value).__name__}."
    if not _are_endpoints(item.get("endpoints")):
        return "endpoints must be a list of what the binding signalREndpoints hands out."
    if item.get("arguments") in (None, "") or isinstance(item["arguments"], list):
        return ""
    return _ARGUMENTS


def _are_endpoints(value: object) -> bool:
    """Tell whether a member is none or a list of what the binding signalREndpoints hands out."""
    if value is None:
        return True
    if not isinstance(value, list):
        return False
    return all(
        isinstance(one, Mapping) and "endpoint" in {str(name).lower() for name in one} for one in value
    )


def _text(value: object) -> str:
    """Return a member as the text that .NET makes of it; null is an empty text."""
    match value:
        case None:
            return ""
        case DateText():
            return value.invariant
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return clean(str(value))


def _message(item: Item) -> Operation:
    target = _text(item["target"])
    if not target:
        raise OutputError("Argument cannot be null or empty. (Parameter 'methodName')")
    to = ""
    for name, path in (("connectionid", connection), ("userid", user), ("groupname", group)):
        if addressed := _text(item.get(name)):
            to = path(addressed).path
            break
    # The extension looks at no limit of the service's, which may refuse what is too large.
    body = newtonsoft.write({"target": target, "arguments": item.get("arguments") or []}).encode()
    return Operation("POST", f"{to}/:send", body=body, is_repeatable=False)


def _group_action(item: Item) -> Operation | None:
    action = _action(item["action"])
    to_connection, to_user, to_group = (
        _text(item.get(name)) for name in ("connectionid", "userid", "groupname")
    )
    if not to_connection and not to_user:
        raise OutputError("ConnectionId and UserId cannot be null or empty together")
    if action == _REMOVE_ALL:
        return None if to_connection else Operation("DELETE", f"{user(to_user).path}/groups")
    if action not in (_ADD, _REMOVE):
        return None
    if not to_group:
        raise OutputError("GroupName cannot be null or empty")
    method = "PUT" if action == _ADD else "DELETE"
    if not to_connection:
        return Operation(method, f"{user(to_user).path}{group(to_group).path}")
    path = f"{group(to_group).path}{connection(to_connection).path}"
    # Adding a connection that is gone is no error for the extension either; removing it is one.
    return Operation(method, path, absent="Error.Connection.NotExisted" if action == _ADD else None)


def _action(value: object) -> int:
    """Return the number of an action, as .NET reads an enum: by name, by number, or several of them."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise OutputError(_UNABLE)
    number = 0
    for part in value.split(","):
        name = part.strip().lower()
        if name not in _ACTIONS and re.fullmatch(r"[+-]?\d{1,9}", name) is None:
            raise OutputError(_UNABLE)
        number |= _ACTIONS[name] if name in _ACTIONS else int(name)
    return number
