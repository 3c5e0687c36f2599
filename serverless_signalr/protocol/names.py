"""The names and sizes that the service accepts.

Source: the OpenAPI files of the service (patterns and lengths), and the limits page of its documentation.
"""

import re

from serverless_signalr.protocol.text import has_surrogates

__all__ = [
    "DEFAULT_CONNECTION",
    "MAX_BODY",
    "MAX_GROUP_NAME",
    "check_group_name",
    "check_hub_name",
    "check_id",
    "to_camel_case",
]

DEFAULT_CONNECTION = "AzureSignalRConnectionString"
"""The app setting that bindings use by default."""

MAX_BODY = 1024 * 1024
"""Maximum size of a REST request body, in bytes."""

MAX_GROUP_NAME = 1024
"""Maximum length of a group name, in characters."""

_HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_`,.\[\]]{0,127}")


def check_hub_name(name: str) -> str:
    """Return a hub name unchanged. Raise TypeError or ValueError, with the rule, for an invalid name."""
    if not isinstance(name, str):
        raise TypeError(f"the hub name is {name!r}, expected text")
    if not _HUB_NAME.fullmatch(name):
        raise ValueError(
            f"the hub name {name!r} is not valid: it has 1 to 128 characters, starts with a letter "
            "and continues with letters, digits or any of _`,.[]"
        )
    return name


def check_group_name(name: str) -> str:
    """Return a group name unchanged. Raise TypeError or ValueError, with the rule, for an invalid name."""
    if not isinstance(name, str):
        raise TypeError(f"the group name is {name!r}, expected text")
    if not name.strip():
        raise ValueError("a group name must not be empty or blank")
    if len(name) > MAX_GROUP_NAME:
        raise ValueError(
            f"a group name has at most {MAX_GROUP_NAME:,} characters, this one has {len(name):,}"
        )
    return name


def check_id(kind: str, name: str) -> None:
    """Check a name or an id that becomes one segment of a URL.

    Raise TypeError for anything but text, and ValueError for a name that a URL cannot carry. Messages replace
    half of a surrogate pair, which is what cutting an emoji in two leaves, by U+FFFD. A name with one is
    refused instead, so that two different names cannot become the same.
    """
    if not isinstance(name, str):
        raise TypeError(f"the {kind} is {name!r}, expected text")
    if not name:
        raise ValueError(f"the {kind} must not be empty")
    if name in (".", ".."):
        # Escaped or not, these move up the path: a message to the user ".." would go to everybody.
        raise ValueError(f"the {kind} {name!r} cannot be part of a URL")
    if not name.isascii() and has_surrogates(name):
        raise ValueError(
            f"the {kind} {name!r} contains half of a surrogate pair: check for text that was cut within an "
            "emoji"
        )


def to_camel_case(name: str) -> str:
    """Return a Python name in the spelling of the wire: ``group_name`` becomes ``groupName``."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)
