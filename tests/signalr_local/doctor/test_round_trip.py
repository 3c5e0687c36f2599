"""The deployed app, examined as a user does: az is a stand-in, app and service are real and behind TLS."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
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
from tests.signalr_local.doctor.conftest import HOST, KEY, NAME, Deployed, Folder, listed

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
class Azure:
    """A deployed app with everything around it, and the answers of az."""

    front: Front
    host: FunctionsHost
    emulator: Emulator
    cloud: Cloud
    described: Deployed
    folder: Path
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    async def doctor(self, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
        """Run the doctor on the app; return its exit code and all that it printed."""
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
        code = await command.run(parser.parse_args(["doctor", "--azure", "app", *options]))
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    @property
    def calls(self) -> list[str]:
        return (self.folder / "az.json.calls").read_text().splitlines()


@pytest.fixture
async def azure(
    folder: Folder,
    deployed: Deployed,
    cloud: Cloud,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Azure]:
    """Deploy an app that has no fault."""
    folder.write("function_app.py", ECHO)
    folder.value(**{NAME: f"Endpoint=https://{SERVICE};AccessKey={KEY};Version=1.0;"})
    stub = tmp_path / "bin" / "az"
    stub.parent.mkdir()
    stub.write_text(AZ.format(python=sys.executable, path=str(tmp_path / "az.json")))
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:/usr/bin:/bin")
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
        yield Azure(front, host, emulator, cloud, deployed, tmp_path)


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


STEPS = ("negotiate", "service", "connect", "connected", "call")


async def test_every_step_of_a_round_trip_is_timed(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = await azure.doctor(capsys)
    steps = re.findall(r"\[ok\] (\w+): \d+ ms, ", printed)
    assert steps == list(STEPS), printed
    assert re.search(rf"\[ok\] upstream rule 1 \({HOST}\): \d+ ms, it accepts the code", printed)
    assert printed.endswith("\nNo problems found.\n")
    assert code == 0
    assert KEY not in printed
    assert "the-key" not in printed


async def test_az_is_only_asked(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    await azure.doctor(capsys, "--subscription", "sub")
    assert all(re.search(r" (list|show) ", call) for call in azure.calls)
    assert all("--subscription sub" in call for call in azure.calls)


async def test_json_has_the_time_of_every_step(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = await azure.doctor(capsys, "--output", "json")
    found = json.loads(printed)["findings"]
    trip = {item["rule"]: item["milliseconds"] for item in found if item["section"] == "Round trip"}
    assert list(trip) == [f"round-trip.{step}" for step in STEPS]
    assert all(isinstance(took, float) for took in trip.values())


type Plant = Callable[[Azure], object]


def answer(path: str, status: int, headers: dict[str, str] | None = None) -> Plant:
    return lambda azure: azure.front.answers.update({path: web.Response(status=status, headers=headers)})


def old_code(azure: Azure) -> None:
    azure.front.key = "new-key"


def no_token(azure: Azure) -> None:
    azure.front.answers["/api/negotiate"] = web.json_response({"message": "hello"})


def other_key(azure: Azure) -> None:
    azure.emulator.keys = [KEY[::-1]]


def no_answer(azure: Azure) -> None:
    azure.emulator.upstream = []


def set_rule(**members: str) -> Plant:
    return lambda azure: azure.described.rule.update(members)


def site(**members: object) -> Plant:
    base = {"defaultHostName": HOST, "state": "Running", "sku": "FlexConsumption"}
    return lambda azure: azure.answers.update({"functionapp show": (0, {**base, **members})})


PLANTED: dict[str, tuple[Plant, str, str, str]] = {
    "negotiate is not there": (
        answer("/api/negotiate", 404),
        "round-trip.negotiate",
        "status 404",
        "check in its log that the function is loaded",
    ),
    "negotiate asks for a key": (
        answer("/api/negotiate", 401),
        "round-trip.negotiate",
        "status 401",
        "set auth_level to anonymous, or pass what clients send with --header",
    ),
    "negotiate sends to a login page": (
        answer("/api/negotiate", 302, {"Location": "https://login.microsoftonline.com/"}),
        "round-trip.negotiate",
        "status 302",
        "--header 'Authorization: Bearer TOKEN'",
    ),
    "negotiate fails": (
        answer("/api/negotiate", 500),
        "round-trip.negotiate",
        "status 500",
        "often the connection setting is missing or unresolved",
    ),
    "the host did not start": (
        answer("/api/negotiate", 503),
        "round-trip.negotiate",
        "status 503",
        "the host did not start",
    ),
    "negotiate answers something else": (
        no_token,
        "round-trip.negotiate",
        "no url and accessToken",
        "return the connection info unchanged",
    ),
    "the app cannot be reached": (
        lambda azure: azure.cloud.down.add(HOST),
        "round-trip.negotiate",
        f"{HOST} cannot be reached",
        "check that the function app is running",
    ),
    "the service cannot be reached": (
        lambda azure: azure.cloud.down.add(SERVICE),
        "round-trip.service",
        f"{SERVICE} cannot be reached",
        "network rules",
    ),
    "the app signs with another key": (
        other_key,
        "round-trip.service",
        f"{SERVICE} answered with status 401",
        "copy the connection string anew",
    ),
    "the upstream has an old code": (
        old_code,
        "round-trip.call",
        "status code 401",
        "set code to the system key signalr_extension",
    ),
    "authentication refuses events": (
        answer(WEBHOOK, 403),
        "round-trip.call",
        "status code 403",
        "exclude its path from App Service Authentication",
    ),
    "the webhook answers 404": (
        answer(WEBHOOK, 404),
        "round-trip.call",
        "status code 404",
        "if the section Upstream says 404 too, follow its fix",
    ),
    "the host fails": (
        answer(WEBHOOK, 500),
        "round-trip.call",
        "status code 500",
        "look for the exception in the app's log",
    ),
    "no event arrives": (
        no_answer,
        "round-trip.call",
        "was not answered within",
        "check that an upstream rule matches it",
    ),
    "the rule leads to localhost": (
        set_rule(urlTemplate=f"http://localhost:7071{WEBHOOK}"),
        "upstream.local",
        "cannot be reached by the service",
        f"set the URL to https://{HOST}{WEBHOOK}?code=KEY",
    ),
    "the app is stopped": (
        site(state="Stopped"),
        "app.state",
        "it is stopped",
        "az functionapp start --name app --resource-group rg-chat",
    ),
    "the service is in another mode": (
        lambda azure: azure.described.service.update(features=[{"flag": "ServiceMode", "value": "Default"}]),
        "service.mode",
        "events are not sent upstream",
        "az signalr update --name chat --resource-group rg-chat --service-mode Serverless",
    ),
    "the service is in another subscription": (
        lambda azure: azure.described.service.update(hostName="other.service.signalr.net"),
        "service.unknown",
        SERVICE,
        "pass --subscription with that of the service",
    ),
}


@pytest.mark.parametrize(("plant", "rule", "seen", "fix"), PLANTED.values(), ids=PLANTED)
async def test_a_planted_fault_is_named_with_what_to_do(
    azure: Azure,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    plant: Plant,
    rule: str,
    seen: str,
    fix: str,
) -> None:
    if plant is no_answer:
        monkeypatch.setattr("signalr_local.doctor.plan._PATIENCE", 0.5)
    plant(azure)
    code, printed = await azure.doctor(capsys, "--output", "json")
    found = {item["rule"]: item for item in json.loads(printed)["findings"] if item["state"] != "ok"}
    assert rule in found, printed
    assert seen in found[rule]["seen"]
    assert fix in found[rule]["fix"]
    assert code == (1 if found[rule]["state"] == "error" else code)


async def test_the_404_of_flex_consumption_is_told_from_a_function_that_is_missing(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.front.answers[WEBHOOK] = web.Response(status=404)
    _, printed = await azure.doctor(capsys)
    assert "a known fault of Flex Consumption" in printed
    del azure.front.answers[WEBHOOK]
    _, printed = await azure.doctor(capsys, "--call", "nothing")
    assert "Flex Consumption" not in printed
    assert "no function listens to this method" in printed


async def test_an_exception_of_the_app_is_not_blamed_on_azure(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = await azure.doctor(capsys, "--call", "fail")
    assert "the way through Azure works; the error is the app's own" in printed
    assert code == 1


async def test_a_method_is_called_with_the_arguments_of_the_command_line(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed = await azure.doctor(capsys, "--call", "echo", "--arguments", '["hello"]')
    assert code == 0, printed


async def test_without_echo_the_call_is_skipped(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    del azure.described.functions[1]
    _, printed = await azure.doctor(capsys)
    assert "[skipped] call: not checked\n          Fix: --call METHOD" in printed


async def test_headers_go_with_negotiate(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    await azure.doctor(capsys, "--header", "X-Mine: 1")
    assert [item.headers.get("X-Mine") for item in azure.front.seen if item.path == "/api/negotiate"] == ["1"]


async def test_the_round_trip_can_be_left_out(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = await azure.doctor(capsys, "--no-round-trip")
    assert [item for item in azure.front.seen if item.path == "/api/negotiate"] == []
    assert "Round trip" not in printed
    assert code == 0


async def test_a_machine_that_network_rules_keep_out_is_no_fault_of_the_app(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.cloud.down.add(SERVICE)
    _, printed = await azure.doctor(capsys, "--no-round-trip")
    assert f"[warning] {NAME}: as you, not as the app: https://{SERVICE}" in printed


@pytest.mark.parametrize(
    ("az", "told"),
    [
        ("ERROR: Please run 'az login' to setup account.", "sign in with az login"),
        ("ERROR: (AuthorizationFailed) no", "you need the role Website Contributor"),
        ("ERROR: (ResourceNotFound) The Resource was not found.", "does not exist in this subscription"),
    ],
)
async def test_an_app_that_cannot_be_read_is_exit_code_2(
    azure: Azure, capsys: pytest.CaptureFixture[str], az: str, told: str
) -> None:
    azure.answers["functionapp show"] = (1, az)
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert told in printed


async def test_what_may_not_be_read_is_a_warning_that_names_the_role(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.answers["signalr list"] = (1, "ERROR: (AuthorizationFailed) no")
    code, printed = await azure.doctor(capsys)
    assert "[warning] the SignalR Service: it could not be read" in printed
    assert "you need the role Reader" in printed
    assert code == 0


@pytest.mark.parametrize(
    ("groups", "told"), [([], "has no function app named app"), (["a", "b"], "has 2 function apps named app")]
)
async def test_an_app_that_is_not_one_needs_its_resource_group(
    azure: Azure, capsys: pytest.CaptureFixture[str], groups: list[str], told: str
) -> None:
    azure.answers["resource list"] = (0, [{"resourceGroup": name} for name in groups])
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert told in printed


async def test_without_az_it_says_where_to_get_it(
    azure: Azure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert "The Azure CLI (az) is not installed: https://" in printed


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--call", "echo", "--arguments", "x"), "--arguments is not a JSON array: x"),
        (("--header", "x"), "--header takes 'NAME: VALUE'"),
        (("--settings", "x.json"), "--azure asks az itself"),
    ],
)
async def test_a_wrong_option_is_exit_code_2(
    azure: Azure, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], told: str
) -> None:
    code, printed = await azure.doctor(capsys, *options)
    assert code == 2
    assert told in printed


@pytest.mark.parametrize(
    ("frame", "seen"),
    [
        (
            '{"error":"No server is connected."}\x1e',
            "the service refused the connection: No server is connected.",
        ),
        ("", "the service closed the connection"),
        ('{}\x1e{"type":7,"error":"Bye."}\x1e', "the service closed the connection: Bye."),
    ],
    ids=["refused", "hung up", "closed"],
)
async def test_a_service_that_ends_the_connection_is_named(
    azure: Azure, capsys: pytest.CaptureFixture[str], certificates: Certificates, frame: str, seen: str
) -> None:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST":
            return web.json_response({"connectionToken": "token"})
        if "/api/" in request.path:
            return web.Response()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        if frame:
            await socket.send_str(frame)
        await socket.close()
        return socket

    async with AsyncExitStack() as stack:
        azure.cloud.ports[SERVICE] = await encrypt(stack, await serve(stack, handle), certificates)
        code, printed = await azure.doctor(capsys, "--output", "json")
    [found] = [item for item in json.loads(printed)["findings"] if item["rule"] == "round-trip.connected"][
        -1:
    ]
    assert found["seen"] == seen
    assert found["fix"].startswith("check that the service is in Serverless mode")
    assert code == 1


HEALTH = listed(
    "health",
    {"type": "httpTrigger", "name": "req", "direction": "in", "route": "health", "methods": ["GET"]},
)


@pytest.mark.parametrize(
    ("status", "body", "rule", "state", "seen"),
    [
        (200, {"status": "healthy"}, "app.health", "ok", "the app reaches its service"),
        (
            503,
            {"status": "unhealthy", "instances": [{"setting": NAME, "problem": "the key is wrong"}]},
            "app.health",
            "error",
            f"{NAME}: the key is wrong",
        ),
        (401, {}, "app.health", "note", "it lets only others in (status 401)"),
        (500, {}, "app.health-answer", "warning", "it answers with status 500"),
        (503, [], "app.health-answer", "warning", "it answers with status 503"),
    ],
)
async def test_the_app_is_asked_how_it_is(
    azure: Azure,
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: object,
    rule: str,
    state: str,
    seen: str,
) -> None:
    azure.described.functions.append(HEALTH)
    azure.front.answers["/api/health"] = web.json_response(body, status=status)
    _, printed = await azure.doctor(capsys, "--output", "json")
    found = {item["rule"]: item for item in json.loads(printed)["findings"]}[rule]
    assert found["state"] == state
    assert seen in found["seen"]
    [asked] = [item for item in azure.front.seen if item.path == "/api/health"]
    assert asked.headers["x-functions-key"] == "function-key"
    assert "function-key" not in printed


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('return json.loads(invocation)["Arguments"][0]', 'return "something else"'),
        lambda text: text.replace(
            'return json.loads(invocation)["Arguments"][0]', 'raise RuntimeError("takes two arguments")'
        ),
    ],
    ids=["another answer", "an error of its own"],
)
async def test_an_echo_of_another_kind_is_no_fault(
    azure: Azure, capsys: pytest.CaptureFixture[str], folder: Folder, change: Callable[[str], str]
) -> None:
    app = folder.path / "function_app.py"
    app.write_text(change(app.read_text()))
    async with asyncio.timeout(60):
        await azure.host.reloaded()
    code, printed = await azure.doctor(capsys)
    assert re.search(r"\[ok\] call: \d+ ms", printed), printed
    assert code == 0


async def test_an_echo_of_another_hub_is_not_called(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    azure.described.functions[1]["config"]["bindings"][0]["hubName"] = "other"
    _, printed = await azure.doctor(capsys, "--output", "json")
    found = {item["rule"]: item["state"] for item in json.loads(printed)["findings"]}
    assert found["round-trip.call"] == "skipped"
