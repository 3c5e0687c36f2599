"""A request of the REST API, once it is understood: which operation, on what, with what."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus

from multidict import CIMultiDict

from serverless_signalr.endpoint import Endpoint
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.hub import Hub, Hubs
from signalr_local.emulator.protocols import Outgoing

__all__ = ["Body", "Call", "NotExistedError", "Operation", "RestError"]


class Body(Enum):
    """Say what the body of a request holds."""

    NONE = "nothing that counts"
    MESSAGE = "target and arguments"
    ITEM = "an item of a stream"
    JSON = "any JSON value"


type Answer = dict[str, object] | None
type Result = Answer | Awaitable[Answer]


class NotExistedError(Exception):
    """Answer 404; ``code`` tells a server what it was that does not exist."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RestError(ValueError):
    """Refuse a request with a status and a sentence; ``target`` names what is wrong in it."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        target: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.target = target
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Call:
    """Hold what an operation works with. ``version`` is None in v1; ``names`` are those of the path.

    ``url`` is the one that the caller asked for, without its query; ``endpoint`` signs tokens that this
    emulator accepts. ``message`` or ``value`` is what the body holds.
    """

    hub: Hub[Connection]
    hubs: Hubs[Connection]
    names: dict[str, str]
    query: CIMultiDict[str]
    version: str | None
    url: str
    endpoint: Endpoint
    message: Outgoing | None = None
    value: object = None

    @property
    def excluded(self) -> frozenset[str]:
        """The connections that the caller wants left out."""
        return frozenset(self.query.getall("excluded", ()))


@dataclass(frozen=True, slots=True)
class Operation:
    """Describe one operation: a path below the hub, the statuses it is answered with, what it does.

    ``run`` returns the JSON object to answer with, or None. It raises NotExistedError, ValueError for a
    parameter that is not valid, and TimeoutError for a client that does not answer.
    """

    methods: tuple[str, ...]
    path: tuple[str, ...]
    run: Callable[[Call], Result]
    status: int
    v1_status: int
    body: Body = Body.NONE

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Return the names in a path, decoded already, or None where the path is another."""
        if len(segments) != len(self.path):
            return None
        names: dict[str, str] = {}
        for pattern, segment in zip(self.path, segments, strict=True):
            if pattern.startswith("{"):
                if not segment:
                    return None
                names[pattern.strip("{}")] = segment
            elif pattern.lower() != segment.lower():
                return None
        return names
