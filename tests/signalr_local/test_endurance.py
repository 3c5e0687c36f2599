"""The loop under load: deaths and edits, and clients that send all the time.

``ENDURANCE=N`` makes it N times as long: 10 for 100 deaths and 180 edits, 60 of them broken. With ``-rP``,
pytest shows how soon a good edit after a broken one was served, which depends on the machine. With
``ENDURANCE_PAUSE=20`` the long run waits 20 seconds before each edit, and its clients send ten times a
second: an hour of ``ENDURANCE=23`` has an edit every 20 seconds and a death every minute.
"""

import asyncio
import itertools
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from signalr_local.host import worker as worker_module
from signalr_local.runtime import Runtime
from tests.signalr_local.host.conftest import Log

ROUNDS = int(os.environ.get("ENDURANCE", "1"))
PAUSE = float(os.environ.get("ENDURANCE_PAUSE", "0"))
PACE = 0.1 if PAUSE else 0.0

PATIENCE = 60.0

CALLERS = 6

# What is waited for has its own limit; all of it takes as long as was asked for.
pytestmark = pytest.mark.timeout(300 + ROUNDS * (300 + 8 * PAUSE))

APP = """
import os

import azure.functions as func

app = func.FunctionApp()

@app.route("negotiate", methods=["POST"])
@app.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="chat")
def negotiate(req: func.HttpRequest, connection: str) -> str:
    return connection

@app.route("say")
async def say(req: func.HttpRequest) -> str:
    return "WORD"

@app.route("pid")
async def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())

@app.generic_trigger(
    "invocation", type="signalRTrigger", hub_name="chat", category="messages", event="echo"
)
def echo(invocation: str) -> str:
    return "WORD"
"""

BROKEN = {
    "syntax": "def broken(:\n",
    "missing module": "import no_such_module\n",
    "hanging": "print('hanging')\nwhile True:\n    pass\n",
    "exit": "import os\nos._exit(3)\n",
    "gone": None,
}
EXPLAINED = {
    "syntax": "SyntaxError",
    "missing module": "No module named 'no_such_module'",
    "hanging": "still being imported",
    "exit": "ended with exit code 3 while it loaded the app",
    "gone": "There is no function_app.py",
}

CONNECTION = (
    "Endpoint=http://localhost;Port=8888;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;Version=1.0;"
)


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Call:
    """A request, from its beginning to its end, and what came of it."""

    began: float
    ended: float
    outcome: object


@dataclass
class Load:
    """Clients that call the app all the time."""

    calls: list[Call] = field(default_factory=list)
    invocations: list[Call] = field(default_factory=list)
    disconnected: int = 0
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, calls: list[Call], began: float, outcome: object) -> None:
        calls.append(Call(began, now(), outcome))
        self._answered.set()

    async def more(self) -> None:
        """Wait until some more requests were answered."""
        for _ in range(2 * CALLERS):
            self._answered.clear()
            async with asyncio.timeout(PATIENCE):
                await self._answered.wait()

    def failed(self) -> list[Call]:
        return [call for call in self.calls + self.invocations if call.outcome != 200]


class Running:
    """A runtime with an app, and its files."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self.runtime = runtime
        self.folder = folder
        self.url = f"http://127.0.0.1:{runtime.host.port}/api"

    @property
    def worker(self) -> Any:
        assert self.runtime.host.instance is not None
        return self.runtime.host.instance.worker

    def write(self, text: str | None) -> None:
        path = self.folder / "function_app.py"
        if text is None:
            path.unlink()
            return
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").replace(path)


@pytest.fixture
def log() -> Any:
    """Record what the local runtime logs."""
    import logging

    recorder, logger = Log(), logging.getLogger("signalr_local")
    level = logger.level
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    # pytest would keep every record for its report.
    logger.propagate = False
    yield recorder
    logger.propagate = True
    logger.setLevel(level)
    logger.removeHandler(recorder)


@pytest_asyncio.fixture
async def running(tmp_path: Path, log: Log) -> AsyncIterator[Running]:
    """Run emulator and host with an app, and see that nothing of it is left."""
    folder = tmp_path / "app"
    folder.mkdir()
    settings = {"IsEncrypted": False, "Values": {"AzureSignalRConnectionString": CONNECTION}}
    (folder / "local.settings.json").write_text(json.dumps(settings))
    runtime = Runtime(folder, port=0, emulator_port=0)
    running = Running(runtime, folder)
    running.write(APP)
    await runtime.start()
    running.url = f"http://127.0.0.1:{runtime.host.port}/api"
    yield running
    await runtime.stop()
    assert processes_of(folder) == []


def processes_of(folder: Path) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if str(folder) in line]


@asynccontextmanager
async def load_on(running: Running) -> AsyncIterator[Load]:
    """Keep clients calling the app."""
    load = Load()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        callers = [tasks.create_task(call(running.url, session, load)) for _ in range(CALLERS)]
        invoker = tasks.create_task(invoke(running.url, session, load))
        await load.more()
        yield load
        await load.more()
        for task in (*callers, invoker):
            task.cancel()


async def call(url: str, session: aiohttp.ClientSession, load: Load) -> None:
    while True:
        began = now()
        async with session.get(f"{url}/say") as response:
            await response.read()
            load.note(load.calls, began, response.status)
        await asyncio.sleep(PACE)


async def invoke(url: str, session: aiohttp.ClientSession, load: Load) -> None:
    """Connect once, and call a function for as long as the connection lasts."""
    async with session.post(f"{url}/negotiate") as response:
        info = json.loads(await response.text())
    headers = {"Authorization": f"Bearer {info['accessToken']}"}
    async with session.ws_connect(info["url"], headers=headers) as socket:
        await socket.send_str('{"protocol":"json","version":1}\x1e')
        await socket.receive()
        for number in itertools.count():
            await asyncio.sleep(PACE)
            began = now()
            message = {"type": 1, "target": "echo", "arguments": [], "invocationId": str(number)}
            await socket.send_str(json.dumps(message) + "\x1e")
            while True:
                received = await socket.receive()
                if received.type is not aiohttp.WSMsgType.TEXT:
                    load.disconnected += 1
                    return
                answers = [json.loads(part) for part in received.data.split("\x1e") if part]
                if found := [answer for answer in answers if answer["type"] == 3]:
                    load.note(load.invocations, began, 200 if "result" in found[0] else found[0].get("error"))
                    break


async def test_deaths_of_workers_cost_only_what_they_were_doing(running: Running, log: Log) -> None:
    deaths: list[float] = []
    async with load_on(running) as load:
        for _ in range(10 * ROUNDS):
            deaths.append(now())
            os.kill(running.worker.pid, signal.SIGKILL)
            await log.wait_for("The app is loaded again")
            await load.more()
    innocent = [one for one in load.failed() if not any(one.began <= death <= one.ended for death in deaths)]
    assert innocent == [], Counter(str(one.outcome) for one in innocent)
    assert load.disconnected == 0


async def test_edits_lose_no_request_and_broken_ones_are_explained(
    running: Running, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "_PATIENCE", 1.0)
    broken: list[tuple[float, float]] = []
    mended: list[float] = []
    async with load_on(running) as load, aiohttp.ClientSession() as session:
        for number, kind in enumerate([*BROKEN, "syntax"] * ROUNDS):
            running.write(APP.replace("WORD", f"word {number}"))
            await log.wait_for("The app is loaded again")
            began = now()
            running.write(BROKEN[kind])
            await log.wait_for(EXPLAINED[kind])
            await load.more()
            saved = now()
            running.write(APP.replace("WORD", f"mended {number}"))
            await log.wait_for("The app is loaded again")
            # From here on every request is one to a good app.
            broken.append((began, now()))
            async with session.get(f"{running.url}/say") as response:
                assert (response.status, await response.text()) == (200, f"mended {number}")
            mended.append(now() - saved)
            await load.more()
    lost = [
        one
        for one in load.failed()
        if not any(start <= one.ended and one.began <= end for start, end in broken)
    ]
    assert lost == [], Counter(str(one.outcome) for one in lost)
    print(f"A good edit after a broken one was served within {max(mended):.2f} s, under load.")
    assert {one.outcome for one in load.calls} <= {200, 503}
    assert load.disconnected == 0


async def test_a_long_run_leaves_nothing_behind(launch: Any, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    settings = {"IsEncrypted": False, "Values": {"AzureSignalRConnectionString": CONNECTION}}
    (folder / "local.settings.json").write_text(json.dumps(settings))
    write(folder, APP)
    runtime = launch("--app", str(folder), "--port", "0", "--emulator-port", "0")
    url = runtime.wait_for(r"(http://\S+/api)/say")[1]
    await asyncio.to_thread(runtime.wait_for, "Ctrl\\+C stops")
    memory: list[int] = []
    load = Load()
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
        callers = [tasks.create_task(call(url, session, load)) for _ in range(CALLERS)]
        callers.append(tasks.create_task(invoke(url, session, load)))
        for number in range(8 * ROUNDS):
            await asyncio.sleep(PAUSE)
            write(folder, APP.replace("WORD", f"word {number}"))
            await asyncio.to_thread(runtime.wait_for, "The app is loaded again")
            if number % 3 == 2:
                async with session.get(f"{url}/pid") as response:
                    os.kill(int(await response.text()), signal.SIGKILL)
                await asyncio.to_thread(runtime.wait_for, "The app is loaded again")
            await load.more()
            load.calls.clear()
            load.invocations.clear()
            await until(lambda: len(workers_of(folder)) == 1)
            memory.append(resident(runtime.process.pid))
        for caller in callers:
            caller.cancel()
    half = len(memory) // 2
    assert max(memory[half:]) - max(memory[:half]) < 4 * 1024 * 1024, memory
    assert load.disconnected == 0
    assert await asyncio.to_thread(runtime.stop) == 0
    assert processes_of(folder) == []


def write(folder: Path, text: str) -> None:
    (folder / "function_app.new").write_text(text)
    (folder / "function_app.new").replace(folder / "function_app.py")


def workers_of(folder: Path) -> list[str]:
    return [line for line in processes_of(folder) if "start.py" in line]


def resident(pid: int) -> int:
    """Return the bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nothing tells of the end of other processes
            await asyncio.sleep(0.02)
