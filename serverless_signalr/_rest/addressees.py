"""The addressees of REST operations, as paths below the hub."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from serverless_signalr.protocol.names import check_group_name, check_id

__all__ = [
    "EVERYBODY",
    "Addressee",
    "Addressees",
    "connection",
    "connection_membership",
    "connections",
    "everybody",
    "exclusions",
    "group",
    "groups",
    "segment",
    "stream",
    "user",
    "user_membership",
    "users",
]

MAX_STREAM_ID = 100

_SAFE = "!$&'()*,;=:@~"
"""Characters that are not escaped: aiohttp would unescape them, and a token is valid for the URL as sent."""


class Addressee(NamedTuple):
    """A path below the hub, and the query that excludes some of its connections."""

    path: str
    query: tuple[tuple[str, str], ...] = ()


class Addressees(NamedTuple):
    """Several paths by the names of their addressees; each is a separate request."""

    kind: str
    paths: Mapping[str, str]


EVERYBODY = Addressee("")


def everybody(excluded: Iterable[str] = ()) -> Addressee:
    """Return the addressee for every connection of the hub except the excluded ones."""
    return Addressee("", exclusions(excluded)) if excluded else EVERYBODY


def connection(connection_id: str) -> Addressee:
    """Return the addressee for one connection."""
    return Addressee(f"/connections/{segment('connection id', connection_id)}")


def connections(connection_ids: Iterable[str]) -> Addressees:
    """Return the addressees for several connections."""
    ids = _names("connection ids", connection_ids)
    return Addressees("connections", {name: connection(name).path for name in ids})


def user(user_id: str) -> Addressee:
    """Return the addressee for every connection of a user."""
    return Addressee(f"/users/{segment('user id', user_id)}")


def users(user_ids: Iterable[str]) -> Addressees:
    """Return the addressees for every connection of several users."""
    return Addressees("users", {name: user(name).path for name in _names("user ids", user_ids)})


def group(group_name: str, excluded: Iterable[str] = ()) -> Addressee:
    """Return the addressee for every connection in a group except the excluded ones."""
    path = f"/groups/{segment('group name', group_name)}"
    check_group_name(group_name)
    return Addressee(path, exclusions(excluded)) if excluded else Addressee(path)


def groups(group_names: Iterable[str]) -> Addressees:
    """Return the addressees for every connection in several groups."""
    return Addressees("groups", {name: group(name).path for name in _names("group names", group_names)})


def connection_membership(group_name: str, connection_id: str) -> str:
    """Return the path of a connection in a group."""
    return f"{group(group_name).path}{connection(connection_id).path}"


def user_membership(group_name: str, user_id: str) -> str:
    """Return the path of a user in a group."""
    return f"{user(user_id).path}{group(group_name).path}"


def stream(connection_id: str, stream_id: str) -> str:
    """Return the path of a stream to a connection."""
    name = segment("stream id", stream_id)
    if stream_id.isspace():
        raise ValueError("the stream id must not be blank")
    if len(stream_id) > MAX_STREAM_ID:
        raise ValueError(
            f"the stream id has {len(stream_id):,} characters, the service accepts {MAX_STREAM_ID}"
        )
    return f"{connection(connection_id).path}/streams/{name}"


def segment(kind: str, name: str) -> str:
    """Return a name as one segment of a path. Raise TypeError or ValueError if it cannot be one."""
    check_id(kind, name)
    return quote(name, safe=_SAFE)


def exclusions(connection_ids: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the query that excludes connections, without duplicates."""
    return tuple([("excluded", name) for name in _names("excluded connection ids", connection_ids)])


def _names(kind: str, values: Iterable[str]) -> list[str]:
    """Return names without duplicates. Raise TypeError for a single text, which is iterable too."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise TypeError(f"the {kind} are {values!r}, expected a list of texts")
    found = list(dict.fromkeys(values))
    for name in found:
        segment(kind.removesuffix("s"), name)
    return found
