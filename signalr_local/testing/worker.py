"""The app in the process of its test: functions run as Microsoft's worker library runs them."""

import asyncio
import contextvars
import inspect
import json
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from azure.functions.decorators.function_app import Function as BuiltFunction
from azure_functions_runtime.bindings import meta
from azure_functions_runtime.bindings.out import Out

from serverless_signalr._testing.functions import Functions
from signalr_local.host.failures import Failure, FunctionFailedError, NotStartedError
from signalr_local.host.functions import Function
from signalr_local.host.worker import Result, Worker
from signalr_local.worker import data, tracebacks

__all__ = ["InProcessWorker"]

_log = logging.getLogger("signalr_local.testing")


class InProcessWorker(Worker):
    """Run an app's functions on the loop of the test, those that are not async in threads.

    Values pass through the converters of the worker library in both directions. What a worker process has
    besides, its start, its end and its own environment, this one has not.
    """

    def __init__(self, functions: Functions, context: contextvars.Context, folder: str) -> None:
        """Take an app's functions and the context to run them in; ``folder`` is the app's, for tracebacks."""
        meta.load_binding_registry()
        self._built = {function.get_function_name() or "": function for function in functions.all}
        self.functions = [_described(name, function) for name, function in self._built.items()]
        self.cause = ""
        self.http = None
        self.running: dict[str, str] = {}
        """The names of the functions that run, by the ids of their invocations."""
        self._context = context
        self._folder = folder
        self._unusable = asyncio.Event()
        self._tasks: set[asyncio.Task[Result]] = set()
        self._threads = ThreadPoolExecutor(thread_name_prefix="app")

    async def invoke(
        self, function: Function, inputs: Mapping[str, dict[str, Any]], body: bytes = b"", id: str = ""
    ) -> Result:
        """Run a function. Raise FunctionFailedError where it raises."""
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
        return await asyncio.shield(task)

    def retire(self, cause: str) -> None:
        """Take no more invocations."""
        if not self._unusable.is_set():
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
        built = self._built[function.id]
        called: Any = built.get_user_function()
        try:
            values = {name: _decode(_type_of(function, name), value, body) for name, value in inputs.items()}
            outs = {
                str(binding["name"]): Out() for binding in function.outputs if binding["name"] != "$return"
            }
            values |= outs
            if "context" in inspect.signature(called).parameters and "context" not in values:
                values["context"] = SimpleNamespace(
                    invocation_id=invocation,
                    function_name=function.name,
                    function_directory=self._folder,
                    thread_local_storage=threading.local(),
                )
            if inspect.iscoroutinefunction(called):
                returned = await called(**values)
            else:
                context = contextvars.copy_context()
                returned = await asyncio.get_running_loop().run_in_executor(
                    self._threads, lambda: context.run(called, **values)
                )
            return _result(function, returned, outs)
        except (Exception, SystemExit) as error:
            raise FunctionFailedError(_failure(error, self._folder)) from error


def _described(name: str, function: BuiltFunction) -> Function:
    bindings = [json.loads(text) for text in function.get_raw_bindings()]
    return Function.from_metadata({"id": name, "name": name, "bindings": bindings})


def _type_of(function: Function, name: str) -> str:
    return next(str(binding["type"]) for binding in function.bindings if binding["name"] == name)


def _decode(kind: str, value: dict[str, Any], body: bytes) -> object:
    binding: Any = meta.get_binding(kind)
    return binding.decode(data.to_datum(value, body), trigger_metadata={})


def _result(function: Function, returned: object, outs: Mapping[str, Any]) -> Result:
    outputs: dict[str, dict[str, Any] | None] = {}
    content = b""
    for binding in function.outputs:
        name = str(binding["name"])
        if name in outs and (value := outs[name].get()) is not None:
            outputs[name], more = data.from_datum(meta.get_datum(str(binding["type"]), value, None))
            content = content or more
    kind = next((str(one["type"]) for one in function.outputs if one["name"] == "$return"), None)
    if kind is None and meta.has_implicit_output(str(function.trigger["type"])):
        kind = str(function.trigger["type"])
    if kind is None:
        if returned is not None:
            raise RuntimeError(
                f"function {function.name} without a $return binding returned a non-None value"
            )
        return Result(None, outputs, content)
    shown, more = data.from_datum(meta.get_datum(kind, returned, None))
    return Result(shown, outputs, more or content)


def _failure(error: BaseException, folder: str) -> Failure:
    return Failure(
        type(error).__name__,
        str(error),
        tracebacks.format_stack(error, folder),
        clean=error.__traceback__ is None,
    )
