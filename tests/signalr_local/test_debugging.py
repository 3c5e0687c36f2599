"""F5 in an editor: the configuration of a new app starts the runtime, and the debugger stops in functions."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.signalr_local.debug_adapter import PATIENCE, Session

TEMPLATE = Path(__file__).parents[2] / "signalr_local" / "new" / "template" / "common" / "dot-vscode"

APP = """import azure.functions as func

app = func.FunctionApp()


@app.route("hello", auth_level=func.AuthLevel.ANONYMOUS)
def hello(req: func.HttpRequest) -> str:
    name = "nobody"
    if "stop" in req.params:
        breakpoint()
    return f"hello {name}"
"""
LINE = 1 + APP.splitlines().index('    name = "nobody"')


class Editor:
    """Press F5, and stop where a breakpoint is."""

    def __init__(self, folder: Path, starter: Session) -> None:
        self._source = str(folder / "function_app.py")
        self._starter = starter
        self._worker: Session | None = None
        self.url = ""

    async def press_f5(self, folder: Path) -> None:
        [launch, _] = json.loads((TEMPLATE / "launch.json").read_text(encoding="utf-8"))["configurations"]
        launch |= {"cwd": launch["cwd"].replace("${workspaceFolder}", str(folder)), "python": sys.executable}
        # Here no terminal belongs to an editor, and ports may be in use.
        launch |= {"console": "internalConsole", "args": ["--port", "0", "--emulator-port", "0"]}
        await self._starter.begin("launch", launch, {self._source: LINE})
        await self.follow()
        self.url = await self._starter.printed(r"hello: (http://\S+)")
        await self._starter.printed(r"Ctrl\+C stops")

    async def follow(self) -> None:
        """Go into the worker that was started, as the editor does by itself."""
        there = await self._starter.event("debugpyAttach")
        before, self._worker = self._worker, await Session.connect(there)
        await self._worker.begin("attach", there, {self._source: LINE})
        if before is not None:
            await before.event("terminated")
            await before.close()

    async def line(self) -> int:
        """Return the line where a function is stopped, and let it go on."""
        assert self._worker is not None
        stopped = await self._worker.event("stopped")
        trace = await self._worker.ask("stackTrace", threadId=stopped["threadId"])
        await self._worker.ask("continue", threadId=stopped["threadId"])
        return int(trace["stackFrames"][0]["line"])

    async def stop(self) -> None:
        await self._starter.ask("disconnect", terminateDebuggee=True)
        for session in (self._worker, self._starter):
            if session is not None:
                await session.close()


@pytest.fixture
async def editor(tmp_path: Path) -> AsyncIterator[Editor]:
    (tmp_path / "function_app.py").write_text(APP)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    starter, adapter = await Session.start()
    editor = Editor(tmp_path, starter)
    await editor.press_f5(tmp_path)
    yield editor
    await editor.stop()
    async with asyncio.timeout(PATIENCE):
        await adapter.wait()


async def get(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


async def test_f5_starts_the_app_and_stops_in_its_functions(editor: Editor) -> None:
    asking = asyncio.create_task(get(editor.url))
    assert await editor.line() == LINE
    assert await asking == "hello nobody"


async def test_breakpoint_in_the_code_stops_too(editor: Editor) -> None:
    asking = asyncio.create_task(get(f"{editor.url}?stop=1"))
    assert await editor.line() == LINE
    assert await editor.line() > LINE
    assert await asking == "hello nobody"


async def test_debugger_follows_into_the_worker_after_an_edit(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(APP.replace("hello {name}", "goodbye {name}"))
    await editor.follow()
    answer: Any = None
    while answer != "goodbye nobody":
        asking = asyncio.create_task(get(editor.url))
        assert await editor.line() == LINE
        answer = await asking
