"""A deployed app as a user meets it: az is a stand-in; app, host and service are real and behind TLS."""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from signalr_local.doctor import command
from signalr_local.doctor.options import add_parser
from signalr_local.emulator import Emulator, UpstreamRule
from signalr_local.host.host import FunctionsHost
from signalr_local.host.options import HostOptions
from tests.serverless_signalr.azure_fakes.certificates import Certificates
from tests.serverless_signalr.azure_fakes.cloud import Cloud
from tests.signalr_local.doctor.apps import HOST, KEY, NAME, Deployed, Folder

SERVICE = "chat.service.signalr.net"
WEBHOOK = "/runtime/webhooks/signalr"
ECHO = """
import json

import azure.functions as func

app = func.FunctionApp()


@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="talk")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")


@app.generic_trigger("invocation", type="signalRTrigger", hub_name="talk", category="messages", event="echo")
def echo(invocation: str) -> str:
    return json.loads(invocation)["Arguments"][0]


@app.generic_trigger("invocation", type="signalRTrigger", hub_name="talk", category="messages", event="fail")
def fail(invocation: str) -> str:
    raise RuntimeError("mine")
"""

AZ = """#!{python} -I
import json, sys
from pathlib import Path

answers = json.loads(Path({path!r}).read_text())
line = " ".join(sys.argv[1:])
with open({path!r} + ".calls", "a") as calls:
    calls.write(line + "\\n")
for words, (code, answer) in answers.items():
    if line.startswith(words):
        print(json.dumps(answer) if not code else answer, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
sys.exit("az: no such command: " + line)
"""


@dataclass
class Front:
    """What Azure has in front of an app: it checks the webhook's key and forwards what it lets through."""

    to: int
    key: str = "the-key"
    answers: dict[str, web.Response] = field(default_factory=dict)
    """Answers in place of the app's, by path."""

    seen: list[web.BaseRequest] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        if request.path in self.answers:
            planted = self.answers[request.path]
            return web.Response(status=planted.status, body=planted.body, headers=planted.headers)
        if request.path == WEBHOOK and request.query.get("code") != self.key:
            return web.Response(status=401)
        url = f"http://127.0.0.1:{self.to}{request.path_qs}"
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                request.method, url, headers=request.headers, data=await request.read() or None
            ) as response,
        ):
            body = await response.read()
            kept = {"Content-Type": response.headers.get("Content-Type", "application/octet-stream")}
            return web.Response(status=response.status, body=body, headers=kept)


@dataclass
class Stranger:
    """What answers in place of the service: it gives a connection, and ends it as a test asks."""

    port: int = 0
    status: int = 101
    frame: str = ""
    is_silent: bool = False

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST":
            return web.json_response({"connectionToken": "token"})
        if "/api/" in request.path:
            return web.Response()
        if self.status != 101:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        if self.is_silent:
            await socket.receive()
        if self.frame:
            await socket.send_str(self.frame)
        await socket.close()
        return socket


@dataclass
class Azure:
    """A deployed app with everything around it, and the answers of az."""

    front: Front
    host: FunctionsHost
    emulator: Emulator
    cloud: Cloud
    described: Deployed
    folder: Path
    stranger: Stranger
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    kept: list[UpstreamRule] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    async def doctor(self, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
        """Run the doctor on the app; return its exit code and all that it printed."""
        return await self.run(capsys, ["doctor", "--azure", "app", *self.options, *options])

    async def run(self, capsys: pytest.CaptureFixture[str], words: list[str]) -> tuple[int, str]:
        """Run the words after signalr-local; return the exit code and all that was printed."""
        site = {"defaultHostName": HOST, "state": "Running", "sku": "FlexConsumption", "identity": None}
        listed = [{"name": name, "value": value} for name, value in self.described.settings.items()]
        answers: dict[str, tuple[int, Any]] = {
            "resource list": (0, [{"resourceGroup": "rg-chat"}]),
            "functionapp show": (0, site),
            "functionapp config appsettings list": (0, listed),
            "functionapp cors show": (0, self.described.cors),
            "functionapp function list": (0, self.described.functions),
            "signalr list": (0, [self.described.service]),
            "functionapp keys list": (0, {"functionKeys": {"default": "function-key"}}),
            "role assignment list": (0, []),
        }
        (self.folder / "az.json").write_text(json.dumps({**self.answers, **answers, **self.answers}))
        parser = argparse.ArgumentParser()
        add_parser(parser.add_subparsers())
        code = await command.run(parser.parse_args(words))
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    def replace_service(self, **members: object) -> None:
        """Let something else answer in place of the service."""
        for name, value in members.items():
            setattr(self.stranger, name, value)
        self.ports = dict(self.cloud.ports)
        self.cloud.ports[SERVICE] = self.stranger.port

    def service_again(self) -> None:
        """Let the service answer."""
        self.cloud.ports.update(self.ports)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "az.json.calls").read_text().splitlines()


@asynccontextmanager
async def deploy(
    folder: Folder, deployed: Deployed, cloud: Cloud, certificates: Certificates, tmp_path: Path
) -> AsyncIterator[Azure]:
    """Deploy an app that has no fault."""
    folder.write("function_app.py", ECHO)
    folder.value(**{NAME: f"Endpoint=https://{SERVICE};AccessKey={KEY};Version=1.0;"})
    stub = tmp_path / "bin" / "az"
    stub.parent.mkdir()
    stub.write_text(AZ.format(python=sys.executable, path=str(tmp_path / "az.json")))
    stub.chmod(0o755)
    async with AsyncExitStack() as stack:
        host = FunctionsHost(folder.path, options=HostOptions(host_names=("app.azurewebsites.net",)))
        host.bind(port=0)
        stack.push_async_callback(host.stop)
        await host.start()
        front = Front(host.port)
        front_port = await serve(stack, front.handle)
        emulator = Emulator(hosts=[SERVICE], is_silent=True)
        await emulator.start(port=0)
        stack.push_async_callback(emulator.stop)
        emulator.upstream = [UpstreamRule(f"http://127.0.0.1:{front_port}{WEBHOOK}?code=the-key")]
        for name, port in ((HOST, front_port), (SERVICE, emulator.port)):
            cloud.ports[name] = await encrypt(stack, port, certificates)
        stranger = Stranger()
        stranger.port = await encrypt(stack, await serve(stack, stranger.handle), certificates)
        yield Azure(front, host, emulator, cloud, deployed, tmp_path, stranger)


async def serve(stack: AsyncExitStack, handle: Callable[..., Any]) -> int:
    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.01)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    return port


async def encrypt(stack: AsyncExitStack, port: int, certificates: Certificates) -> int:
    """Put TLS in front of a port and return the port that has it."""
    sockets: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        sockets.update((writer, inner_writer))
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    def close() -> None:
        for writer in sockets:
            writer.close()

    server = await asyncio.start_server(connect, "127.0.0.1", 0, ssl=certificates.server)
    stack.callback(close)
    stack.callback(server.close)
    number: int = server.sockets[0].getsockname()[1]
    return number
