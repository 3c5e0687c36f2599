"""A client of the Debug Adapter Protocol, as an editor is one: it starts a program, and stops it."""

import asyncio
import json
import re
import sys
from collections.abc import Mapping
from typing import Any, Self

PATIENCE = 30.0


class Session:
    """One session with debugpy's adapter: of the program that is started, or of a process that it started."""

    def __init__(self, reader: asyncio.StreamReader, writer: Any) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> tuple[Self, asyncio.subprocess.Process]:
        """Start the adapter, as the editor's extension does."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "debugpy.adapter"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        session = cls(process.stdout, process.stdin)
        await session.ask("initialize", adapterID="debugpy", pathFormat="path")
        return session, process

    @classmethod
    async def connect(cls, configuration: Mapping[str, Any]) -> Self:
        """Open the session that the adapter asks for, for another process."""
        there = configuration["connect"]
        session = cls(*await asyncio.open_connection(there["host"], there["port"]))
        await session.ask("initialize", adapterID="debugpy", pathFormat="path")
        return session

    async def begin(
        self, request: str, configuration: Mapping[str, Any], breakpoints: Mapping[str, int]
    ) -> None:
        """Launch or attach, with a breakpoint in each file."""
        begun = asyncio.create_task(self.ask(request, **configuration))
        await self.event("initialized")
        for path, line in breakpoints.items():
            await self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}])
        await self.ask("configurationDone")
        await begun

    async def ask(self, command: str, **arguments: Any) -> Any:
        """Return the body of the answer to a request."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        body = {"seq": self._number, "type": "request", "command": command, "arguments": arguments}
        text = json.dumps(body).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(text), text))
        async with asyncio.timeout(PATIENCE):
            return await answer

    async def event(self, name: str, **wanted: Any) -> Any:
        """Return the body of the next event of a kind, with these values."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self._events.get()
                body = message.get("body") or {}
                if message["event"] == name and wanted.items() <= body.items():
                    return body

    async def printed(self, pattern: str) -> str:
        """Return the first group of what the program prints, or all of it."""
        text = ""
        while not (found := re.search(pattern, text)):
            text += (await self.event("output"))["output"]
        # What follows may have been printed at once.
        self._events.put_nowait({"event": "output", "body": {"output": text[found.end() :]}})
        return found[1] if found.groups() else found[0]

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)
        self._writer.close()

    async def _listen(self) -> None:
        while head := await self._reader.readline():
            length = int(head.partition(b":")[2])
            await self._reader.readline()
            message = json.loads(await self._reader.readexactly(length))
            if message["type"] == "event":
                self._events.put_nowait(message)
            elif message["type"] == "response":
                answer = self._answers.pop(message["request_seq"])
                if message["success"]:
                    answer.set_result(message.get("body"))
                else:
                    answer.set_exception(RuntimeError(message.get("message")))
