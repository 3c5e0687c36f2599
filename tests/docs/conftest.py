"""The guide, cut into the apps that its sections end with, and what it takes to run and to use one."""

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from signalr_local.host import trigger
from signalr_local.host.functions import Function
from signalr_local.host.instance import AppInstance
from signalr_local.host.invocation import Invoker
from signalr_local.host.service import Service
from signalr_local.host.settings import LocalSettings, Settings
from signalr_local.host.worker import Result
from signalr_local.runtime import Runtime

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide.md"

PATIENCE = 60.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""

_HEADING = re.compile(r"## (\d+)\. ")
_FENCE = re.compile(r"```(\w*)$")
_FILE = re.compile(r"# (\S+\.py)$")
_CHANGED = re.compile(r"\+\+\+ b/(\S+\.py)$")


def patched(text: str, change: list[str]) -> str:
    """Return a file after a change, each part of which fits one place of it."""
    for part in "\n".join(change).split("\n@@"):
        lines = part.splitlines()[1:]
        before, after = (
            "".join(f"{line[1:]}\n" for line in lines if not line.startswith(other)) for other in "+-"
        )
        assert text.count(before) == 1, f"the change fits {text.count(before)} places:\n{before}"
        text = text.replace(before, after)
    return text


@dataclass(frozen=True)
class Section:
    """Hold what a section of the guide ends with: all files of the app, and the texts that it quotes."""

    files: Mapping[str, str]
    quotes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Guide:
    """Hold the sections by number, and the settings that they share.

    The first line of a Python block names its file, which replaces an earlier one of this name. A diff
    changes a file. All other files stay. Each line of a block of the language ``text`` is something that
    somebody is told.
    """

    settings: Any
    sections: Mapping[int, Section]

    @classmethod
    def parse(cls, text: str) -> "Guide":
        sections: dict[int, Section] = {}
        settings: Any = None
        files: dict[str, str] = {}
        lines = iter(text.splitlines())
        for line in lines:
            if heading := _HEADING.match(line):
                sections[int(heading[1])] = Section(files := dict(files))
            elif fence := _FENCE.match(line):
                block = list(iter(lines.__next__, "```"))
                match fence[1]:
                    case "python":
                        name = _FILE.match(block[0])
                        assert name, f"the block that starts with {block[0]!r} does not name its file"
                        files[name[1]] = "\n".join(block[1:]) + "\n"
                    case "diff":
                        name = _CHANGED.match(block[1])
                        assert name, f"the change that starts with {block[0]!r} does not name its file"
                        files[name[1]] = patched(files[name[1]], block[2:])
                    case "json":
                        settings = json.loads("\n".join(block))
                    case "text":
                        sections[max(sections)].quotes.extend(block)
        return cls(settings, sections)


@pytest.fixture(scope="session")
def guide() -> Guide:
    """Return the guide."""
    return Guide.parse(GUIDE.read_text(encoding="utf-8"))


class RefusedError(Exception):
    """Carry what ``invoke`` was rejected with."""


class Client:
    """Be a page: call the hub and hear what it sends."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, connection_id: str) -> None:
        self.connection_id = connection_id
        self._socket = socket
        self._frames: deque[str] = deque()
        self._heard: deque[tuple[str, list[Any]]] = deque()
        self._number = 0

    async def handshake(self) -> None:
        """Say that it speaks JSON."""
        await self._send({"protocol": "json", "version": 1})
        assert await self._read() == {}

    async def invoke(self, target: str, *arguments: object) -> Any:
        """Return the answer to a call. Raise RefusedError with the text that it was rejected with."""
        self._number += 1
        number = str(self._number)
        await self._send({"type": 1, "invocationId": number, "target": target, "arguments": arguments})
        while True:
            message = await self._read()
            if message["type"] == 1:
                self._heard.append((message["target"], message["arguments"]))
            elif message["type"] == 3:
                assert message["invocationId"] == number
                if "error" in message:
                    raise RefusedError(message["error"])
                return message["result"]

    async def send(self, target: str, *arguments: object) -> None:
        """Call without asking for an answer."""
        await self._send({"type": 1, "target": target, "arguments": arguments})

    async def refusal(self, target: str, *arguments: object) -> str:
        """Return the text that a call is rejected with."""
        with pytest.raises(RefusedError) as refused:
            await self.invoke(target, *arguments)
        return str(refused.value)

    async def next(self) -> tuple[str, list[Any]]:
        """Return target and arguments of the next message."""
        while not self._heard:
            message = await self._read()
            if message["type"] == 1:
                self._heard.append((message["target"], message["arguments"]))
        return self._heard.popleft()

    async def close(self) -> None:
        await self._socket.close()

    async def _send(self, message: Mapping[str, object]) -> None:
        await self._socket.send_str(json.dumps(message) + "\x1e")

    async def _read(self) -> Any:
        while not self._frames:
            async with asyncio.timeout(PATIENCE):
                message = await self._socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, f"got {message}"
            self._frames.extend(message.data.split("\x1e")[:-1])
        return json.loads(self._frames.popleft())


class App:
    """Use an app that runs, beside an emulator of its own."""

    def __init__(self, runtime: Runtime, session: aiohttp.ClientSession, clients: list[Client]) -> None:
        self.runtime = runtime
        self.session = session
        self.api = f"http://127.0.0.1:{runtime.host.port}/api"
        self._clients = clients

    @property
    def instance(self) -> AppInstance:
        """Return the app as it was loaded."""
        assert self.runtime.host.instance is not None
        return self.runtime.host.instance

    @property
    def functions(self) -> dict[str, Function]:
        """Return the functions by name, those too that the local runtime cannot run."""
        return {function.name: function for function in self.instance.worker.functions}

    async def request(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Return status and text of the answer to an HTTP request."""
        async with (
            asyncio.timeout(PATIENCE),
            self.session.request(method, f"{self.api}/{path}", **options) as response,
        ):
            return response.status, await response.text()

    async def negotiate(self, query: str = "", headers: Mapping[str, str] | None = None) -> tuple[URL, str]:
        """Return the address of the service and the token."""
        status, text = await self.request("POST", f"negotiate?{query}", headers=headers)
        assert status == 200, text
        answer = json.loads(text)
        return URL(answer["url"]), answer["accessToken"]

    async def connect(self, query: str = "", headers: Mapping[str, str] | None = None) -> Client:
        """Negotiate and connect."""
        url, token = await self.negotiate(query, headers)
        bearer = {"Authorization": f"Bearer {token}"}
        asked = url.with_path("/client/negotiate", keep_query=True).update_query(negotiateVersion="1")
        async with asyncio.timeout(PATIENCE):
            async with self.session.post(asked, headers=bearer) as response:
                ids = await response.json()
            address = url.update_query(id=ids["connectionToken"])
            socket = await self.session.ws_connect(address, headers=bearer)
        client = Client(socket, ids["connectionId"])
        self._clients.append(client)
        await client.handshake()
        return client

    async def run(self, name: str, trigger: dict[str, Any]) -> Result:
        """Run a function as its trigger would, one that the local runtime lacks included."""
        settings = Settings(LocalSettings.read(self.runtime.host.app).values | self._connection())
        invoker = Invoker(self.instance.worker, Service(settings), None)
        return await invoker.invoke(self.functions[name], trigger, {})

    def _connection(self) -> dict[str, str]:
        return {"AzureSignalRConnectionString": self.runtime.emulator.connection_string}


class Log(logging.Handler):
    """Keep what the local runtime logs."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def text(self) -> str:
        """Return all of it, one record below the other."""
        return "\n".join(self.format(record) for record in self.records)


@pytest.fixture
def log() -> Iterator[Log]:
    """Record what is logged during one test."""
    logger, recorder = logging.getLogger("signalr_local"), Log()
    level = logger.level
    logger.addHandler(recorder)
    logger.setLevel(logging.INFO)
    yield recorder
    logger.setLevel(level)
    logger.removeHandler(recorder)


type StartApp = Callable[..., Awaitable[App]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def start_app(guide: Guide, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StartApp]:
    """Start apps, and see that each ends with all that it started."""
    before = asyncio.all_tasks()
    runtimes: list[Runtime] = []
    clients: list[Client] = []
    # Only the library is on the path of the apps: the repository has a function_app of its own.
    packages = tmp_path_factory.mktemp("packages")
    (packages / "serverless_signalr").symlink_to(ROOT / "serverless_signalr", target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        # The environment wins over an app's settings.
        patch.delenv("AzureSignalRConnectionString", raising=False)
        patch.setenv("PYTHONPATH", str(packages))
        patch.setenv("PYTHONWARNINGS", "error")
        async with aiohttp.ClientSession() as session:

            async def start(files: Mapping[str, str], upstream: str = trigger.PATH) -> App:
                folder = tmp_path_factory.mktemp("app")
                for name, text in files.items():
                    (folder / name).write_text(text, encoding="utf-8")
                (folder / "local.settings.json").write_text(json.dumps(guide.settings), encoding="utf-8")
                runtime = Runtime(folder, port=0, emulator_port=0, upstream=upstream)
                runtimes.append(runtime)
                await runtime.start()
                return App(runtime, session, clients)

            yield start
            await asyncio.gather(*(client.close() for client in clients))
            await asyncio.gather(*(runtime.stop() for runtime in runtimes))
    for task in asyncio.all_tasks() - before:
        code = getattr(task.get_coro(), "cr_code", None)
        assert code is None or not code.co_filename.startswith(str(ROOT / "signalr_local")), f"{task} is left"


type OpenSection = Callable[[int], Awaitable[App]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_section(guide: Guide, start_app: StartApp) -> OpenSection:
    """Run the app that a section ends with, for all tests that ask for it."""
    apps: dict[int, App] = {}

    async def open_one(number: int) -> App:
        if number not in apps:
            files = guide.sections[number].files
            # From section 11 on the events come over HTTP.
            apps[number] = await start_app(files, *(["/api/upstream"] if number == 11 else []))
        return apps[number]

    return open_one
