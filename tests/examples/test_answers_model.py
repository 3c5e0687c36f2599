"""The model of examples/answers: the real client of OpenAI against a server that speaks its wire protocol."""

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr import HubException, stream_answer

EXAMPLE = Path(__file__).parents[2] / "examples" / "answers"

type Chunk = dict[str, Any] | str | None


def delta(content: str | None = None, finish: str | None = None, **members: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content, **members}, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "test",
        "choices": [choice],
    }


def usage(tokens: int) -> dict[str, Any]:
    counted = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
    return delta() | {"choices": [], "usage": counted}


class Endpoint:
    """Answer ``POST /v1/chat/completions`` with chunks; a text among them is what happens then."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.statuses: list[int] = []
        self.requests: list[dict[str, Any]] = []
        self.is_closed = asyncio.Event()
        self._runner = web.ServerRunner(
            web.Server(self._respond, access_log=None, handler_cancellation=True), shutdown_timeout=0.1
        )

    async def start(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(await request.json() | {"path": request.path, **dict(request.headers)})
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            error = {"message": "the secret is out", "type": "x", "code": "y"}
            return web.json_response({"error": error}, status=status, headers={"x-should-retry": "false"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for chunk in self.chunks:
                match chunk:
                    case "cut":
                        assert request.transport is not None
                        request.transport.abort()
                        return response
                    case "stall":
                        await asyncio.Event().wait()
                    case "end":
                        return response
                    case _:
                        text = chunk if isinstance(chunk, str) else json.dumps(chunk)
                        await response.write(f"data: {text}\n\n".encode())
            await response.write(b"data: [DONE]\n\n")
        except (asyncio.CancelledError, ConnectionError):
            self.is_closed.set()
            raise
        return response


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    monkeypatch.setenv("OPENAI_BASE_URL", await endpoint.start())
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("OPENAI_MODEL", "test")
    monkeypatch.setenv("MODEL_SILENCE", "1")
    yield endpoint
    await endpoint.stop()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load the module as the app does, from its folder."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    module = importlib.import_module("model")
    yield module
    sys.modules.pop("model", None)


@pytest.fixture
def ask(model: Any) -> Callable[[], Any]:
    """Stream the reply to a question, and return the pieces."""

    async def stream() -> list[dict[str, Any]]:
        pieces: list[dict[str, Any]] = []

        async def receive(piece: dict[str, Any]) -> None:
            pieces.append(piece)

        try:
            async with stream_answer(receive) as answer:
                await model.reply(answer, "What is tea?")
        except HubException:
            assert pieces[-1]["kind"] == "error"
        return pieces

    return stream


def text_of(pieces: list[dict[str, Any]]) -> str:
    return "".join(piece["text"] for piece in pieces if piece["kind"] == "text")


async def test_tokens_become_the_text_and_usage_ends_it(endpoint: Endpoint, ask: Any) -> None:
    endpoint.chunks = [
        delta(""),
        delta("Tea "),
        delta("is 👩"),
        delta("\u200d💻."),
        delta(finish="stop"),
        usage(5),
    ]
    pieces = await ask()
    assert text_of(pieces) == "Tea is 👩\u200d💻."
    assert pieces[-1]["kind"] == "done"
    assert pieces[-1]["data"]["total_tokens"] == 6
    [request] = endpoint.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["messages"] == [{"role": "user", "content": "What is tea?"}]
    assert (request["model"], request["stream"], request["Authorization"]) == ("test", True, "Bearer key")


async def test_tool_calls_are_put_together(endpoint: Endpoint, ask: Any) -> None:
    def part(index: int, arguments: str, **members: Any) -> dict[str, Any]:
        function = {"arguments": arguments, **members.pop("function", {})}
        return delta(tool_calls=[{"index": index, "function": function, **members}])

    endpoint.chunks = [
        part(0, "", id="call_1", type="function", function={"name": "look"}),
        part(0, '{"q": '),
        part(1, "nonsense", id="call_2", type="function", function={"name": "find"}),
        part(0, '"tea"}'),
        delta(finish="tool_calls"),
    ]
    calls = [piece["data"] for piece in await ask() if piece["kind"] == "toolCall"]
    assert calls == [
        {"id": "call_1", "name": "look", "arguments": {"q": "tea"}},
        {"id": "call_2", "name": "find", "arguments": "nonsense"},
    ]


@pytest.mark.parametrize("status", [400, 401, 429, 500])
async def test_refusal_is_told_by_its_status_alone(endpoint: Endpoint, ask: Any, status: int) -> None:
    endpoint.statuses = [status] * 5
    [error] = await ask()
    assert (error["kind"], error["text"]) == ("error", f"The model refused the question (status {status}).")


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        ("cut", "The connection to the model was lost."),
        ("end", "The connection to the model was lost."),
        ("stall", "The model did not go on in time."),
        ('{"error": {"message": "overloaded"}}', "The model failed."),
    ],
    ids=["cut", "ended early", "stalled", "error in the stream"],
)
async def test_what_came_before_a_failure_is_kept(
    endpoint: Endpoint, ask: Any, happens: str, told: str
) -> None:
    endpoint.chunks = [delta("Tea "), delta("is "), happens]
    pieces = await ask()
    assert text_of(pieces) == "Tea is "
    assert (pieces[-1]["kind"], pieces[-1]["text"]) == ("error", told)


async def test_connection_to_the_model_is_closed_where_the_answer_is_left(
    endpoint: Endpoint, model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_SILENCE", "60")
    endpoint.chunks = [delta("Tea "), "stall"]
    came = asyncio.Event()

    async def receive(piece: dict[str, Any]) -> None:
        came.set()

    async def stream() -> None:
        async with stream_answer(receive) as answer:
            await model.reply(answer, "What is tea?")

    streaming = asyncio.create_task(stream())
    await came.wait()
    streaming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await streaming
    await asyncio.wait_for(endpoint.is_closed.wait(), 30)


async def test_without_settings_the_built_in_generator_says_so(
    monkeypatch: pytest.MonkeyPatch, ask: Any
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("BUILT_IN_PAUSE", "0")
    pieces = await ask()
    assert "no model is set up" in text_of(pieces)
    assert pieces[-1]["kind"] == "done"
