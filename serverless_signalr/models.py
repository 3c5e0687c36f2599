"""The typed values that SignalR bindings pass to functions and accept from them.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-signalr-service.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from serverless_signalr.protocol.claims import Claims, parse_claims
from serverless_signalr.protocol.mappings import CaseInsensitiveMapping, ReadOnlyMapping
from serverless_signalr.protocol.names import check_group_name, check_id
from serverless_signalr.protocol.text import well_formed
from serverless_signalr.protocol.upstream import USER_CLAIMS_HEADER
from serverless_signalr.protocol.values import to_builtins

if TYPE_CHECKING:
    import azure.functions as func

__all__ = [
    "SignalRConnectionInfo",
    "SignalREndpoint",
    "SignalRGroupAction",
    "SignalRInvocationContext",
    "SignalRMessage",
    "SignalRNegotiation",
    "SignalROutput",
]


@dataclass(frozen=True, slots=True)
class SignalRConnectionInfo:
    """The response of a negotiate function: the address of the service and an access token for it."""

    url: str
    access_token: str = field(repr=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text that the ``signalRConnectionInfo`` binding delivers."""
        return cls._from_dict(json.loads(text))

    @classmethod
    def _from_dict(cls, value: dict[str, str]) -> Self:
        return cls(value["url"], value["accessToken"])

    def to_json(self) -> str:
        """Return the response body that SignalR clients expect from ``POST …/negotiate``."""
        return json.dumps({"url": self.url, "accessToken": self.access_token})

    def to_response(self) -> "func.HttpResponse":
        """Return the HTTP response of a negotiate function, with ``Cache-Control: no-store``."""
        import azure.functions as func

        return func.HttpResponse(
            self.to_json(), mimetype="application/json", headers={"Cache-Control": "no-store"}
        )


@dataclass(frozen=True, slots=True)
class SignalREndpoint:
    """One instance of the service, and whether it is online."""

    endpoint_type: Literal["Primary", "Secondary"]
    name: str
    endpoint: str
    online: bool

    @classmethod
    def list_from_json(cls, text: str) -> list[Self]:
        """Parse the text that the ``signalREndpoints`` binding delivers."""
        return [cls._from_dict(item) for item in json.loads(text)]

    @classmethod
    def _from_dict(cls, value: dict[str, Any]) -> Self:
        return cls(value["endpointType"], value["name"], value["endpoint"], value["online"])

    def to_dict(self) -> dict[str, object]:
        """Return the endpoint as an item of a message's ``endpoints``."""
        return {
            "endpointType": self.endpoint_type,
            "name": self.name,
            "endpoint": self.endpoint,
            "online": self.online,
        }


@dataclass(frozen=True, slots=True)
class SignalRNegotiation:
    """Connection info for every instance of the service, for the function to choose from."""

    endpoints: list[tuple[SignalREndpoint, SignalRConnectionInfo]]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text that the ``signalRNegotiation`` binding delivers."""
        return cls(
            [
                (
                    SignalREndpoint._from_dict(item),
                    SignalRConnectionInfo._from_dict(item["connectionInfo"]),
                )
                for item in json.loads(text)["endpoints"]
            ]
        )


@dataclass(frozen=True, slots=True)
class SignalRInvocationContext:
    """The event that triggered a function, and the client connection that caused it.

    ``arguments`` is empty for events of the category ``connections``. ``error`` is the reason for which a
    connection ended, or None if it was closed cleanly. The user id and the claims are those of the token with
    which the client connected. ``headers`` and ``query`` are case-insensitive, and join repeated values with
    commas. ``headers``, ``query`` and ``claims`` are read-only.

    The query contains the client's ``access_token``, as the service sends it. It is masked in ``repr``; do
    not log it.
    """

    hub: str
    category: str
    event: str
    connection_id: str
    user_id: str | None = None
    arguments: list[Any] = field(default_factory=list)
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    claims: Claims = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ("headers", "query"):
            if not isinstance(found := getattr(self, name), CaseInsensitiveMapping):
                object.__setattr__(self, name, CaseInsensitiveMapping(found))
        object.__setattr__(self, "claims", ReadOnlyMapping(self.claims))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse the text that the ``signalRTrigger`` binding delivers.

        The claims come from the header of the request if it is present, because ``Claims`` in that text has
        only one value per type.
        """
        value = json.loads(text)
        headers = CaseInsensitiveMapping(value.get("Headers") or {})
        header = headers.get(USER_CLAIMS_HEADER)
        claims = parse_claims(header) if header else _single_values(value.get("Claims"))
        return cls(
            hub=value["Hub"],
            category=value["Category"],
            event=value["Event"],
            connection_id=value["ConnectionId"],
            user_id=value.get("UserId"),
            arguments=value.get("Arguments") or [],
            error=value.get("Error"),
            headers=headers,
            query=value.get("Query") or {},
            claims=claims,
        )


def _single_values(claims: dict[str, str] | None) -> dict[str, tuple[str, ...]]:
    return {name: (value,) for name, value in (claims or {}).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRMessage:
    """A call of ``target`` on all clients, or on those of one connection, user or group.

    Raise ValueError for an empty target, and for several recipients, because the service would silently use
    only one of them. Raise TypeError or ValueError for ids and arguments that cannot be sent.
    """

    target: str
    arguments: Sequence[object] = ()
    connection_id: str | None = None
    user_id: str | None = None
    group_name: str | None = None
    endpoints: Sequence[SignalREndpoint] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.target, str):
            raise TypeError(f"the target of a message is {self.target!r}, expected text")
        if not self.target:
            raise ValueError("the target of a message must not be empty")
        if isinstance(self.arguments, str | bytes | bytearray) or not isinstance(self.arguments, Sequence):
            raise TypeError(
                f"the arguments of a message are a {type(self.arguments).__name__}, expected a list"
            )
        # Fail where the message is created, not where it is sent after the function has returned.
        to_builtins(list(self.arguments))
        _check_addressees(connection_id=self.connection_id, user_id=self.user_id, group_name=self.group_name)
        if self.group_name is not None:
            check_group_name(self.group_name)

    def to_dict(self) -> dict[str, object]:
        """Return the form that the ``signalR`` binding takes."""
        return _present(
            target=well_formed(self.target),
            arguments=to_builtins(list(self.arguments)),
            connectionId=self.connection_id,
            userId=self.user_id,
            groupName=self.group_name,
            endpoints=None if self.endpoints is None else [item.to_dict() for item in self.endpoints],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRGroupAction:
    """A change of the groups of one connection, or of all connections of one user.

    ``removeAll`` removes a user from every group and takes no group name. Raise ValueError for combinations
    that the extension refuses or silently ignores, and TypeError or ValueError for ids that cannot be sent.
    """

    action: Literal["add", "remove", "removeAll"]
    group_name: str | None = None
    connection_id: str | None = None
    user_id: str | None = None
    endpoints: Sequence[SignalREndpoint] | None = None

    def __post_init__(self) -> None:
        if self.action not in ("add", "remove", "removeAll"):
            raise ValueError(f"the group action is {self.action!r}, expected add, remove or removeAll")
        _check_addressees(connection_id=self.connection_id, user_id=self.user_id)
        if self.connection_id is None and self.user_id is None:
            raise ValueError(f"{self.action} needs a connection_id or a user_id")
        if self.action == "removeAll":
            if self.user_id is None or self.group_name is not None:
                raise ValueError("removeAll takes a user_id, and neither a connection_id nor a group_name")
        elif self.group_name is None:
            raise ValueError(f"{self.action} needs a group_name")
        else:
            check_group_name(self.group_name)
            check_id("group name", self.group_name)

    def to_dict(self) -> dict[str, object]:
        """Return the form that the ``signalR`` binding takes."""
        return _present(
            action=self.action,
            groupName=self.group_name,
            connectionId=self.connection_id,
            userId=self.user_id,
            endpoints=None if self.endpoints is None else [item.to_dict() for item in self.endpoints],
        )


class SignalROutput:
    """Messages and group actions that the host sends, in order, after the function has returned.

    If the function raises, nothing is sent. The host sends the items one by one. It stops at the first that
    the service refuses, and the invocation fails.
    """

    def __init__(self) -> None:
        self._items: list[SignalRMessage | SignalRGroupAction] = []

    @property
    def items(self) -> Sequence[SignalRMessage | SignalRGroupAction]:
        """Return the items collected so far, oldest first."""
        return tuple(self._items)

    def __repr__(self) -> str:
        return f"SignalROutput({', '.join(map(repr, self._items))})"

    def append(self, item: SignalRMessage | SignalRGroupAction) -> None:
        """Add a message or a group action. Raise TypeError for anything else."""
        if not isinstance(item, SignalRMessage | SignalRGroupAction):
            raise TypeError(
                f"a SignalROutput takes a SignalRMessage or a SignalRGroupAction, not a {type(item).__name__}"
            )
        self._items.append(item)

    def send(
        self,
        target: str,
        *arguments: object,
        connection_id: str | None = None,
        user_id: str | None = None,
        group_name: str | None = None,
    ) -> None:
        """Invoke ``target`` on all clients, or on those of one connection, one user or one group."""
        self.append(
            SignalRMessage(
                target=target,
                arguments=arguments,
                connection_id=connection_id,
                user_id=user_id,
                group_name=group_name,
            )
        )

    def add_to_group(
        self, group_name: str, *, connection_id: str | None = None, user_id: str | None = None
    ) -> None:
        """Add one connection, or all connections of one user, to a group."""
        self.append(
            SignalRGroupAction(
                action="add", group_name=group_name, connection_id=connection_id, user_id=user_id
            )
        )

    def remove_from_group(
        self, group_name: str, *, connection_id: str | None = None, user_id: str | None = None
    ) -> None:
        """Remove one connection, or all connections of one user, from a group."""
        self.append(
            SignalRGroupAction(
                action="remove", group_name=group_name, connection_id=connection_id, user_id=user_id
            )
        )

    def remove_from_all_groups(self, user_id: str) -> None:
        """Remove all connections of one user from every group."""
        self.append(SignalRGroupAction(action="removeAll", user_id=user_id))


def _check_addressees(**addressees: Any) -> None:
    given = [name for name, value in addressees.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} are given, expected one of them")
    for name in given:
        if addressees[name] == "":
            raise ValueError(f"{name} must not be empty")
        # The extension writes ids into a URL too, after the function has returned.
        check_id(name.replace("_", " "), addressees[name])


def _present(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}
