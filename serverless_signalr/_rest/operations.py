"""The operations of the service's REST API as data: requests and their valid responses.

Source: https://github.com/Azure/azure-signalr/blob/dev/docs/swagger/v20241201.md.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from serverless_signalr._rest.responses import Response

__all__ = ["API_VERSION", "Operation", "Reach"]

API_VERSION = "2024-12-01"


class Reach(Enum):
    """The instances of the service that have to carry out an operation."""

    EVERY = "every"
    """All of them: the target's connections may be on any instance."""

    ANY = "any"
    """The one that does not respond with 404: the target is on at most one instance."""

    ONE = "one"
    """One that the caller has to choose: the result is valid for that instance only."""


class Operation(NamedTuple):
    """One request. ``path`` is below the hub and percent-encoded.

    ``is_repeatable`` marks an idempotent operation. ``absent`` is the error code with which a 404 is a valid
    response instead of an error. ``target`` is what the operation invokes on clients, for telemetry.
    ``api_version`` is the first version that has the operation, if it is later than the default.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    is_repeatable: bool = True
    absent: str | None = None
    reach: Reach = Reach.EVERY
    target: str | None = None
    api_version: str | None = None

    def accepts(self, response: Response) -> bool:
        """Tell whether a response is valid for the operation."""
        if response.status == 404:
            return self.absent is not None and response.error_code == self.absent
        return 200 <= response.status < 300
