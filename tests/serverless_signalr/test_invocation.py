"""Records of threads, with the invocation that the workers find for them.

Microsoft's worker library runs the functions as in Azure: its asynchronous path leaves its context variable
alone. What finds the invocation of a record is what each dispatcher does.
"""

import asyncio
import contextvars
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
import pytest
from azure_functions_runtime import handle_event
from azure_functions_runtime.bindings import meta

from serverless_signalr import FunctionApp, ServerlessHub, SignalRInvocationContext, run_sync
from serverless_signalr._invocation import current_invocation, running_as, to_thread
from signalr_local.worker import protos

ATTRIBUTE = "__azure_function_invocation_id__"

type Find = Callable[[], str | None]
type Said = dict[str, list[str | None]]


class WorkerTask(asyncio.Task[Any]):
    """What the dispatchers make of every task: it inherits the invocation of the task that made it."""

    def __init__(self, coroutine: Any, **options: Any) -> None:
        super().__init__(coroutine, **options)
        if (parent := asyncio.current_task(options["loop"])) is not None:
            setattr(self, ATTRIBUTE, getattr(parent, ATTRIBUTE, None))


def of_the_task() -> str | None:
    try:
        return getattr(asyncio.current_task(), ATTRIBUTE, None)
    except RuntimeError:
        return None


def of_the_runtime() -> str | None:
    """Find it as proxy_worker does, from Python 3.13 on."""
    return of_the_task() or runtime.invocation_id_cv.get()


class Keeper(logging.Handler):
    """Keep the invocation of each message."""

    def __init__(self, find: Find) -> None:
        super().__init__()
        self.said: Said = {}
        self._find = find

    def emit(self, record: logging.LogRecord) -> None:
        self.said.setdefault(record.getMessage(), []).append(self._find())


log = logging.getLogger("app")


@pytest.fixture
def keep() -> Iterator[Callable[[Find], Said]]:
    """Return a function that has the app's records kept."""
    handlers: list[Keeper] = []

    def keep(find: Find) -> Said:
        handlers.append(Keeper(find))
        log.addHandler(handlers[-1])
        log.setLevel(logging.INFO)
        return handlers[-1].said

    yield keep
    for handler in handlers:
        log.removeHandler(handler)


async def operation() -> None:
    log.info("operation")
    await asyncio.gather(part(), part())


async def part() -> None:
    log.info("part")


class Chat(ServerlessHub, hub="chat"):
    def sync(self) -> None:
        log.info("sync method")

    def sends(self, caller: SignalRInvocationContext) -> None:
        log.info("sends")
        run_sync(operation())

    async def waits(self) -> None:
        log.info("waits")
        await asyncio.to_thread(log.info, "thread of waits")


def make_app() -> FunctionApp:
    app = FunctionApp()

    @app.signalr_trigger(hub="chat", event="plain")
    def plain(invocation: SignalRInvocationContext) -> None:
        log.info("plain")
        run_sync(operation())

    @app.signalr_trigger(hub="chat", event="waiting")
    async def waiting(invocation: SignalRInvocationContext) -> None:
        log.info("waiting")
        await asyncio.to_thread(log.info, "thread of waiting")
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(log.info, "bare thread"))
        thread.start()
        thread.join()

    app.register_functions(Chat().blueprint)
    return app


EVENT: dict[str, object] = {
    "Arguments": [],
    "Error": None,
    "Category": "messages",
    "Hub": "chat",
    "ConnectionId": "c1",
    "UserId": "ann",
    "Headers": {},
    "Query": None,
    "Claims": None,
}


def typed(text: str) -> Any:
    return SimpleNamespace(string=text, WhichOneof=lambda of: "string")


async def invoke(function_id: str, invocation: str) -> Any:
    """Have the worker library run a function, as the dispatcher does, and return its answer."""
    setattr(asyncio.current_task(), ATTRIBUTE, invocation)
    event = json.dumps(EVENT | {"Event": function_id})
    data = SimpleNamespace(name="invocation", data=typed(event), WhichOneof=lambda of: "data")
    request = SimpleNamespace(
        invocation_id=invocation,
        function_id=function_id,
        input_data=[data],
        trigger_metadata={},
        trace_context=SimpleNamespace(trace_parent="", trace_state="", attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    return await handle_event.invocation_request(
        SimpleNamespace(request=SimpleNamespace(invocation_request=request))
    )


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Load the app into the worker library, and return the ids of its functions by name."""
    answers = SimpleNamespace(
        **{name: getattr(protos, name) for name in protos.__all__}
        | {"InvocationResponse": SimpleNamespace, "TypedData": SimpleNamespace}
    )
    monkeypatch.setattr(handle_event, "protos", answers, raising=False)
    meta.load_binding_registry()
    runtime.start_threadpool_executor()
    found = {}
    for function in make_app().get_functions():
        info = handle_event._functions.add_indexed_function(function, answers)
        found[str(function.get_function_name())] = info.function_id
    yield found
    for function_id in found.values():
        handle_event._functions._functions.pop(function_id)
    runtime.stop_threadpool_executor()


NAMES = {
    "chat_sync": ["sync method"],
    "chat_sends": ["sends", "operation", "part"],
    "chat_waits": ["waits", "thread of waits"],
    "plain": ["plain", "operation", "part"],
    "waiting": ["waiting", "thread of waiting", "bare thread"],
}


@pytest.mark.parametrize("name", NAMES)
async def test_every_record_of_a_function_has_its_invocation(
    functions: dict[str, str], keep: Callable[[Find], Said], name: str
) -> None:
    said = keep(of_the_runtime)
    asyncio.get_running_loop().set_task_factory(
        lambda loop, coroutine, **options: WorkerTask(coroutine, loop=loop, **options)
    )
    numbers = [f"i{number}" for number in range(8)]
    answers = await asyncio.gather(*(invoke(functions[name], number) for number in numbers))
    assert [answer.result.status for answer in answers] == [protos.StatusResult.Success] * 8
    assert {message: sorted({*found}, key=str) for message, found in said.items()} == dict.fromkeys(
        NAMES[name], numbers
    )


def test_without_a_worker_there_is_no_invocation() -> None:
    assert current_invocation() is None


def test_a_thread_that_is_used_again_does_not_keep_an_invocation() -> None:
    with running_as("i1"):
        assert current_invocation() == "i1"
        with running_as("i2"):
            assert current_invocation() == "i2"
        assert current_invocation() == "i1"
    assert current_invocation() is None


async def test_a_thread_returns_and_raises_what_its_function_does() -> None:
    def divide(dividend: int, *, by: int) -> float:
        return dividend / by

    assert await to_thread(divide, 1, by=2) == 0.5
    with pytest.raises(ZeroDivisionError):
        await to_thread(divide, 1, by=0)


# Python 3.12 and before: a thread-local variable of the dispatcher.


@pytest.fixture
def classic(monkeypatch: pytest.MonkeyPatch) -> threading.local:
    """Have the worker for Python 3.12 and before run the process, and no other; return its variable."""
    module: Any = ModuleType("azure_functions_worker.dispatcher")
    module._invocation_id_local = threading.local()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "azure_functions_runtime")
    local: threading.local = module._invocation_id_local
    return local


def test_run_sync_carries_the_invocation_of_a_thread(
    classic: threading.local, keep: Callable[[Find], Said]
) -> None:
    said = keep(lambda: of_the_task() or getattr(classic, "invocation_id", None))
    classic.invocation_id = "i1"
    run_sync(operation())
    assert said == {"operation": ["i1"], "part": ["i1", "i1"]}
    assert classic.invocation_id == "i1"


async def test_a_thread_has_the_invocation_of_the_task(
    classic: threading.local, keep: Callable[[Find], Said]
) -> None:
    said = keep(lambda: of_the_task() or getattr(classic, "invocation_id", None))

    async def function() -> None:
        setattr(asyncio.current_task(), ATTRIBUTE, "i1")
        await to_thread(log.info, "thread")

    await WorkerTask(function(), loop=asyncio.get_running_loop())
    await to_thread(log.info, "later")
    assert said == {"thread": ["i1"], "later": [None]}


async def test_the_variable_of_the_loop_s_thread_is_not_believed(classic: threading.local) -> None:
    classic.invocation_id = "another"
    assert current_invocation() is None
