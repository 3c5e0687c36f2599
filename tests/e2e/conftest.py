"""The app on the local runtime, and real clients of three makers, driven in the same way."""

import asyncio
import itertools
import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

CLIENTS = Path(__file__).parent / "clients"
EXAMPLE = Path(__file__).parents[2] / "examples" / "class_based"

COMMANDS = {
    "node": ["node", str(CLIENTS / "node_client.mjs")],
    "pysignalr": [sys.executable, str(CLIENTS / "pysignalr_client.py")],
    "signalrcore": [sys.executable, str(CLIENTS / "signalrcore_client.py")],
}

EVENTS = ["newMessage", "newConnection", "connectionClosed"]


class InvocationError(Exception):
    """Carry what ``invoke`` was rejected with."""


class ChatClient:
    """Use the chat as one user, through a client library in a process of its own."""

    def __init__(
        self,
        kind: str,
        process: asyncio.subprocess.Process,
        events: list[str],
        answers: dict[str, Any] | None,
    ) -> None:
        self.kind = kind
        self.user = f"{kind}-{uuid4().hex[:8]}"
        self._listens = {"events": events, **({"answers": answers} if answers else {})}
        self.connection_id = ""
        self.received: asyncio.Queue[tuple[str, list[Any]]] = asyncio.Queue()
        self._process = process
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def create(
        cls, kind: str, events: list[str], answers: dict[str, Any] | None = None
    ) -> "ChatClient":
        """Start the process; ``answers`` are what the client returns when it is asked for a result."""
        process = await asyncio.create_subprocess_exec(
            *COMMANDS[kind], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        return cls(kind, process, events, answers)

    async def start(self, api: str, **options: str) -> None:
        """Negotiate, connect, and see oneself come."""
        await self.connect(f"{api}?user={self.user}", **options)
        own = await self.next("newConnection", userId=self.user)
        self.connection_id = own["connectionId"]

    async def connect(self, url: str, **options: str) -> None:
        """Negotiate and connect."""
        await self._call("start", url=url, **self._listens, **options)

    async def invoke(self, target: str, *args: object) -> Any:
        """Return what the hub method answers. Raise InvocationError with the text it was rejected with."""
        return await self._call("invoke", target=target, args=args)

    async def refusal(self, target: str, *args: object) -> str:
        """Return the text of the error that a call is answered with."""
        with pytest.raises(InvocationError) as caught:
            await self.invoke(target, *args)
        return str(caught.value)

    async def next(self, event: str, **expected: object) -> dict[str, Any]:
        """Return the next event of this name with these members; what comes before it is dropped."""
        while True:
            name, arguments = await self.received.get()
            if name == event and expected.items() <= arguments[0].items():
                found: dict[str, Any] = arguments[0]
                return found

    async def messages_until(self, text: str) -> list[str]:
        """Return the texts of all messages that come before the one with this text."""
        texts: list[str] = []
        while (message := await self.next("newMessage"))["text"] != text:
            texts.append(message["text"])
        return texts

    async def stop(self) -> None:
        """Disconnect; the process stays until ``close``."""
        await self._call("stop")

    async def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading

    async def _call(self, command: str, **rest: object) -> Any:
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        line = json.dumps({"id": number, "command": command, **rest}) + "\n"
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        await self._process.stdin.drain()
        return await answer

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            line = json.loads(text)
            if "event" in line:
                self.received.put_nowait((line["event"], line["arguments"]))
            elif "error" in line:
                self._answers[line["id"]].set_exception(InvocationError(line["error"]))
            else:
                self._answers[line["id"]].set_result(line["result"])
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(InvocationError("the client's process ended"))


@dataclass(frozen=True)
class Addresses:
    """Say where a running app is."""

    api: str
    emulator: str


class Launch(Protocol):
    def __call__(self, *arguments: str, environment: dict[str, str]) -> Any: ...


@pytest.fixture(
    scope="session",
    params=["bindings", "bindings over HTTP upstream", "package", "class", "class over HTTP upstream"],
)
def app(
    launch: Launch,
    example_folder: Callable[[Path], Path],
    request: pytest.FixtureRequest,
) -> Iterator[Addresses]:
    """Run one of the apps that keep the contract, for all tests: each has users and groups of its own."""
    match request.param:
        case "bindings" | "bindings over HTTP upstream":
            folder: Path = request.getfixturevalue("app_folder")
        case "package":
            folder = request.getfixturevalue("package_folder")
        case _:
            folder = example_folder(EXAMPLE)
    options = ["--app", str(folder), "--port", "0", "--emulator-port", "0"]
    environment = {}
    if request.param.endswith("over HTTP upstream"):
        options += ["--upstream", "/api/upstream"]
        environment["UPSTREAM_ROUTE"] = "upstream"
    runtime = launch(*options, environment=environment)
    emulator = runtime.wait_for(r"emulator: (http://\S+)")[1]
    api = runtime.wait_for(r"Open (http://\S+)/index")[1]
    yield Addresses(api, emulator)
    assert runtime.stop() == 0, runtime.text
    assert "Traceback" not in runtime.text


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Copy an example, with the settings of its example."""

    def copy(example: Path) -> Path:
        folder = tmp_path_factory.mktemp(example.name) / "app"
        shutil.copytree(example, folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(folder / "local.settings.json.example", folder / "local.settings.json")
        return folder

    return copy


@pytest.fixture
async def create_client() -> AsyncIterator[Callable[..., Awaitable[ChatClient]]]:
    """Start client processes, each for a user that no other test has."""
    clients: list[ChatClient] = []

    async def create(kind: str, events: list[str], answers: dict[str, Any] | None = None) -> ChatClient:
        clients.append(await ChatClient.create(kind, events, answers))
        return clients[-1]

    yield create
    await asyncio.gather(*(client.close() for client in clients))


@pytest.fixture
def join(
    app: Addresses, create_client: Callable[..., Awaitable[ChatClient]]
) -> Callable[[str], Awaitable[ChatClient]]:
    """Connect clients to the chat."""

    async def connect(kind: str) -> ChatClient:
        client = await create_client(kind, EVENTS)
        await client.start(app.api)
        return client

    return connect


@pytest.fixture
def group() -> str:
    """Return the name of a group that no other test has, with everything in it that URLs treat specially."""
    return f"a/b c?d&é-{uuid4().hex[:8]}"
