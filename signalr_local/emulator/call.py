"""A parsed request of the REST API: the operation, what it works on, and its body."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus

from multidict import CIMultiDict

from serverless_signalr.endpoint import Endpoint
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.hub import Hub, Hubs
from signalr_local.emulator.negotiate import Tickets
from signalr_local.emulator.protocols import Outgoing
from signalr_local.emulator.rest_report import RestReport
from signalr_local.emulator.tiers import Quota

__all__ = ["Body", "Call", "Framed", "NotExistedError", "Operation", "RestError", "invalid"]


class Body(Enum):
    """The kinds of request bodies."""

    NONE = "none, or one that is ignored"
    MESSAGE = "target and arguments"
    ITEM = "an item of a stream"
    JSON = "any JSON value"


@dataclass(frozen=True, slots=True)
class Framed:
    """A message in the hub protocol of the client that it came from, separator or length included."""

    protocol: str
    frame: bytes


type Answer = dict[str, object] | Framed | None
type Result = Answer | Awaitable[Answer]


class NotExistedError(Exception):
    """An answer of 404; ``code`` says what does not exist, in the service's terms."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class RestError(ValueError):
    """A refusal with a status and a sentence; ``target`` names the parameter or field that is wrong."""

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


def invalid(message: str, target: str | None = None) -> RestError:
    """Return the error for a request that is not valid; ``target`` names what is wrong in it."""
    return RestError(HTTPStatus.BAD_REQUEST, message, target)


@dataclass(frozen=True, slots=True)
class Call:
    """The input of an operation. ``version`` is None in v1; ``names`` are those of the path.

    ``url`` is the one that the caller asked for, without its query; ``endpoint`` signs tokens that this
    emulator accepts. ``tickets`` are those of all clients, ``now`` returns the time. ``message`` or ``value``
    is what the body holds. ``wants_frames`` tells whether the caller accepts a message of the hub protocol as
    the answer.
    """

    hub: Hub[Connection]
    hubs: Hubs[Connection]
    names: dict[str, str]
    query: CIMultiDict[str]
    version: str | None
    url: str
    endpoint: Endpoint
    quota: Quota
    tickets: Tickets
    now: Callable[[], float]
    message: Outgoing | None = None
    value: object = None
    wants_frames: bool = False
    report: RestReport = field(default_factory=RestReport)

    @property
    def excluded(self) -> frozenset[str]:
        """The ids of connections that do not receive the message, or are not closed."""
        return frozenset(self.query.getall("excluded", ()))


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: a path below the hub, the statuses it is answered with, what it does.

    ``run`` returns the JSON object or the frame to answer with, or None. It raises NotExistedError,
    ValueError for a parameter that is not valid, and TimeoutError for a client that does not answer.
    ``since`` is the API version that introduced the operation. One that is not ``in_application`` has no
    ``application`` parameter.
    """

    methods: tuple[str, ...]
    path: tuple[str, ...]
    run: Callable[[Call], Result]
    status: int
    v1_status: int
    body: Body = Body.NONE
    since: str = ""
    in_application: bool = True

    def is_in(self, version: str | None) -> bool:
        """Tell whether a version of the API has the operation; None is v1."""
        return not self.since or (version or "") >= self.since

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Return the names in a decoded path, or None if the path is that of another operation."""
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
