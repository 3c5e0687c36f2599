"""A language model: any OpenAI-compatible endpoint, or a small built-in text generator."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from serverless_signalr import Answer, HubException

_BUILT_IN = """\
You asked: *{question}*

This text comes from the **built-in generator**: no model is set up. It is written word by word, as a model \
writes it, so that everything here can be tried:

1. Press **Stop**, and the generator is closed on the server.
2. Reload the page in the middle: the text goes on where it was.
3. Open the page as the same user in a second window, and watch the same answer there.

```python
async with stream_answer(clients.user("ann"), store=store) as answer:
    async for text in model:
        await answer.write(text)
```

Set `OPENAI_BASE_URL` and `OPENAI_API_KEY` to ask a real model. 👩‍💻 Enjoy!
"""

_SILENCE = 60.0
"""The number of seconds without a token after which the app gives up on the model."""


def has_model() -> bool:
    """Return whether a model is configured."""
    return bool(os.environ.get("OPENAI_API_KEY"))


async def reply(answer: Answer, question: str) -> None:
    """Write the model's reply to a question into an answer. Raise HubException if the model fails."""
    if has_model():
        await _ask_model(answer, question)
        return
    async for text in _built_in(question):
        await answer.write(text)


async def _built_in(question: str) -> AsyncIterator[str]:
    pause = float(os.environ.get("BUILT_IN_PAUSE", "0.03"))
    for word in _BUILT_IN.format(question=question).split(" "):
        yield f"{word} "
        await asyncio.sleep(pause)


async def _ask_model(answer: Answer, question: str) -> None:
    # The first question loads this package, because importing it takes longer than loading the whole app.
    import openai

    # The package itself reads OPENAI_BASE_URL and OPENAI_API_KEY.
    client = openai.AsyncOpenAI(timeout=openai.Timeout(_silence(), connect=10), max_retries=2)
    try:
        async with (
            client,
            await client.chat.completions.create(
                model=os.environ.get("OPENAI_MODEL", "gpt-4o-mini"),
                messages=[{"role": "user", "content": question}],
                stream=True,
                stream_options={"include_usage": True},
            ) as chunks,
        ):
            await _copy(answer, chunks)
    except openai.APIStatusError as error:
        raise HubException(f"The model refused the question (status {error.status_code}).") from error
    except openai.APITimeoutError as error:
        raise HubException("The model did not go on in time.") from error
    except openai.APIConnectionError as error:
        raise HubException("The connection to the model was lost.") from error
    except openai.APIError as error:
        raise HubException("The model failed.") from error


async def _copy(answer: Answer, chunks: Any) -> None:
    calls: dict[int, dict[str, str]] = {}
    usage = None
    finished = False
    async for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            await answer.write(choice.delta.content)
            for part in choice.delta.tool_calls or []:
                call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += part.id or ""
                if part.function is not None:
                    call["name"] += part.function.name or ""
                    call["arguments"] += part.function.arguments or ""
            finished = finished or choice.finish_reason is not None
    if not finished:
        # The package mistakes a connection that was cut between two pieces for the end of the stream.
        raise HubException("The connection to the model was lost.")
    for call in calls.values():
        await answer.tool_call(call["name"], _arguments(call["arguments"]), call_id=call["id"] or None)
    await answer.done(None if usage is None else usage.model_dump(exclude_none=True))


def _arguments(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def _silence() -> float:
    return float(os.environ.get("MODEL_SILENCE") or _SILENCE)
