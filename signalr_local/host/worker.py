"""The worker process, seen from the host."""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from signalr_local.host.functions import Function
from signalr_local.worker import frames

__all__ = ["AppError", "Failure", "FunctionFailedError", "Result", "Worker"]

_START = Path(__file__).parent.parent / "worker" / "start.py"

_GRACE = 2.0
"""Seconds that running functions have to end when the worker is stopped."""

type OnLog = Callable[[int, str, Function | None], None]
"""Take a level of the logging module, a text and the function that said it, if any."""


class AppError(Exception):
    """Say why the app could not be loaded; ``stack`` is the app's own traceback, where it has one."""

    def __init__(self, message: str, stack: str = "") -> None:
        super().__init__(message)
        self.stack = stack


@dataclass(frozen=True, slots=True)
class Failure:
    """Describe the exception of a function; ``clean`` tells that it was raised for the caller's eyes.

    ``hint`` says what the caller of an HTTP function did wrong, where a binding could tell.
    """

    type: str
    message: str
    stack: str = ""
    clean: bool = False
    hint: str = ""


class FunctionFailedError(Exception):
    """Carry the failure of a function."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.type}: {failure.message}")
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what a function returned and set; ``body`` belongs to the one that is an HTTP response."""

    returned: dict[str, Any] | None
    outputs: dict[str, dict[str, Any] | None]
    body: bytes


class Worker:
    """Run one app in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, on_log: OnLog) -> None:
        self._process = process
        self._on_log = on_log
        self._pending: dict[str, tuple[Function, asyncio.Future[Result]]] = {}
        self._indexed: asyncio.Future[list[Function]] = asyncio.get_running_loop().create_future()
        self._readers = [
            asyncio.create_task(self._read_frames()),
            asyncio.create_task(self._read_errors()),
        ]
        self.functions: list[Function] = []

    @classmethod
    async def start(cls, app: Path, environment: Mapping[str, str], on_log: OnLog) -> "Worker":
        """Start the process and wait until it has listed the app's functions. Raise AppError if it cannot."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(_START),
            str(app),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=app,
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
            # Ctrl+C is for the host, which stops the worker itself.
            start_new_session=True,
        )
        worker = cls(process, on_log)
        try:
            worker.functions = await worker._indexed
        except BaseException:
            await worker.stop()
            raise
        return worker

    @property
    def is_running(self) -> bool:
        """Tell whether the process takes invocations."""
        return self._process.returncode is None and not self._readers[0].done()

    async def wait(self) -> None:
        """Wait until the process has ended, for whatever reason."""
        await asyncio.wait([self._readers[0]])

    async def invoke(
        self, function: Function, inputs: Mapping[str, dict[str, Any]], body: bytes = b"", id: str = ""
    ) -> Result:
        """Run a function. Raise FunctionFailedError where it raises, or where the process ends under it."""
        invocation = id or str(uuid4())
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._pending[invocation] = (function, future)
        header = {"type": "invoke", "id": invocation, "function": function.id, "inputs": inputs}
        try:
            if not self.is_running:
                raise _gone()
            assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
            self._process.stdin.write(frames.encode(header, body))
            await self._process.stdin.drain()
            return await future
        except OSError:
            raise _gone() from None
        finally:
            self._pending.pop(invocation, None)

    async def stop(self, grace: float = _GRACE) -> None:
        """End the process: functions that run have ``grace`` seconds, then it is killed."""
        if self._pending:
            await asyncio.wait([future for _, future in self._pending.values()], timeout=grace)
        if self._process.returncode is None:
            assert self._process.stdin is not None  # noqa: S101 - it was opened as a pipe
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), timeout=0.5)
            except TimeoutError:
                self.kill()
                await self._process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def kill(self) -> None:
        """End the process now: a function that ran too long cannot be stopped in any other way."""
        if self._process.returncode is None:
            self._process.kill()

    async def _read_frames(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - it was opened as a pipe
        try:
            while True:
                header_size, body_size = frames.split_prefix(await stream.readexactly(frames.PREFIX.size))
                header = json.loads(await stream.readexactly(header_size))
                self._take(header, await stream.readexactly(body_size))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if not self._indexed.done():
                self._indexed.set_exception(AppError("the worker process ended while it loaded the app"))
            for _, future in self._pending.values():
                if not future.done():
                    future.set_exception(_gone())

    def _take(self, header: dict[str, Any], body: bytes) -> None:
        match header["type"]:
            case "log":
                function, _ = self._pending.get(header["invocation"], (None, None))
                self._on_log(header["level"], header["text"], function)
            case "indexed":
                self._indexed.set_result([Function.from_metadata(item) for item in header["functions"]])
            case "failed":
                self._indexed.set_exception(AppError(header["message"], header["stack"]))
            case "result":
                _, future = self._pending.get(header["id"], (None, None))
                if future is None or future.done():
                    return
                if header["ok"]:
                    future.set_result(Result(header["return"], header["outputs"], body))
                else:
                    future.set_exception(FunctionFailedError(Failure(**header["error"])))

    async def _read_errors(self) -> None:
        stream = self._process.stderr
        assert stream is not None  # noqa: S101 - it was opened as a pipe
        async for line in _lines(stream):
            self._on_log(_level(line), line, None)


async def _lines(stream: asyncio.StreamReader) -> Any:
    rest = b""
    while chunk := await stream.read(1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")


def _level(line: str) -> int:
    # The real host judges a line of standard error by these words.
    lowered = line.lower()
    if "warn" in lowered:
        return logging.WARNING
    if any(word in lowered for word in ("error", "fail", "severe", "unhandled exception")):
        return logging.ERROR
    return logging.INFO


def _gone() -> FunctionFailedError:
    return FunctionFailedError(Failure("WorkerProcessExit", "the worker process ended"))


def worker_environment(values: Mapping[str, str], app: Path, port: int) -> dict[str, str]:
    """Return the environment of a worker: this process's, the app's settings, and what ``func`` adds."""
    return {
        **os.environ,
        **values,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{port}",
        "AzureWebJobsScriptRoot": str(app),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    }
