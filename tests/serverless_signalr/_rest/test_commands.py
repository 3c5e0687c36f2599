"""Commands in the form that the service takes."""

import pytest

from serverless_signalr._rest.commands import CloseConnection, Command, JoinGroup, LeaveGroup, SendMessage


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (
            SendMessage("m", [1]),
            {"type": "SendMessage", "message": {"target": "m", "arguments": [1]}},
        ),
        (JoinGroup("g"), {"type": "JoinGroup", "group": "g"}),
        (LeaveGroup("g"), {"type": "LeaveGroup", "group": "g"}),
        (CloseConnection(), {"type": "CloseConnection"}),
        (CloseConnection("bye"), {"type": "CloseConnection", "reason": "bye"}),
    ],
)
def test_command_has_the_form_of_the_service(command: Command, written: dict[str, object]) -> None:
    assert command.to_dict() == written


@pytest.mark.parametrize("command", [SendMessage(""), JoinGroup(" "), LeaveGroup("")])
def test_command_is_checked(command: Command) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        command.to_dict()
