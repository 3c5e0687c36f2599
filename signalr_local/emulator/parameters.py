"""The rules for what a REST request names in its path and query, and the texts that refuse it.

Source: the patterns and lengths in the OpenAPI files of the service; the texts are the official emulator's.
"""

import re
from collections.abc import Mapping

from serverless_signalr.protocol.names import check_hub_name
from signalr_local.emulator.call import invalid
from signalr_local.emulator.incoming import HUB_NAME_RULE

__all__ = ["check_names", "hub_name"]

_MAX_NAME = 1024
_MAX_STREAM_ID = 100
_NAME = re.compile(r"(?!\s+\Z).+")

_APPLICATION_RULE = HUB_NAME_RULE.replace("hub name. Valid hub", "value of 'application'. Valid application")
_GROUP_RULE = "Invalid group name. Valid group name should be in between 1 and 1024 characters long."
_USER_RULE = "Invalid user id. Valid user id should be in between 1 and 1024 characters long."
_STREAM_RULE = "Invalid stream id. Valid stream id should be in between 1 and 100 characters long."


def hub_name(hub: str, application: str | None) -> str:
    """Return the name that the service knows a hub by. Raise RestError for a name that is not valid."""
    _check_hub(hub, HUB_NAME_RULE, "hub")
    if not application:
        return hub
    _check_hub(application, _APPLICATION_RULE, "application")
    return f"{application}_{hub}"


def check_names(names: Mapping[str, str], *, is_user_limited: bool) -> None:
    """Raise RestError for a group, a stream or a user in a path that is not valid.

    The descriptions allow a blank group, or one with a line break, where a message is sent and where a
    connection is removed; no such group can have members, so that it is refused there too. Only operations
    that close connections limit the length of a user id.
    """
    group, stream, user = (names.get(name) for name in ("group", "stream", "user"))
    if group is not None and not (_NAME.fullmatch(group) and _length(group) <= _MAX_NAME):
        raise invalid(_GROUP_RULE, "group")
    if stream is not None and not (_NAME.fullmatch(stream) and _length(stream) <= _MAX_STREAM_ID):
        raise invalid(_STREAM_RULE, "streamId")
    if is_user_limited and user is not None and _length(user) > _MAX_NAME:
        raise invalid(_USER_RULE, "user")


def _check_hub(name: str, rule: str, target: str) -> None:
    try:
        check_hub_name(name)
    except ValueError:
        raise invalid(rule, target) from None


def _length(text: str) -> int:
    """Return the length that .NET sees, in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)
