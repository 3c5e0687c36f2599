"""A request of the REST API, once it is understood: which operation, on what, with what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from multidict import CIMultiDict

from local.emulator.connection import Connection
from local.emulator.hub import Hub, Hubs
from local.emulator.protocols import Outgoing
from signalr.endpoint import Endpoint

__all__ = ["Body", "Call", "NotExistedError", "Operation"]


class Body(Enum):
    """Say what the body of a request holds."""

    NONE = "nothing that counts"
    MESSAGE = "target and arguments"
    JSON = "any JSON value"


type Answer = dict[str, object] | None
type Result = Answer | Awaitable[Answer]


class NotExistedError(Exception):
    """Answer 404; ``code`` tells a server what it was that does not exist."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """Hold what an operation works with. ``version`` is None in v1; ``names`` are those of the path.

    ``message`` or ``value`` is what the body holds, ``endpoint`` this emulator as the caller reached it.
    """

    hub: Hub[Connection]
    hubs: Hubs[Connection]
    names: dict[str, str]
    query: CIMultiDict[str]
    version: str | None
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
