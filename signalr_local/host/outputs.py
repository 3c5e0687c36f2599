"""What a function hands to a SignalR output: its items, and the requests that they stand for.

Source: Azure/azure-functions-signalrservice-extension, SignalROutputConverter and AzureSignalRClient.
"""

from typing import Any

from serverless_signalr._rest.addressees import connection, group, user
from serverless_signalr._rest.encoding import message
from serverless_signalr._rest.operations import Operation

__all__ = ["Item", "OutputError", "items", "operation"]

type Item = dict[str, Any]
"""A message or a group action, by its members' names in lower case, as the extension compares them."""


class OutputError(ValueError):
    """Say which item of a SignalR output could not be sent, and why."""


def items(value: object) -> list[Item]:
    """Return the items of a value. Raise OutputError for one that is no object."""
    found: list[Any] = value if isinstance(value, list) else [value]
    for item in found:
        if not isinstance(item, dict):
            raise OutputError(
                "Value cannot be null. (Parameter 'item'): a SignalR output takes a JSON object or a list of "
                f"objects, got {type(item).__name__}."
            )
    return [{name.lower(): part for name, part in item.items()} for item in found]


def operation(item: Item) -> Operation:
    """Return the request that an item stands for. Raise ValueError for one that stands for none."""
    if item.get("target"):
        return _message(item)
    action = str(item.get("action") or "").lower()
    if action not in ("add", "remove", "removeall"):
        raise OutputError("Unable to convert JObject to valid output binding type, check parameters.")
    if not item.get("connectionid") and not item.get("userid"):
        raise OutputError("ConnectionId and UserId cannot be null or empty together")
    return _removal_from_all(item) if action == "removeall" else _membership(item, action)


def _message(item: Item) -> Operation:
    arguments = item.get("arguments")
    if arguments is not None and not isinstance(arguments, list):
        raise OutputError(f"arguments of the message {item['target']} must be a list.")
    to = ""
    for name, path in (("connectionid", connection), ("userid", user), ("groupname", group)):
        if item.get(name):
            to = path(str(item[name])).path
            break
    body = message(str(item["target"]), arguments or [])
    return Operation("POST", f"{to}/:send", body=body, is_repeatable=False)


def _removal_from_all(item: Item) -> Operation:
    if item.get("connectionid"):
        raise OutputError("removeAll takes a userId: Azure ignores it for a connection.")
    return Operation("DELETE", f"{user(str(item['userid'])).path}/groups")


def _membership(item: Item, action: str) -> Operation:
    if not item.get("groupname"):
        raise OutputError("groupName cannot be null or empty")
    name = group(str(item["groupname"])).path
    if not item.get("connectionid"):
        return Operation("PUT" if action == "add" else "DELETE", f"{user(str(item['userid'])).path}{name}")
    path = f"{name}{connection(str(item['connectionid'])).path}"
    if action == "remove":
        return Operation("DELETE", path)
    # Adding a connection that is gone is no error for the extension either; removing it is one.
    return Operation("PUT", path, absent="Error.Connection.NotExisted")
