"""What the tests of the host share: hosts with small apps, a service that they talk to, and their log."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from multidict import CIMultiDictProxy
from yarl import URL

from signalr_local.emulator import DEFAULT_ACCESS_KEY
from signalr_local.host.host import FunctionsHost
from signalr_local.host.options import HostOptions
from tests.serverless_signalr.azure_fakes.cloud import Cloud

ROOT = Path(__file__).parents[3]

PATIENCE = 60.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""

CONNECTION = "AzureSignalRConnectionString"


@dataclass(frozen=True)
class Reply:
    """Hold an HTTP response, read to its end."""

    status: int
    reason: str | None
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


class RunningApp:
    """Use a host that runs, and the files of its app."""

    def __init__(self, host: FunctionsHost, session: aiohttp.ClientSession) -> None:
        self.host = host
        self.folder = host.app
        self.url = f"http://127.0.0.1:{host.port}"
        self._session = session

    async def request(self, method: str, path: str, **options: Any) -> Reply:
        """Send a request whose path and query are taken as they are."""
        url = URL(self.url + path, encoded=True)
        async with (
            asyncio.timeout(PATIENCE),
            self._session.request(method, url, allow_redirects=False, **options) as response,
        ):
            return Reply(response.status, response.reason, response.headers, await response.read())

    async def get(self, path: str, **options: Any) -> Reply:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Reply:
        return await self.request("POST", path, **options)

    async def deliver(self, headers: Mapping[str, str], body: object = None) -> Reply:
        """Send an event as the service does."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.post(
            "/runtime/webhooks/signalr",
            data=content,
            headers={"Content-Type": "application/json; charset=utf-8", **headers},
        )

    def write(self, name: str, text: str) -> None:
        """Write a file of the app, its folder included."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # The host is to see one change, not an empty file and then a full one.
        new = path.with_name(f".{path.name}.new")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


class Log(logging.Handler):
    """Keep what the local runtime logs, and wait for what is still to come."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._passed = 0
        self._came = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self._came.set()

    @property
    def text(self) -> str:
        """Return every record with its level, one below the other."""
        return "\n".join(f"{record.levelname} {self.format(record)}" for record in self.records)

    def find(self, pattern: str) -> logging.LogRecord:
        """Return the one record that a pattern matches."""
        found = [record for record in self.records if re.search(pattern, self.format(record))]
        assert len(found) == 1, f"{pattern!r} is in {len(found)} records of:\n{self.text}"
        return found[0]

    async def wait_for(self, pattern: str) -> logging.LogRecord:
        """Return the next record that a pattern matches; those before it are passed by for good."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    while self._passed < len(self.records):
                        record = self.records[self._passed]
                        self._passed += 1
                        if re.search(pattern, self.format(record)):
                            return record
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"{pattern!r} was not logged:\n{self.text}") from None


@pytest.fixture
def log() -> Iterator[Log]:
    """Record what is logged during one test."""
    logger = logging.getLogger("signalr_local")
    level, recorder = logger.level, Log()
    logger.addHandler(recorder)
    logger.setLevel(logging.DEBUG)
    yield recorder
    logger.setLevel(level)
    logger.removeHandler(recorder)


@dataclass(frozen=True)
class ServiceRequest:
    """Hold a REST request as the service got it; ``path`` is raw."""

    method: str
    path: str
    query: str
    headers: CIMultiDictProxy[str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class FakeService:
    """Stand in for the SignalR Service: it keeps requests in their order and answers as told, else 202."""

    requests: list[ServiceRequest] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)
    port: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing is answered unless it is set, as it is in the beginning."""

    @property
    def connection_string(self) -> str:
        return f"Endpoint=http://127.0.0.1:{self.port};AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;"

    @property
    def lines(self) -> list[str]:
        """Return method and path of every request."""
        return [f"{request.method} {request.path}" for request in self.requests]

    def answer(self, status: int, text: str = "", **headers: str) -> None:
        """Answer one request more in this way; an underscore in a header's name is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(web.Response(status=status, text=text, headers=named))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(
            ServiceRequest(
                request.method,
                request.rel_url.raw_path,
                request.rel_url.raw_query_string,
                request.headers,
                await request.content.read(),
            )
        )
        await self.gate.wait()
        return self.answers.pop(0) if self.answers else web.Response(status=202)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_service() -> AsyncIterator[FakeService]:
    """Run a service for all tests of a module; its port may stand in the settings of a shared host."""
    service = FakeService()
    runner = web.ServerRunner(web.Server(service.handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.port = runner.addresses[0][1]
    yield service
    await runner.cleanup()


@pytest.fixture
def service(shared_service: FakeService) -> FakeService:
    """Return the module's service as if it were new."""
    shared_service.requests.clear()
    shared_service.answers.clear()
    shared_service.gate.set()
    return shared_service


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder from which an app can import ``serverless_signalr``."""
    # The repository itself must not be on the path: it has a function_app of its own.
    folder = tmp_path_factory.mktemp("packages")
    (folder / "serverless_signalr").symlink_to(ROOT / "serverless_signalr", target_is_directory=True)
    return str(folder)


@pytest.fixture(scope="module")
def signalr_settings(shared_service: FakeService, packages: str) -> dict[str, str]:
    """Return the settings of an app that uses the service and imports ``serverless_signalr``."""
    return {CONNECTION: shared_service.connection_string, "PYTHONPATH": packages}


@pytest.fixture(scope="module", autouse=True)
def plain_environment() -> Iterator[None]:
    """Keep what a developer's shell may hold out of the apps: the environment wins over their settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (CONNECTION, "PYTHONPATH", "PYTHONWARNINGS"):
            patch.delenv(name, raising=False)
        yield


type StartHost = Callable[..., Awaitable[RunningApp]]


@asynccontextmanager
async def _hosts(folder: Path) -> AsyncIterator[StartHost]:
    """Start hosts, and see that each takes its worker and its tasks with it when it stops."""
    started: list[FunctionsHost] = []
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as session:

        async def start(
            source: str | Mapping[str, str],
            *,
            settings: Mapping[str, object] | None = None,
            host: Mapping[str, object] | None = None,
            host_json: Mapping[str, object] | None = None,
            options: HostOptions | None = None,
        ) -> RunningApp:
            """Start a host; ``settings`` are the Values and ``host`` is the Host of local.settings.json."""
            functions_host = FunctionsHost(folder / f"app{len(started)}", options=options)
            running = RunningApp(functions_host, session)
            files = {"function_app.py": source} if isinstance(source, str) else source
            for name, text in files.items():
                running.write(name, text)
            content = {"IsEncrypted": False, "Values": settings or {}, "Host": host or {}}
            running.write("local.settings.json", json.dumps(content))
            if host_json is not None:
                running.write("host.json", json.dumps({"version": "2.0", **host_json}))
            started.append(functions_host)
            functions_host.bind(port=0)
            running.url = f"http://127.0.0.1:{functions_host.port}"
            await functions_host.start()
            # Once a request is answered, the host also watches the files.
            assert (await running.get("/admin/host/ping")).status == 200
            return running

        start.started = started  # type: ignore[attr-defined]
        yield start
        for one in started:
            await one.stop()
    for task in asyncio.all_tasks() - before:
        code = getattr(task.get_coro(), "cr_code", None)
        assert code is None or not code.co_filename.startswith(str(ROOT / "signalr_local")), f"{task} is left"


@pytest_asyncio.fixture(loop_scope="module")
async def start_host(tmp_path: Path) -> AsyncIterator[StartHost]:
    """Start hosts for one test."""
    async with _hosts(tmp_path) as start:
        yield start


@pytest.fixture
async def start_host_in_cloud(cloud: Cloud, tmp_path: Path) -> AsyncIterator[StartHost]:
    """Start hosts for one test, whose bindings find the cloud where Azure would be."""
    async with _hosts(tmp_path) as start:
        yield start


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def start_shared_host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StartHost]:
    """Start a host for all tests of a module: its app is loaded once."""
    async with _hosts(tmp_path_factory.mktemp("shared")) as start:
        yield start
