"""Drive pysignalr by lines of JSON: commands on standard input, results and events on standard output."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from pysignalr.client import SignalRClient
from pysignalr.messages import CompletionMessage, Message


def say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Client:
    async def start(self, url: str, events: list[str]) -> None:
        self._client = SignalRClient(url)
        opened = asyncio.Event()

        async def on_open() -> None:
            opened.set()

        def listener(event: str) -> Callable[[Any], Awaitable[None]]:
            async def heard(arguments: Any) -> None:
                say({"event": event, "arguments": arguments})

            return heard

        async def ignore(message: CompletionMessage) -> None:
            """Leave the error to the invocation: without this pysignalr ends the connection."""

        self._client.on_open(on_open)
        self._client.on_error(ignore)
        for event in events:
            self._client.on(event, listener(event))
        self._running = asyncio.create_task(self._client.run())
        waiting = asyncio.create_task(opened.wait())
        await asyncio.wait([waiting, self._running], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._running.done():
            self._running.result()

    async def invoke(self, target: str, args: list[Any]) -> Any:
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        async def completed(message: Message) -> None:
            answer.set_result(message)

        await self._client.send(target, args, on_invocation=completed)
        message = await answer
        assert isinstance(message, CompletionMessage)
        if message.error:
            raise RuntimeError(message.error)
        return message.result

    async def stop(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


async def main() -> None:
    client = Client()
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def answer(id: int, command: str, rest: dict[str, Any]) -> None:
        try:
            say({"id": id, "result": await getattr(client, command)(**rest)})
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
            say({"id": id, "error": str(error)})

    while line := await loop.run_in_executor(None, sys.stdin.readline):
        rest = json.loads(line)
        task = asyncio.create_task(answer(rest.pop("id"), rest.pop("command"), rest))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
