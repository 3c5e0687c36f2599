"""The operations of the REST API, as a table at the end of the module."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from itertools import islice

from serverless_signalr._rest.tokens import sign_client_token
from signalr_local.emulator.broadcast import broadcast
from signalr_local.emulator.call import Body, Call, NotExistedError, Operation, Result, invalid
from signalr_local.emulator.client_calls import complete_stream, invoke_client, send_stream_item
from signalr_local.emulator.commands import execute
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.hub import near_match
from signalr_local.emulator.pages import list_group
from signalr_local.emulator.protocols import Outgoing
from signalr_local.emulator.refresh import connection_claims, refresh_authentication

__all__ = ["OPERATIONS"]

_MAX_INT = 2**31 - 1
_MAX_RECEIVERS = 20
_MAX_COMPARED = 1000
"""How many names are compared for a hint, which must not cost more than the send itself."""


_log = logging.getLogger(__name__)


def _send_to_all(call: Call) -> None:
    if not _send(call, call.hub.in_hub(call.excluded)):
        others = ", ".join(f"'{hub.name}'" for hub in call.hubs if hub.connections) or "none"
        _log_nobody(call, "A message", f"Hubs with connections: {others}.")


def _send_to_user(call: Call) -> None:
    user = call.names["user"]
    if not _send(call, call.hub.of_user(user)):
        _log_nobody(call, f"A message to user {user!r}", _near(user, "user", call.hub.users))


def _send_to_group(call: Call) -> None:
    group = call.names["group"]
    if not _send(call, call.hub.in_group(group, call.excluded)):
        _log_nobody(call, f"A message to group {group!r}", _near(group, "group", call.hub.groups))


def _send_to_connection(call: Call) -> None:
    connection_id = call.names["connection"]
    connection = call.hub.connections.get(connection_id)
    if not _send(call, [] if connection is None else [connection]):
        hint = _near(connection_id, "connection", call.hub.connections) or "It is gone, or of another hub."
        _log_nobody(call, f"A message to connection {connection_id!r}", hint)


def _close_connection(call: Call) -> None:
    connection = call.hub.connections.get(call.names["connection"])
    if connection is not None:
        connection.close(call.query.get("reason") or None)


def _close_connections(call: Call, connections: Callable[[Call], list[Connection]]) -> None:
    reason = call.query.get("reason") or None
    for connection in connections(call):
        if connection.connection_id not in call.excluded:
            connection.close(reason)


def _generate_token(call: Call) -> dict[str, object]:
    minutes = call.query.get("minutesToExpire", "60")
    if not (_is_int(minutes) and int(minutes) >= 1):
        message = f"minutesToExpire is {minutes[:20]!r}, expected a number from 1 to {_MAX_INT:,}."
        raise invalid(message, "minutesToExpire")
    user_id = call.query.get("userId") or None
    lifetime = timedelta(minutes=int(minutes))
    return {"token": sign_client_token(call.endpoint, call.hub.name, user_id=user_id, lifetime=lifetime)}


def _connection_exists(call: Call) -> None:
    if call.names["connection"] not in call.hub.connections:
        raise NotExistedError("Warning.Connection.NotExisted")


def _user_exists(call: Call) -> None:
    if call.names["user"] not in call.hub.users:
        raise NotExistedError("Warning.User.NotExisted")


def _group_exists(call: Call) -> None:
    if call.names["group"] not in call.hub.groups:
        raise NotExistedError("Warning.Group.NotExisted")


def _user_in_group(call: Call) -> None:
    if not call.hub.is_user_in_group(call.names["user"], call.names["group"]):
        raise NotExistedError("Info.User.NotInGroup")


def _add_connection(call: Call) -> None:
    if not call.hub.add_to_group(call.names["connection"], call.names["group"]):
        raise NotExistedError("Error.Connection.NotExisted")


def _remove_connection(call: Call) -> None:
    is_there = call.hub.remove_from_group(call.names["connection"], call.names["group"])
    # Microsoft's SDK tests expect success from the service in every version of this API. The description of
    # 2022-06-01 still lists the 404 of version 1.0, later ones do not.
    if not is_there and call.version is None:
        raise NotExistedError("Error.Connection.NotExisted")


def _remove_connection_from_all(call: Call) -> None:
    call.hub.remove_from_all_groups(call.names["connection"])


def _add_user(call: Call) -> None:
    ttl = call.query.get("ttl")
    if ttl is not None and not _is_int(ttl):
        raise invalid(f"ttl is {ttl[:20]!r}, expected a number of seconds from 0 to {_MAX_INT:,}.", "ttl")
    call.hub.add_user_to_group(call.names["user"], call.names["group"], None if ttl is None else int(ttl))


def _remove_user(call: Call) -> None:
    call.hub.remove_user_from_group(call.names["user"], call.names["group"])


def _remove_user_from_all(call: Call) -> None:
    call.hub.remove_user_from_all_groups(call.names["user"])


def _send(call: Call, connections: list[Connection]) -> int:
    assert call.message is not None  # noqa: S101 - the table says that this operation has one
    if call.quota.is_limited or call.message.given:
        _account(call, call.message, connections)
    reached = call.report.reached = broadcast(call.message, connections)
    call.report.receivers = [connection.connection_id for connection in connections[:_MAX_RECEIVERS]]
    return reached


def _account(call: Call, message: Outgoing, connections: list[Connection]) -> None:
    for protocol, count in Counter(connection.protocol for connection in connections).items():
        if message.given and protocol.name not in message.given:
            _log.warning(
                "A message in the protocols %s is converted for clients of %s. In Azure such clients "
                "probably receive nothing: register their protocol with the server's SDK too.",
                " and ".join(sorted(message.given)),
                protocol.name,
            )
        call.quota.take(count, len(message.encode(protocol)))


def _is_int(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _MAX_INT


def _near(name: str, kind: str, names: Iterable[str]) -> str:
    near = near_match(name, islice(names, _MAX_COMPARED))
    return "" if near is None else f"There is a {kind} {near!r}: names are case-sensitive."


def _log_nobody(call: Call, what: str, hint: str) -> None:
    text = f"{what} reached 0 connections of hub '{call.hub.name}'.{hint and f' {hint}'}"
    _log.info("%s", text)
    call.report.error = text


_EXISTS = ("GET", "HEAD")

_TO_SEND = (
    ("", _send_to_all),
    ("users/{user}", _send_to_user),
    ("groups/{group}", _send_to_group),
    ("connections/{connection}", _send_to_connection),
)

_TO_CLOSE: tuple[tuple[str, Callable[[Call], list[Connection]]], ...] = (
    ("", lambda call: call.hub.in_hub()),
    ("users/{user}", lambda call: call.hub.of_user(call.names["user"])),
    ("groups/{group}", lambda call: call.hub.in_group(call.names["group"])),
)

_CONNECTION_IN_GROUP = ("groups/{group}/connections/{connection}", "connections/{connection}/groups/{group}")
_USER_IN_GROUP = ("users/{user}/groups/{group}", "groups/{group}/users/{user}")


def _operation(
    methods: str | tuple[str, ...],
    path: str,
    run: Callable[[Call], Result],
    status: int,
    v1_status: int,
    *,
    body: Body = Body.NONE,
    since: str = "",
    in_application: bool = True,
) -> Operation:
    return Operation(
        (methods,) if isinstance(methods, str) else methods,
        tuple(part for part in path.split("/") if part),
        run,
        status,
        v1_status,
        body,
        since,
        in_application,
    )


_REFRESH = "2026-07-01"
_STREAM = "connections/{connection}/streams/{stream}"

OPERATIONS = (
    # These come before connections/{connection}, which they would match.
    _operation(
        "POST", "connections/:refreshAuth", refresh_authentication, 200, 200, body=Body.JSON, since=_REFRESH
    ),
    _operation(
        ("QUERY", "POST"), "connections/claims", connection_claims, 200, 200, body=Body.JSON, since=_REFRESH
    ),
    # The paths of both versions are accepted in both; the status is that of the version asked for.
    *(_operation("POST", f"{path}/:send", run, 202, 202, body=Body.MESSAGE) for path, run in _TO_SEND),
    *(_operation("POST", path, run, 202, 202, body=Body.MESSAGE) for path, run in _TO_SEND),
    *(
        _operation(
            "POST", f"{path}/:closeConnections", partial(_close_connections, connections=chosen), 204, 204
        )
        for path, chosen in _TO_CLOSE
    ),
    _operation(
        "POST", ":execute", execute, 202, 202, body=Body.JSON, since="2023-07-01", in_application=False
    ),
    _operation("POST", ":generateToken", _generate_token, 200, 200, since="2022-11-01", in_application=False),
    _operation("GET", "groups/{group}/connections", list_group, 200, 200, since="2024-12-01"),
    _operation(
        "POST",
        "connections/{connection}/:invoke",
        invoke_client,
        200,
        200,
        body=Body.MESSAGE,
        since="2024-12-01",
    ),
    _operation("POST", f"{_STREAM}/:send", send_stream_item, 202, 202, body=Body.ITEM, since="2024-12-01"),
    _operation("POST", f"{_STREAM}/:complete", complete_stream, 202, 202, since="2024-12-01"),
    _operation("DELETE", "connections/{connection}", _close_connection, 200, 202),
    _operation(_EXISTS, "connections/{connection}", _connection_exists, 200, 200),
    _operation(_EXISTS, "users/{user}", _user_exists, 200, 200),
    _operation(_EXISTS, "groups/{group}", _group_exists, 200, 200),
    *(_operation("PUT", path, _add_connection, 200, 200) for path in _CONNECTION_IN_GROUP),
    *(_operation("DELETE", path, _remove_connection, 200, 200) for path in _CONNECTION_IN_GROUP),
    _operation("DELETE", "connections/{connection}/groups", _remove_connection_from_all, 200, 200),
    *(_operation(_EXISTS, path, _user_in_group, 200, 200) for path in _USER_IN_GROUP),
    *(_operation("PUT", path, _add_user, 200, 202) for path in _USER_IN_GROUP),
    *(_operation("DELETE", path, _remove_user, 204, 202) for path in _USER_IN_GROUP),
    _operation("DELETE", "users/{user}/groups", _remove_user_from_all, 204, 200),
)
"""Every operation. The first one that matches a path, a method and a version is run."""
