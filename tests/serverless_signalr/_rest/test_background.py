"""Operations from functions that are not async."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from serverless_signalr._rest.background import run_sync
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import (
    InvalidArgumentError,
)
from serverless_signalr.rest import (
    ServiceClient,
)
from tests.serverless_signalr.rest_service import (
    HUB,
    PATIENCE,
    Service,
)


@pytest.fixture
def distant_service() -> Iterator[Service]:
    """Run the service in the loop of run_sync: a sync test has none."""
    service = run_sync(Service().start())
    yield service
    run_sync(service.stop())


def test_sync_function_runs_an_operation(distant_service: Service) -> None:
    client = ServiceClient(distant_service.connection_string, "chat")
    run_sync(client.send_to_all("m"))
    exists: bool = run_sync(client.user_exists("ann"))
    assert exists
    run_sync(client.aclose())
    assert distant_service.lines == [f"POST {HUB}/:send", f"HEAD {HUB}/users/ann"]
    assert len({request.peer for request in distant_service.requests}) == 1


def test_sync_function_gets_the_error(distant_service: Service) -> None:
    distant_service.answer(400)
    client = ServiceClient(distant_service.connection_string, "chat")
    with pytest.raises(InvalidArgumentError) as raised:
        run_sync(client.send_to_all("m"))
    assert raised.value.__context__ is None
    run_sync(client.aclose())


async def test_sync_in_a_running_loop_says_what_to_do(client: ServiceClient) -> None:
    with pytest.raises(RuntimeError, match="await the operation instead"):
        run_sync(client.send_to_all("m"))


def test_sync_does_not_touch_the_event_loop_of_its_thread(distant_service: Service) -> None:
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    assert run_sync(asyncio.sleep(0, "slept")) == "slept"


def test_one_client_serves_loop_after_loop(distant_service: Service) -> None:
    client = ServiceClient(Endpoint.parse(distant_service.connection_string), "chat")
    for _ in range(2):
        asyncio.run(client.send_to_all("m"))
    run_sync(client.send_to_all("m"))
    assert len({request.peer for request in distant_service.requests}) == 3
    run_sync(client.aclose())


def test_operation_that_nobody_waits_for_any_more_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    is_running, is_cancelled = threading.Event(), threading.Event()
    submit = asyncio.run_coroutine_threadsafe

    async def operate() -> None:
        is_running.set()
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()

    def submit_and_interrupt(*arguments: Any) -> Any:
        future = submit(*arguments)
        assert is_running.wait(PATIENCE)
        monkeypatch.setattr(future, "result", interrupt)
        return future

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", submit_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_sync(operate())
    assert is_cancelled.wait(PATIENCE)
