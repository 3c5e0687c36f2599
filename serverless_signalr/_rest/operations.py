"""The operations of the service's REST API as data: requests and their valid responses.

Source: https://github.com/Azure/azure-signalr/blob/dev/docs/swagger/v20241201.md.
"""

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple
from urllib.parse import quote, urlencode

from serverless_signalr._rest.responses import Response
from serverless_signalr.errors import PayloadTooLargeError
from serverless_signalr.protocol.text import well_formed

__all__ = ["API_VERSION", "MAX_URL", "Operation", "Reach"]

API_VERSION = "2024-12-01"

MAX_URL = 16 * 1024
"""Largest size of the URL and the headers together, in bytes."""


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
    response instead of an error.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    is_repeatable: bool = True
    absent: str | None = None
    reach: Reach = Reach.EVERY

    def url(self, base: str, fixed: str) -> str:
        """Return the URL below ``base`` with a query that ends in ``fixed``.

        Raise PayloadTooLargeError if it is longer than the service accepts.
        """
        query = f"{_query(self.query)}&{fixed}" if self.query else fixed
        url = f"{base}{self.path}?{query}"
        if len(url) > MAX_URL:
            raise PayloadTooLargeError(
                f"the URL has {len(url):,} characters, the service accepts {MAX_URL:,}, headers included: "
                "exclude fewer connections, or shorten the names"
            )
        return url

    def accepts(self, response: Response) -> bool:
        """Tell whether a response is valid for the operation."""
        if response.status == 404:
            return self.absent is not None and response.error_code == self.absent
        return 200 <= response.status < 300


def _query(pairs: Sequence[tuple[str, str]]) -> str:
    # A reason or a filter is free text: half of a surrogate pair becomes U+FFFD, as in a message.
    return urlencode([(name, well_formed(value)) for name, value in pairs], quote_via=quote)
