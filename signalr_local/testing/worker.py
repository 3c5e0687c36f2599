"""The app in the process of its test: functions run as Microsoft's worker library runs them."""

import asyncio
import contextvars
import json
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from azure.functions.decorators.function_app import Function as BuiltFunction
from azure_functions_runtime.bindings import meta
from azure_functions_runtime.bindings.context import get_context
from azure_functions_runtime.bindings.out import Out
from azure_functions_runtime.functions import FunctionInfo, Registry

from serverless_signalr._testing.functions import Functions
from signalr_local.host.failures import AppError, Failure, FunctionFailedError, NotStartedError
from signalr_local.host.functions import Function
from signalr_local.host.worker import Result, Worker
from signalr_local.worker import data, protos, tracebacks

__all__ = ["InProcessWorker"]

_log = logging.getLogger("signalr_local.testing")


class InProcessWorker(Worker):
    """Run an app's functions on the loop of the test, those that are not async in threads.

    Values pass through the converters of the worker library in both directions. What a worker process has
    besides, its start, its end and its own environment, this one has not.
    """

    def __init__(self, functions: Functions, context: contextvars.Context, folder: str) -> None:
        """Take an app's functions and the context to run them in; ``folder`` is the app's, for tracebacks.

        Raise AppError for a function that a worker would not load.
        """
        meta.load_binding_registry()
        self._infos = {function.get_function_name() or "": _checked(function) for function in functions.all}
        self.functions = [_described(function) for function in functions.all]
        self.cause = ""
        self.http = None
        self.running: dict[str, str] = {}
        """The names of the functions that run, by the ids of their invocations."""
        self._context = context
        self._folder = folder
        self.is_running = True
        self._unusable = asyncio.Event()
        self._tasks: set[asyncio.Task[Result]] = set()
        self._threads = ThreadPoolExecutor(thread_name_prefix="app")

    async def invoke(
        self,
        function: Function,
        inputs: Mapping[str, dict[str, Any]],
        body: bytes = b"",
        id: str = "",
        timeout: float | None = None,
    ) -> Result:
        """Run a function. Raise FunctionFailedError where it raises, TimeoutError where it runs on."""
        if not self.is_running:
            raise NotStartedError
        invocation = id or str(uuid4())
        self.running[invocation] = function.name
        # It runs in a task of its own: whoever gives up waiting for it does not cancel the app.
        task = asyncio.get_running_loop().create_task(
            self._run(function, inputs, body, invocation), context=self._context.copy()
        )
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(invocation, done))
        async with asyncio.timeout(timeout):
            return await asyncio.shield(task)

    def retire(self, cause: str) -> None:
        """Take no more invocations."""
        if self.is_running:
            self.is_running = False
            self.cause = cause
            self._unusable.set()

    def kill(self, cause: str) -> None:
        """Take no more invocations: there is no process that could be ended."""
        self.retire(cause)

    async def stop(self, grace: float = 0.0) -> None:  # noqa: ARG002 - a process has it
        """Take no more invocations, and end those that still run: the test is over."""
        self.retire("because the app was stopped")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ended(self, invocation: str, task: "asyncio.Task[Result]") -> None:
        self.running.pop(invocation, None)
        self._tasks.discard(task)
        if not task.cancelled():
            # It is raised where it is waited for; where nobody waits any more, it is of no interest.
            task.exception()

    async def _run(
        self, function: Function, inputs: Mapping[str, dict[str, Any]], body: bytes, invocation: str
    ) -> Result:
        info = self._infos[function.id]
        try:
            values = {name: _decode(info, name, value, body) for name, value in inputs.items()}
            outs = {name: Out() for name in info.output_types}
            values |= outs
            context: Any = get_context(_request(invocation), info.name, info.directory)
            if info.requires_context:
                values["context"] = context
            if info.is_async:
                context.thread_local_storage.invocation_id = invocation
                returned = await info.func(**values)
            else:
                returned = await self._in_thread(info.func, values, context, invocation)
            return _result(info, returned, outs)
        except (Exception, SystemExit) as error:
            raise FunctionFailedError(_failure(error, self._folder)) from error

    async def _in_thread(
        self, function: Callable[..., object], values: Mapping[str, Any], context: Any, invocation: str
    ) -> object:
        variables = contextvars.copy_context()

        def run() -> object:
            context.thread_local_storage.invocation_id = invocation
            return variables.run(function, **values)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)


def _checked(function: BuiltFunction) -> FunctionInfo:
    """Return what the worker library knows of a function. Raise AppError where it would not load it."""
    try:
        return Registry().add_indexed_function(function, protos)
    except Exception as error:
        raise AppError(f"{type(error).__name__}: {error}") from error


def _described(function: BuiltFunction) -> Function:
    name = function.get_function_name() or ""
    bindings = [json.loads(text) for text in function.get_raw_bindings()]
    return Function.from_metadata({"id": name, "name": name, "bindings": bindings})


def _request(invocation: str) -> SimpleNamespace:
    """Return what the library makes the context of a function of."""
    return SimpleNamespace(
        invocation_id=invocation,
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )


def _decode(info: FunctionInfo, name: str, value: dict[str, Any], body: bytes) -> object:
    binding: Any = meta.get_binding(info.input_types[name].binding_name)
    return binding.decode(data.to_datum(value, body), trigger_metadata={})


def _result(info: FunctionInfo, returned: object, outs: Mapping[str, Any]) -> Result:
    if returned is not None and not info.has_return:
        raise RuntimeError(f"function {info.name!r} without a $return binding returned a non-None value")
    outputs: dict[str, dict[str, Any] | None] = {}
    content = b""
    for name, kind in info.output_types.items():
        if (value := outs[name].get()) is not None:
            outputs[name], more = data.from_datum(meta.get_datum(kind.binding_name, value, kind.pytype))
            content = content or more
    if info.return_type is None:
        return Result(None, outputs, content)
    kind = info.return_type
    shown, more = data.from_datum(meta.get_datum(kind.binding_name, returned, kind.pytype))
    return Result(shown, outputs, more or content)


def _failure(error: BaseException, folder: str) -> Failure:
    return Failure(
        type(error).__name__,
        str(error),
        tracebacks.format_stack(error, folder),
        clean=error.__traceback__ is None,
    )
