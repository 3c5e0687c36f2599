"""How far a call goes through the library: calls, modules, and moves from one module to another.

Nothing is timed. Each start of a function of the library is noted, and of a generator expression too. A move
is a start in another module than the start before it. What does not belong to the library, such as azure-core
and aiohttp, is left out. Every flow runs once before it is counted, so that nothing is loaded then.
"""

import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import CodeType
from typing import Any, Protocol

import azure.functions as func
from aiohttp import web

from bench.figures import say
from serverless_signalr import FunctionApp, ServerlessHub, SignalRInvocationContext, SignalROutput

__all__ = ["main"]

_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
_SETTING = "BENCH_MOVES"
_LIBRARY = str(Path(__file__).parent.parent / "serverless_signalr") + os.sep

type Flow = Callable[[], Awaitable[object]]


async def main() -> None:
    """Count and print."""
    say("Moves: the functions of the library that run for one call, warm.\n")
    say(f"{'':36}{'calls':>8}{'modules':>9}{'moves':>7}   way")
    async with _running_service() as url:
        os.environ[_SETTING] = f"Endpoint={url};AccessKey={_KEY};Version=1.0;"
        for name, flow in _flows().items():
            await flow()
            with _noting() as modules:
                await flow()
            moves = sum(one != other for one, other in itertools.pairwise(modules))
            way = " ".join(module for module, _ in itertools.groupby(modules))
            say(f"{name:36}{len(modules):8}{len(set(modules)):9}{moves:7}   {way}")


def _flows() -> dict[str, Flow]:
    class ChatClient(Protocol):
        async def new_message(self, text: str) -> None: ...

    class Chat(ServerlessHub[ChatClient], hub="chat", connection=_SETTING):
        async def echo(self, caller: SignalRInvocationContext, text: str) -> str:
            return f"{caller.user_id}: {text}"

    app = FunctionApp(hub="chat", connection=_SETTING)

    @app.signalr_trigger()
    @app.signalr_output()
    def shout(invocation: SignalRInvocationContext, text: str, outbox: SignalROutput) -> None:
        outbox.send("newMessage", text, user_id=invocation.user_id)

    chat = Chat()
    app.register_functions(chat)
    written = {function.get_function_name(): function.get_user_function() for function in app.get_functions()}

    async def call_method() -> object:
        return await written["chat_echo"](invocation=_event("echo"))

    async def call_function() -> None:
        written["shout"](invocation=_event("shout"), outbox=_Out())

    return {
        "call of a hub method": call_method,
        "call of a function with an output": call_function,
        "clients.group(g).new_message(x)": lambda: chat.clients.group("g").new_message("hello"),
        "hub.negotiate(user_id=…)": lambda: chat.negotiate(user_id="ann"),
    }


class _Out(func.Out[Any]):
    """An output of the worker, which keeps nothing."""

    def set(self, val: Any) -> None:
        """Accept a value."""

    def get(self) -> Any:
        """Return no value."""


def _event(event: str) -> str:
    """Return a client's call as the host passes it."""
    fields = {"Hub": "chat", "Category": "messages", "Event": event, "ConnectionId": "c1", "UserId": "ann"}
    headers = {"X-ASRS-Hub": "chat", "X-ASRS-Connection-Id": "c1", "X-ASRS-User-Claims": "role: user"}
    return json.dumps({**fields, "Arguments": ["hello"], "Headers": headers, "Query": {"hub": "chat"}})


@contextmanager
def _noting() -> Iterator[list[str]]:
    """Note the module of each function of the library that starts."""
    modules: list[str] = []
    tool, events = sys.monitoring.PROFILER_ID, sys.monitoring.events

    def start(code: CodeType, _: int) -> None:
        if code.co_filename.startswith(_LIBRARY):
            modules.append(code.co_filename.removeprefix(_LIBRARY).removesuffix(".py"))

    sys.monitoring.use_tool_id(tool, "bench moves")
    sys.monitoring.register_callback(tool, events.PY_START, start)
    sys.monitoring.set_events(tool, events.PY_START)
    try:
        yield modules
    finally:
        sys.monitoring.set_events(tool, events.NO_EVENTS)
        sys.monitoring.free_tool_id(tool)


@asynccontextmanager
async def _running_service() -> AsyncIterator[str]:
    """Run a server that accepts every message, and yield its address."""

    async def accept(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(status=202)

    runner = web.ServerRunner(web.Server(accept, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
