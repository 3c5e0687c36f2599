"""The worker process, seen from the host."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from serverless_signalr._rest.trace import traceparent
from signalr_local.clock import SYSTEM
from signalr_local.host import frame_headers
from signalr_local.host.app_folder import check_app_folder
from signalr_local.host.environment import worker_environment
from signalr_local.host.failures import (
    AppError,
    Failure,
    FunctionFailedError,
    NotStartedError,
    WorkerDiedError,
)
from signalr_local.host.functions import Function
from signalr_local.host.interpreter import OWN, Interpreter
from signalr_local.host.pending import Deadlines, PendingCall, Result
from signalr_local.host.pipes import Outgoing, Pipes, level_of
from signalr_local.host.processes import Family, describe_exit, out_of_memory_kills
from signalr_local.host.requirements import missing_module_hint
from signalr_local.host.scoreboard import ScoreboardFile, fatal_place, places_in
from signalr_local.host.stalls import OnSlow, watch_import
from signalr_local.trace_context import in_trace
from signalr_local.worker import frames

__all__ = [
    "AppError",
    "Failure",
    "FunctionFailedError",
    "OnLog",
    "Result",
    "Worker",
    "worker_environment",
]

_START = Path(__file__).parent.parent / "worker" / "start.py"

_PATIENCE = 5.0
"""Seconds after which an import is said to take long: the worker notes then where it is."""

_GRACE = 0.5
"""Seconds that the process has to end by itself."""

_DRAIN = 0.2
"""Seconds in which what a process wrote before its end arrives, children of its own or not."""

type OnLog = Callable[[int, str, Function | None, str | None], None]
"""Take a level of the logging module, a text, and the function and the invocation that said it, if any."""


class Worker:
    """A process that runs one app.

    ``has_answered`` tells that a function has ended well. ``cause`` says why the worker takes no more
    invocations, to follow "the worker process ended"; it is empty while it does.
    """

    def __init__(self, app: Path, on_log: OnLog, interpreter: Interpreter = OWN) -> None:
        self.functions: list[Function] = []
        self.cause = ""
        self.has_answered = False
        self.clock = SYSTEM
        """The clock that the functions go by, which may run ahead of the machine's."""
        self.app = app
        self._on_log = on_log
        self._interpreter = interpreter
        self._calls: dict[str, PendingCall] = {}
        self._deadlines = Deadlines(self._calls)
        self._sent = 0
        self._outgoing: Outgoing  # of the process, once there is one
        self.http: str | None = None  # where the worker serves HTTP itself, for an app that streams
        self._indexed: asyncio.Future[list[Function]] = asyncio.get_running_loop().create_future()
        self.is_running = True
        """Whether the process takes invocations."""
        self._unusable = asyncio.Event()
        self._pipes = Pipes(self._take, lambda line: on_log(level_of(line), line, None, None))
        self.scoreboard = ScoreboardFile()
        self._out_of_memory = out_of_memory_kills()
        self._transport: asyncio.SubprocessTransport | None = None
        self._family: Family | None = None
        self._ending: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, app: Path, environment: Mapping[str, str], on_log: OnLog, interpreter: Interpreter = OWN
    ) -> "Worker":
        """Start the process, which imports the app. Raise AppError where there is none."""
        check_app_folder(app, environment)
        worker = cls(app, on_log, interpreter)
        async with worker._stopped_on_error():
            await worker._open(environment)
        return worker

    async def loaded(self, on_slow: OnSlow | None = None) -> None:
        """Wait until the process has listed the app's functions, however long that takes.

        Raise AppError if it cannot, WorkerDiedError if the process ends without saying why. ``on_slow`` is
        called once, after five seconds.
        """
        async with self._stopped_on_error():
            if on_slow is not None:
                await watch_import(self.app, self.scoreboard, self._indexed, _PATIENCE, on_slow)
            self.functions = await self._indexed

    @asynccontextmanager
    async def _stopped_on_error(self) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            self.kill("because it is not needed any more")
            await self.stop()
            raise

    async def _open(self, environment: Mapping[str, str]) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.subprocess_exec(
            lambda: self._pipes,
            *(self._interpreter.executable, "-P", str(_START)),
            *(str(self.app), self.scoreboard.name, str(_PATIENCE), *self._interpreter.borrowed),
            cwd=self.app,
            env={**environment, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
            pass_fds=self.scoreboard.inherited,
            # Ctrl+C is for the host, which stops the worker itself.
            start_new_session=True,
        )
        self._transport = transport
        self._outgoing = Outgoing(cast("asyncio.WriteTransport", transport.get_pipe_transport(0)))
        self._pipes.shorten(transport)
        self._family = Family(transport.get_pid())
        self._ending = asyncio.create_task(self._end())
        await self._family.guard()

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._transport is not None  # noqa: S101 - ``start`` opens it
        return self._transport.get_pid()

    @property
    def is_busy(self) -> bool:
        """Tell whether functions run."""
        return bool(self._calls)

    async def wait(self) -> None:
        """Wait until the worker takes no more invocations, for whatever reason."""
        await self._unusable.wait()

    async def invoke(
        self,
        function: Function,
        inputs: Mapping[str, dict[str, Any]],
        body: bytes = b"",
        id: str = "",
        timeout: float | None = None,
    ) -> Result:
        """Run a function.

        Raise FunctionFailedError where it raises, or where the process ends under it; NotStartedError where
        the process ends before it begins; TimeoutError after ``timeout`` seconds, if the function runs on.
        """
        if not self.is_running:
            raise NotStartedError
        invocation = id or str(uuid4())
        header: dict[str, Any] = {
            "type": "invoke",
            "id": invocation,
            "function": function.id,
            "inputs": inputs,
        }
        trace = traceparent.get()
        if trace is not None:
            header["traceparent"] = trace
        if self.clock.ahead:
            header["ahead"] = self.clock.ahead
        frame = frames.pack(frame_headers.encode(header), body)
        loop = asyncio.get_running_loop()
        self._sent += 1
        call = PendingCall(function, self._sent, loop.create_future(), trace)
        if timeout is not None:
            call.deadline = loop.time() + timeout
            self._deadlines.watch(call)
        self._calls[invocation] = call
        self._outgoing.write(frame, is_alone=len(self._calls) == 1)
        try:
            return await call.result
        finally:
            self._calls.pop(invocation, None)

    def retire(self, cause: str) -> None:
        """Take no more invocations; those that run go on. ``cause`` says why the process is going to end."""
        if self.is_running:
            self.is_running = False
            self.cause = cause
            self._unusable.set()

    def kill(self, cause: str) -> None:
        """End the process now: a function that ran too long cannot be stopped in any other way."""
        self.retire(cause)
        if self._family is not None and not self._pipes.exited.is_set():
            self._family.kill()

    async def stop(self, grace: float = 0.0) -> None:
        """End the process, and what it started: functions that run have ``grace`` seconds."""
        self.retire("because the app was stopped")
        running = [call.result for call in self._calls.values()]
        if running and grace:
            await asyncio.wait(running, timeout=grace)
        if self._ending is not None:
            self._outgoing.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._pipes.exited.wait(), _GRACE)
            self.kill(self.cause)
            await self._ending
        self._deadlines.stop()
        self.scoreboard.close()

    async def _end(self) -> None:
        """Wait for the end of the process, let all know of it, and end its children."""
        await self._pipes.exited.wait()
        assert self._transport is not None  # noqa: S101 - ``start`` opens it
        assert self._family is not None  # noqa: S101 - ``start`` makes it
        out_of_memory = out_of_memory_kills() > self._out_of_memory
        code = self._transport.get_returncode() or 0
        how = describe_exit(code, out_of_memory=out_of_memory)
        if self._indexed.done() and (place := fatal_place(self.app, self.scoreboard.places)):
            how += f", at {Path(place.file).relative_to(self.app)}, line {place.line}"
        self.retire(how)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pipes.drained.wait(), _DRAIN)
        if not self._indexed.done():
            self._indexed.set_exception(self._died(how, code))
            # Whoever gave up waiting does not want to know.
            self._indexed.exception()
        started = self.scoreboard.started
        for call in self._calls.values():
            if not call.result.done():
                call.result.set_exception(NotStartedError() if call.number > started else self._gone())
        await self._family.end()
        self._transport.close()

    def _gone(self) -> FunctionFailedError:
        return FunctionFailedError(Failure("WorkerProcessExit", f"the worker process ended {self.cause}"))

    def _died(self, how: str, code: int) -> WorkerDiedError:
        places = self.scoreboard.places
        first, *_ = places.strip().splitlines() or [""]
        lines = [f'  File "{place.file}", line {place.line}' for place in places_in(self.app, places)]
        return WorkerDiedError(
            f"the worker process ended {how} while it loaded the app",
            "\n".join([first, *lines]) if first.startswith("Fatal") else "",
            was_killed=code < 0,
        )

    def _take(self, header: dict[str, Any], body: bytes) -> None:
        match header["type"]:
            case "result":
                call = self._calls.get(header["id"])
                if call is None or call.result.done():
                    return
                if header["ok"]:
                    self.has_answered = True
                    call.result.set_result(Result(header["return"], header["outputs"], body))
                else:
                    call.result.set_exception(FunctionFailedError(Failure(**header["error"])))
            case "log":
                invocation = header["invocation"]
                call = self._calls.get(invocation)
                if call is None:
                    self._on_log(header["level"], header["text"], None, None)
                    return
                with in_trace(call.traceparent):
                    self._on_log(header["level"], header["text"], call.function, invocation)
            case "indexed" if not self._indexed.done():
                self.http = header["http"]
                self._indexed.set_result([Function.from_metadata(item) for item in header["functions"]])
            case "failed" if not self._indexed.done():
                error = AppError.from_frame(header)
                if error.module and not error.hint:
                    error.hint = missing_module_hint(self.app, error.module, self._interpreter)
                self._indexed.set_exception(error)
                self._indexed.exception()
