"""The operations of the service's REST API as data: what is asked for, and which answers it may have.

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
"""What the service accepts as URL and headers together, in bytes."""


class Reach(Enum):
    """How many of several instances of the service have to carry an operation out."""

    EVERY = "every"
    """Each of them: the clients that it is for may be anywhere."""

    ANY = "any"
    """The one that answers something else than 404: what it is about is on one of them, if at all."""

    ONE = "one"
    """One that has to be chosen: what it returns is of use there only."""


class Operation(NamedTuple):
    """One request; ``path`` is below the hub and percent-encoded.

    ``is_repeatable`` says that doing it twice is doing it once. ``absent`` is the error code with which a
    404 is an answer, not an error.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    is_repeatable: bool = True
    absent: str | None = None
    reach: Reach = Reach.EVERY

    def url(self, base: str, fixed: str) -> str:
        """Return the address below ``base`` with a query that ends in ``fixed``.

        Raise PayloadTooLargeError for one that is longer than any the service accepts.
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
        """Tell whether a response is one that the operation can have."""
        if response.status == 404:
            return self.absent is not None and response.error_code == self.absent
        return 200 <= response.status < 300


def _query(pairs: Sequence[tuple[str, str]]) -> str:
    # A reason or a filter is text for people: half of a surrogate pair becomes U+FFFD, as in a message.
    return urlencode([(name, well_formed(value)) for name, value in pairs], quote_via=quote)
