"""One event through the HTTP upstream, beside the least that any answer to it takes.

The events are signed requests for a hub's method, handed to the hub's HTTP function as the worker hands them.
The floor checks the signature, reads the body and writes the completion, and does nothing else. One hundred
environment variables are set, as a function app in Azure has about as many.
"""

import hmac
import json
import logging
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.figures import table

__all__ = ["main"]

CALLS = 4_000
ROUNDS = 7

_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
_SETTING = "AzureSignalRConnectionString"
_BODY = json.dumps({"type": 1, "target": "echo", "arguments": ["hello"], "invocationId": "1"}).encode()
_STRANGER = "a stranger, 30 kB of commas"
_REFUSED = "a stranger, one signature"

type Answer = Callable[[], Awaitable[object]]


async def main() -> None:
    """Measure and print."""
    os.environ |= {f"BENCH_{number}": "x" * 40 for number in range(100)}
    os.environ[_SETTING] = f"Endpoint=https://chat.service.signalr.net;AccessKey={_KEY};Version=1.0;"
    # Each refusal is logged, and would be printed.
    logging.getLogger("serverless_signalr").setLevel(logging.ERROR)
    ways = _ways()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, answer in ways.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                await answer()
            seconds[name].append((time.perf_counter() - start) / CALLS)
    rows = [(name, [statistics.median(samples) * 1e6]) for name, samples in seconds.items()]
    table(f"HTTP upstream: {CALLS:,} events one after the other", ["us each"], rows)


def _ways() -> dict[str, Answer]:
    import azure.functions as func

    from serverless_signalr import FunctionApp, SignalRInvocationContext
    from serverless_signalr.hub import ServerlessHub
    from serverless_signalr.protocol.upstream import Category, UpstreamEvent

    class Chat(ServerlessHub, hub="chat"):
        async def echo(self, caller: SignalRInvocationContext, text: str) -> str:
            return f"{caller.user_id}: {text}"

        async def connected(self, caller: SignalRInvocationContext) -> None: ...

    app = FunctionApp()
    app.register_functions(Chat(upstream_route="upstream").blueprint)
    [function] = app.get_functions()
    run: Any = function.get_user_function()

    def request(category: Category, event: str, **headers: str) -> func.HttpRequest:
        upstream = UpstreamEvent(
            *("chat", category, event, "c1"),
            user_id="ann",
            claims={"role": ("user",), "exp": ("4102444800",)},
            query="?hub=chat&id=1&access_token=" + "x" * 300,
        )
        sent = {**upstream.headers([_KEY, _KEY[::-1]]), "Content-Type": "application/json", **headers}
        return func.HttpRequest("POST", "https://app.example/api/upstream", headers=sent, body=_BODY)

    def way(sent: func.HttpRequest) -> Answer:
        async def answer() -> object:
            return await run(sent)

        return answer

    call = request(Category.MESSAGES, "echo")

    async def floor() -> object:
        expected = hmac.digest(_KEY.encode(), call.headers["X-ASRS-Connection-Id"].encode(), "sha256").hex()
        if expected not in call.headers["X-ASRS-Signature"]:
            raise ValueError("the signature does not fit")
        message = json.loads(call.get_body())
        completion = {"type": 3, "invocationId": message["invocationId"], "result": message["arguments"][0]}
        return func.HttpResponse((json.dumps(completion) + "\x1e").encode())

    return {
        "a call of a method": way(call),
        "a client that connects": way(request(Category.CONNECTIONS, "connected")),
        _REFUSED: way(request(Category.MESSAGES, "echo", **{"X-ASRS-Signature": "sha256=" + "0" * 64})),
        _STRANGER: way(request(Category.MESSAGES, "echo", **{"X-ASRS-Signature": "," * 30_000})),
        "floor": floor,
    }
