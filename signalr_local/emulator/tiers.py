"""The quotas of the service's pricing tiers.

Source: https://learn.microsoft.com/azure/azure-signalr/signalr-concept-messages-and-connections and the
limits page of the service, for one unit. Messages to clients count, in pieces of 2 KB; pings and messages to
the service are free. The daily count begins anew at midnight UTC.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["TIERS", "Quota", "QuotaError", "Tier"]

_PIECE = 2048
_DAY = 24 * 60 * 60

_log = logging.getLogger(__name__)


class QuotaError(Exception):
    """The service's refusal of what exceeds a quota."""


@dataclass(frozen=True, slots=True)
class Tier:
    """What one unit of a pricing tier may be used for; None as ``messages`` means without limit."""

    connections: int
    messages: int | None


TIERS = {"free": Tier(20, 20_000), "standard": Tier(1_000, None)}
"""The tiers by name. In the standard one, messages beyond a million a day cost extra."""


class Quota:
    """Count what a tier limits; without a tier nothing is limited."""

    def __init__(self, tier: Tier | None = None, clock: Callable[[], float] = time.time) -> None:
        self.on_exceeded: Callable[[str], None] = lambda _: None
        """Called with the service's text when the messages of a day are used up."""
        self._tier = tier
        self._clock = clock
        self._day = 0
        self._messages = 0

    @property
    def is_limited(self) -> bool:
        """Whether messages have to be counted."""
        return self._tier is not None and self._tier.messages is not None

    def check_connections(self, open_connections: int) -> None:
        """Raise QuotaError if there may not be another connection."""
        if self._tier is None:
            return
        if open_connections >= self._tier.connections:
            _log.warning(
                "A client is refused: %d connections are open, and the tier has no more.", open_connections
            )
            raise QuotaError("Connection count reaches limit.")
        if self._is_used_up(0):
            raise QuotaError("Message count reaches limit.")

    def take(self, receivers: int, size: int) -> None:
        """Count a message of ``size`` bytes to some receivers. Raise QuotaError if it is one too many."""
        count = receivers * max(1, -(-size // _PIECE))
        if self._tier is None or self._tier.messages is None or not count:
            return
        if not self._is_used_up(count):
            self._messages += count
            return
        self._messages = self._tier.messages
        text = "Message count reaches limit."
        _log.warning("The %d messages of the tier for this day (UTC) are used up.", self._tier.messages)
        self.on_exceeded(text)
        raise QuotaError(text)

    def _is_used_up(self, count: int) -> bool:
        assert self._tier is not None  # noqa: S101 - nothing is counted without a tier
        day = int(self._clock() // _DAY)
        if day != self._day:
            self._day, self._messages = day, 0
        limit = self._tier.messages
        return limit is not None and (self._messages >= limit or self._messages + count > limit)
