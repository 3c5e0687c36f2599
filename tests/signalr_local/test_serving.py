"""Servers on the command line: they run until they are asked to stop."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from signalr_local.serving import PortInUseError, serve


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put the signal handlers back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("has_handlers", [True, False], ids=["as on Linux", "as on Windows"])
async def test_a_signal_stops_it(monkeypatch: Any, number: signal.Signals, has_handlers: bool) -> None:
    stopped = asyncio.Event()
    if not has_handlers:

        def refuse(*_: object) -> None:
            raise NotImplementedError

        monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)

    async def start() -> None:
        signal.raise_signal(number)

    async def stop() -> None:
        stopped.set()

    assert await asyncio.wait_for(serve(start, stop), 10) == 0
    assert stopped.is_set()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGUSR1")
@pytest.mark.parametrize(
    ("second", "seconds", "codes"),
    [(signal.SIGTERM, 0.9, []), (signal.SIGTERM, 1.0, [1]), (signal.SIGINT, 0.0, [1])],
    ids=["passed on by make", "another SIGTERM", "Ctrl+C"],
)
async def test_second_signal_ends_the_process_only_if_it_is_another_request(
    monkeypatch: pytest.MonkeyPatch, second: signal.Signals, seconds: float, codes: list[int]
) -> None:
    loop = asyncio.get_running_loop()
    now = loop.time()
    ended: list[int] = []
    handled = asyncio.Event()

    async def start() -> None:
        monkeypatch.setattr(loop, "time", lambda: now)
        signal.raise_signal(signal.SIGTERM)

    async def stop() -> None:
        monkeypatch.setattr(loop, "time", lambda: now + seconds)
        signal.raise_signal(second)
        # The loop calls the handlers of signals in their order.
        signal.raise_signal(signal.SIGUSR1)
        await handled.wait()
        monkeypatch.undo()

    loop.add_signal_handler(signal.SIGUSR1, handled.set)
    monkeypatch.setattr("os._exit", ended.append)
    assert await serve(start, stop) == 0
    loop.remove_signal_handler(signal.SIGUSR1)
    assert ended == codes


class OtherError(Exception):
    """An error that a server may raise besides those that all do."""


@pytest.mark.parametrize(
    "error", [PortInUseError(80, "--port"), ValueError("not valid"), OtherError("other")]
)
async def test_an_error_at_the_start_is_printed_and_stops_it(
    capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    async def start() -> None:
        raise error

    async def stop() -> None:
        pass

    code = await serve(start, stop, errors=(OtherError,), describe=lambda found: f"said: {found}")
    assert (code, capsys.readouterr().err) == (1, f"said: {error}\n")


async def test_any_other_error_is_raised_once_it_is_stopped() -> None:
    stopped = asyncio.Event()

    async def start() -> None:
        raise OtherError

    async def stop() -> None:
        stopped.set()

    with pytest.raises(OtherError):
        await serve(start, stop)
    assert stopped.is_set()


@pytest.mark.parametrize("level", [None, "1"], ids=["command", "make"])
def test_port_in_use_is_moved_in_the_words_that_were_typed(level: str | None, monkeypatch: Any) -> None:
    monkeypatch.delenv("MAKELEVEL", raising=False)
    if level is not None:
        monkeypatch.setenv("MAKELEVEL", level)
    text = str(PortInUseError(7071, "--port", target="run"))
    assert "specify another port using --port." in text
    assert ('make run ARGS="--port 7072"' in text) is (level is not None)
