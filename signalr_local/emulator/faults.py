"""Faults on purpose: what a test wants to go wrong between the service and the app."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from signalr_local.clock import SYSTEM, Clock

__all__ = ["Control", "Fault", "Faults"]


type Control = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers the requests by which tests in other languages drive the emulator."""

_MAX_TIMES = 1_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to an event or a request instead of, or before, what should.

    ``status`` is answered in the place of the app or of the REST API, after ``delay`` seconds. A fault that
    has neither a status nor is lost only delays. ``event`` restricts it to events of that name.
    """

    status: int | None = None
    delay: float = 0.0
    is_lost: bool = False
    event: str | None = None
    retry_after: int | None = None

    def __post_init__(self) -> None:
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError(f"the status of a fault is {self.status}, expected that of an error, 400 to 599")
        if not 0 <= self.delay < float("inf"):
            raise ValueError(f"the delay of a fault is {self.delay} seconds, expected 0 or more")


class Faults:
    """Hold the faults to come: each is used once, in the order in which they were asked for."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._events: deque[Fault] = deque()
        self._requests: deque[Fault] = deque()

    def upstream(
        self, status: int | None = None, *, delay: float = 0.0, event: str | None = None, times: int = 1
    ) -> None:
        """Answer the next events with a status in the app's place, or send them after some seconds.

        ``event`` restricts that to the events of one name.
        """
        self._add(self._events, Fault(status, delay, event=event), times)

    def lose(self, event: str, *, times: int = 1) -> None:
        """Lose the next events of a name, such as ``disconnected``: the app never hears of them."""
        self._add(self._events, Fault(is_lost=True, event=event), times)

    def rest(
        self,
        status: int | None = None,
        *,
        delay: float = 0.0,
        retry_after: int | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next requests to the REST API with a status, or only after some seconds.

        ``retry_after`` is the value of that header, in seconds.
        """
        self._add(self._requests, Fault(status, delay, retry_after=retry_after), times)

    def clear(self) -> None:
        """Forget the faults that were not used yet."""
        self._events.clear()
        self._requests.clear()

    @property
    def pending(self) -> int:
        """How many faults were not used yet."""
        return len(self._events) + len(self._requests)

    async def event(self, name: str) -> Fault | None:
        """Take the fault for an event, and let its delay pass."""
        for fault in self._events:
            if fault.event is None or fault.event.lower() == name.lower():
                self._events.remove(fault)
                await self._wait(fault)
                return fault
        return None

    async def request(self) -> web.Response | None:
        """Take the fault for a request, let its delay pass, and return the answer to it, if it has one."""
        if not self._requests:
            return None
        fault = self._requests.popleft()
        await self._wait(fault)
        if fault.status is None:
            return None
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        phrase = HTTPStatus(fault.status).phrase if fault.status in list(HTTPStatus) else "Fault"
        return web.Response(status=fault.status, text=f"{phrase} (a fault of the test)", headers=headers)

    async def _wait(self, fault: Fault) -> None:
        if fault.delay:
            await self._clock.sleep(fault.delay)

    def _add(self, faults: deque[Fault], fault: Fault, times: int) -> None:
        if not 1 <= times <= _MAX_TIMES:
            raise ValueError(f"times is {times}, expected 1 to {_MAX_TIMES:,}")
        faults.extend([fault] * times)
