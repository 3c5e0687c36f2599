"""An app in the process of its test does what it does in a worker: answers, errors, outputs, logs."""

import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from serverless_signalr import HubException
from signalr_local.host.failures import AppError
from signalr_local.testing import SignalRTest

APP = Path(__file__).with_name("parity_app")


async def call(env: SignalRTest, method: str, *arguments: object, hub: str = "parity") -> object:
    """Call a hub method as Ann while Bob looks on; return the answer and what either received."""
    ann, bob = await env.connect("ann", hub=hub), await env.connect("bob", hub=hub)
    try:
        answer: object = await ann.invoke(method, *arguments)
    except HubException as error:
        answer = f"error: {error}"
    await env.settled()
    for client in (ann, bob):
        await client.close()
    return answer, ann.messages, bob.messages


async def request(env: SignalRTest, method: str, path: str, **options: object) -> object:
    response = await env.request(method, path, **options)  # type: ignore[arg-type]
    shown = {name: response.headers.get(name) for name in ("Content-Type", "X-Back")}
    return response.status, shown, response.body


async def tick(env: SignalRTest) -> object:
    ann = await env.connect("ann", hub="parity")
    await env.advance(hours=2)
    await ann.close()
    return ann.messages


type Scenario = Callable[[SignalRTest], Awaitable[object]]

SCENARIOS: dict[str, Scenario] = {
    "value": lambda env: call(env, "echo", {"a": [1, None, "ü", 1.5, True]}),
    "method that is not async": lambda env: call(env, "add", 2, 3),
    "date": lambda env: call(env, "born", "2026-11-28"),
    "date that is none": lambda env: call(env, "born", "soon"),
    "no answer": lambda env: call(env, "nothing"),
    "HubException": lambda env: call(env, "fail"),
    "other exception": lambda env: call(env, "crash"),
    "exit": lambda env: call(env, "exit"),
    "guard": lambda env: call(env, "ban", "bob"),
    "too few arguments": lambda env: call(env, "add", 1),
    "wrong argument": lambda env: call(env, "add", "1", 2),
    "unknown method": lambda env: call(env, "nowhere"),
    "messages": lambda env: call(env, "tell", "hi"),
    "answer that JSON cannot carry": lambda env: call(env, "returnsWhatJsonCannotCarry"),
    "output and answer of a function": lambda env: call(env, "both", "hi", hub="bindings"),
    "function that fails": lambda env: call(env, "boom", hub="bindings"),
    "text over HTTP": lambda env: request(env, "GET", "/api/text"),
    "response": lambda env: request(
        env, "POST", "/api/response/ann?a=1&b=%C3%BC", body="ü", headers={"X-Seen": "yes"}
    ),
    "bytes": lambda env: request(env, "POST", "/api/bytes", body=bytes(range(256))),
    "JSON": lambda env: request(env, "POST", "/api/json", json={"a": "ü"}),
    "broken JSON": lambda env: request(env, "POST", "/api/json", body="{"),
    "None over HTTP": lambda env: request(env, "GET", "/api/none"),
    "wrong type over HTTP": lambda env: request(env, "GET", "/api/wrong"),
    "exception over HTTP": lambda env: request(env, "GET", "/api/fails"),
    "exit over HTTP": lambda env: request(env, "GET", "/api/leaves"),
    "context": lambda env: request(env, "GET", "/api/context"),
    "unknown route": lambda env: request(env, "GET", "/api/nowhere"),
    "wrong method": lambda env: request(env, "POST", "/api/text"),
    "timer": tick,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def envs() -> AsyncIterator[tuple[SignalRTest, SignalRTest]]:
    async with SignalRTest(APP, patience=60) as one, SignalRTest(APP, worker=True, patience=60) as other:
        yield one, other


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))
async def test_outcome_is_the_same(envs: tuple[SignalRTest, SignalRTest], scenario: Scenario) -> None:
    in_process, in_worker = [await scenario(env) for env in envs]
    assert in_process == in_worker


LOGGED: dict[str, Scenario] = {
    "what a method logs, in its thread too": lambda env: call(env, "sayLog", "hi"),
    "exception of a method": lambda env: call(env, "crash"),
    "exception over HTTP": lambda env: request(env, "GET", "/api/fails"),
    "event that nobody handles": lambda env: call(env, "nowhere"),
}


def first_line(record: logging.LogRecord) -> str:
    # A worker sends a traceback with its text; here it belongs to the record.
    return record.getMessage().partition("\n")[0]


def shown(records: list[logging.LogRecord]) -> list[tuple[str, str]]:
    """Return what a log says: levels and first lines, but for ids and times."""
    return [
        (record.levelname, re.sub(r"\b[0-9a-f-]{8,}\b|\b\w{22}\b|\d+ ?ms|:\d+\b", "…", first_line(record)))
        for record in records
        if record.levelno >= logging.WARNING
    ]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scenario", LOGGED.values(), ids=list(LOGGED))
async def test_log_says_the_same(
    envs: tuple[SignalRTest, SignalRTest], scenario: Scenario, caplog: pytest.LogCaptureFixture
) -> None:
    said = []
    for env in envs:
        caplog.clear()
        await scenario(env)
        said.append(shown(caplog.records))
    assert said[0] == said[1]
    assert said[0] != []


REFUSED = {
    "return type": "def f(req: func.HttpRequest) -> None: ...",
    "parameter without a binding": "def f(req: func.HttpRequest, other: str) -> str: ...",
    "binding without a parameter": "def f() -> str: ...",
    "type of the trigger": "def f(req: int) -> str: ...",
    "unknown name of a type": 'def f(req: "func.Nothing") -> str: ...',
}


@pytest.mark.parametrize("written", REFUSED.values(), ids=list(REFUSED))
async def test_function_that_azure_would_not_load_is_refused_in_the_same_words(
    tmp_path: Path, written: str
) -> None:
    (tmp_path / "function_app.py").write_text(
        f"import azure.functions as func\n\napp = func.FunctionApp()\n\n\n@app.route('f')\n{written}\n"
    )
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    said = []
    for worker in (False, True):
        with pytest.raises(AppError) as raised:
            async with SignalRTest(tmp_path, worker=worker, patience=60):
                pass
        said.append(str(raised.value))
    assert said[0] == said[1]
