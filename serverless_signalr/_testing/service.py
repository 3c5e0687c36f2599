"""The in-memory service of a test."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Self

from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.substitute import SUBSTITUTE, substituted
from serverless_signalr._testing.hub import FakeConnection, FakeHub
from serverless_signalr._testing.sender import FakeSender
from serverless_signalr._testing.sent import Record, Sent
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.names import check_hub_name

__all__ = ["FakeService", "service_for", "with_sent"]


class FakeService:
    """An in-memory Azure SignalR Service that records what it is sent and keeps track of groups.

    Inside ``with FakeService() as service:``, everything that an app sends goes to the fake, whichever
    setting names the service. This applies to the clients, groups and managers of hub classes, to
    ServiceClient, and to the SignalR outputs of functions that you run with ``call`` and similar functions.
    No setting is needed and nothing is patched. The fake belongs to the context (``contextvars``). Tasks and
    threads that start inside the block use it; other tests do not.

    ``clock`` returns seconds. Only the time that users stay in groups depends on it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.endpoint = Endpoint.parse(
            "Endpoint=http://fake-service.test;AccessKey=fake-key-of-a-test;Version=1.0;"
        )
        self._records: list[Record] = []
        self._hubs: dict[str, FakeHub] = {}
        self._faults: list[Response] = []
        self._clock = clock
        self._contexts: list[ExitStack] = []

    def __enter__(self) -> Self:
        stack = ExitStack()
        stack.enter_context(substituted(self))
        self._contexts.append(stack)
        return self

    def __exit__(self, *_: object) -> None:
        self._contexts.pop().close()

    @property
    def sent(self) -> Sent:
        """Return everything that has been sent so far."""
        return Sent(self._records)

    def since(self, count: int) -> Sequence[Record]:
        """Return what was sent after the first ``count`` records."""
        return self._records[count:]

    def connect(
        self,
        hub: str,
        *,
        user_id: str | None = None,
        connection_id: str | None = None,
        claims: Mapping[str, str | Sequence[str]] | None = None,
    ) -> FakeConnection:
        """Add a client connection without running the app.

        Use ``serverless_signalr.testing.connect`` to run ``connected`` as well.
        """
        return self.hub(hub).connect(connection_id, user_id, claims)

    def connections(self, hub: str) -> list[FakeConnection]:
        """Return the open connections of a hub."""
        return list(self.hub(hub).connections.values())

    def fail(self, status: int, *, times: int = 1, retry_after: int | None = None) -> None:
        """Answer the next operations with an error status.

        The app gets the exception for that status at once. A real client first repeats operations that are
        safe to repeat; the fake skips this and fails as after the last attempt.
        """
        if not 400 <= status <= 599:
            raise ValueError(f"the status is {status}, expected that of an error, 400 to 599")
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._faults += [Response(status, headers, b"", "fake")] * times

    def hub(self, name: str) -> FakeHub:
        """Return a hub by its name, regardless of case."""
        if name.lower() not in self._hubs:
            self._hubs[name.lower()] = FakeHub(check_hub_name(name), self._records.append, clock=self._clock)
        return self._hubs[name.lower()]

    def sender(self, hub: str) -> FakeSender:
        """Return a sender that carries out the operations of a hub."""
        return FakeSender(
            self.hub(hub), self.endpoint, lambda _: self._faults.pop(0) if self._faults else None
        )


def _current_service() -> FakeService | None:
    """Return the FakeService of this context, or None if there is none."""
    found = SUBSTITUTE.get()
    return found if isinstance(found, FakeService) else None


def service_for(given: FakeService | None) -> FakeService:
    """Return the FakeService for a call: the given one, the one of the context, or a new one."""
    return given or _current_service() or FakeService()


def with_sent[T: Sent](result: T, service: FakeService, count: int) -> T:
    """Add what was sent after the first ``count`` records to a result, and return the result."""
    result._records = list(service.since(count))
    return result
