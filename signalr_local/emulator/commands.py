"""Commands that run on every connection that a filter selects."""

from collections.abc import Callable

from serverless_signalr.protocol.messages import Invocation
from serverless_signalr.protocol.names import check_group_name
from signalr_local.emulator.call import Call
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.filters import parse_filter
from signalr_local.emulator.protocols import PROTOCOLS, Outgoing

__all__ = ["execute"]

type _Command = Callable[[Connection], object]


def execute(call: Call) -> None:
    """Run all commands on each connection. Raise ValueError, and run none, if one of them is not valid."""
    if not isinstance(call.value, list) or not call.value:
        raise ValueError("The request body must be a list of commands.")
    commands = [_command(call, value) for value in call.value]
    passes = parse_filter(call.query.get("filter") or "")
    # The connections are selected before any command runs, since commands may change the filter's result.
    selected = [connection for connection in call.hub.in_hub() if passes(connection)]
    call.report.reached = len(selected)
    for connection in selected:
        for command in commands:
            command(connection)


def _command(call: Call, value: object) -> _Command:
    match value:
        case {"type": "SendMessage", "message": {"target": str(target), **rest}} if target:
            message = _message(target, rest.get("arguments"))

            def send(connection: Connection) -> None:
                call.quota.take(1, len(message.encode(connection.protocol)))
                connection.send(message)

            return send
        case {"type": "JoinGroup", "group": str(group)}:
            check_group_name(group)
            return lambda connection: call.hub.add_to_group(connection.connection_id, group)
        case {"type": "LeaveGroup", "group": str(group)}:
            check_group_name(group)
            return lambda connection: call.hub.remove_from_group(connection.connection_id, group)
        case {"type": "CloseConnection", **rest}:
            reason = rest.get("reason") or None
            if reason is not None and not isinstance(reason, str):
                raise ValueError("The reason of a CloseConnection command must be a text.")
            return lambda connection: connection.close(reason)
        case _:
            raise ValueError(
                "A command is an object with the type SendMessage (message), JoinGroup (group), "
                "LeaveGroup (group) or CloseConnection."
            )


def _message(target: str, arguments: object) -> Outgoing:
    if arguments is not None and not isinstance(arguments, list):
        raise ValueError("The arguments of a SendMessage command must be a list.")
    message = Outgoing(Invocation(target, arguments or []))
    # This finds a message that cannot be encoded before any command runs.
    for protocol in PROTOCOLS.values():
        message.encode(protocol)
    return message
