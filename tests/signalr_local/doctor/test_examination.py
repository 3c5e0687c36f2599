"""What the doctor finds, and what it says to do about it."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from signalr_local.doctor.examination import examine
from signalr_local.doctor.files import Papers
from signalr_local.doctor.findings import Finding, State
from signalr_local.emulator import Emulator

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
WEBHOOK = "https://app.example/runtime/webhooks/signalr?code=key"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def emulator() -> AsyncIterator[Emulator]:
    """Run a service for all tests."""
    emulator = Emulator()
    await emulator.start(port=0)
    yield emulator
    await emulator.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def app(app_folder: Path, tmp_path: Path, emulator: Emulator) -> Path:
    """Return a copy of the app, whose connection string names the emulator."""
    folder = tmp_path / "app"
    shutil.copytree(app_folder, folder)
    edit(folder / "local.settings.json", "Values", AzureSignalRConnectionString=emulator.connection_string)
    return folder


def edit(path: Path, section: str, **members: object) -> None:
    content = json.loads(path.read_text())
    content[section] |= members
    path.write_text(json.dumps(content))


async def found(app: Path, **files: Path) -> list[Finding]:
    return [finding async for finding in examine(app, Papers.read(app, **files))]


def errors(findings: list[Finding]) -> list[str]:
    bad = (State.WRONG, State.WARNING)
    return [f"{item.subject}: {item.seen}" for item in findings if item.state in bad]


async def test_an_app_that_is_well_has_no_error(app: Path) -> None:
    assert errors(await found(app)) == []


async def test_every_error_comes_with_its_fix(app: Path, tmp_path: Path) -> None:
    (app / "host.json").write_text('{"version": "2.0"}')
    edit(app / "local.settings.json", "Host", CORSCredentials=False)
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString="")
    findings = [item for item in await found(app) if item.state is not State.FINE]
    assert [item.subject for item in findings if not item.fix] == []
    assert len(findings) == 3


async def test_no_finding_shows_a_key(app: Path) -> None:
    wrong = f"Endpoint=https://x.service.signalr.net;AccessKey={KEY};AccessKey={KEY};Version=1.0;"
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString=wrong)
    assert KEY not in "".join(map(str, await found(app)))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('{"version": "2.0"}', "host.json: it names no extension bundle"),
        ("{", "host.json: it is not valid JSON"),
        (
            '{"version": "2.0", "extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", '
            '"version": "[2.*, 3.0.0)"}}',
            "host.json: the extension bundle is [2.*, 3.0.0)",
        ),
    ],
)
async def test_host_json_needs_a_bundle_with_the_bindings(app: Path, content: str, error: str) -> None:
    (app / "host.json").write_text(content)
    assert errors(await found(app))[0].startswith(error)


async def test_a_key_that_the_service_does_not_accept_is_found(app: Path, emulator: Emulator) -> None:
    other = emulator.connection_string.replace(KEY, "A" * 44)
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString=other)
    [error] = errors(await found(app))
    assert ": HEAD /api/hubs/health/connections/health was answered 401" in error
    assert "compare AccessKey of the connection string with the resource's keys" in error


async def test_a_service_that_is_not_there_is_found(app: Path, unused_tcp_port: int) -> None:
    away = f"Endpoint=http://localhost:{unused_tcp_port};AccessKey={KEY};Version=1.0;"
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString=away)
    [finding] = [item for item in await found(app) if item.state is State.WRONG]
    assert finding.seen == f"http://localhost:{unused_tcp_port} cannot be reached"
    assert finding.fix.startswith("start it with make run")


async def test_a_connection_that_is_missing_is_told_once(app: Path) -> None:
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString="")
    [error] = errors(await found(app))
    assert error.startswith(
        "AzureSignalRConnectionString: the app setting AzureSignalRConnectionString is not set"
    )


async def test_several_endpoints_need_the_setting_for_them(app: Path, emulator: Emulator) -> None:
    values = {"Azure__SignalR__Endpoints__b": emulator.connection_string}
    edit(app / "local.settings.json", "Values", **values)
    assert (
        "bindings take only with the app setting AzureSignalRServiceTransportType=Persistent"
        in errors(await found(app))[0]
    )
    edit(app / "local.settings.json", "Values", AzureSignalRServiceTransportType="Persistent")
    findings = await found(app)
    assert errors(findings) == []
    assert [item.subject for item in findings if "is well, and lets in an access key" in item.seen] == [
        "AzureSignalRConnectionString",
        "Azure__SignalR__Endpoints__b",
    ]


async def test_an_app_without_settings_is_told_how_to_get_them(app: Path) -> None:
    (app / "local.settings.json").unlink()
    assert errors(await found(app))[0] == "local.settings.json: there are no settings"


async def test_an_app_that_cannot_be_loaded_is_found(app: Path) -> None:
    (app / "function_app.py").write_text("raise RuntimeError('mine')")
    assert errors(await found(app)) == ["function_app.py: it cannot be loaded: RuntimeError: mine"]


async def test_a_name_that_azure_refuses_is_found(app: Path) -> None:
    (app / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.route('x')\n"
        "@app.generic_input_binding(arg_name='connection_info', type='signalRConnectionInfo', hub_name='a')\n"
        "def x(req: func.HttpRequest, connection_info: str) -> str: return connection_info\n"
    )
    assert errors(await found(app))[0].startswith("function x: The binding name connection_info is invalid.")


async def test_an_identity_that_cannot_come_in_is_found_with_what_to_grant(
    app: Path, unused_tcp_port: int
) -> None:
    path = app / "local.settings.json"
    content = json.loads(path.read_text())
    del content["Values"]["AzureSignalRConnectionString"]
    content["Values"]["AzureSignalRConnectionString__serviceUri"] = f"https://localhost:{unused_tcp_port}"
    path.write_text(json.dumps(content))
    findings = [item for item in await found(app) if item.subject == "AzureSignalRConnectionString"]
    assert [item.state for item in findings] == [State.WRONG]
    assert findings[0].fix


async def test_an_app_that_shows_its_settings_when_it_fails_is_not_quoted(app: Path) -> None:
    wrong = f"Endpoint=https://x.service.signalr.net;AccessKey={KEY[::-1]};Version=1.0;"
    edit(app / "local.settings.json", "Values", Mine=wrong)
    (app / "function_app.py").write_text("import os\nraise RuntimeError(os.environ['Mine'])")
    assert errors(await found(app)) == ["function_app.py: it cannot be loaded: RuntimeError: …"]
    (app / "function_app.py").write_text(f"raise RuntimeError('got AccessKey={KEY};Version')")
    assert errors(await found(app)) == [
        "function_app.py: it cannot be loaded: RuntimeError: got AccessKey=…;Version"
    ]


async def test_an_app_that_never_ends_loading_is_given_up(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalr_local.doctor.app_checks._PATIENCE", 0.5)
    (app / "function_app.py").write_text("import threading\nthreading.Event().wait()")
    [error] = errors(await found(app))
    assert error.startswith("function_app.py: it cannot be loaded: it was not loaded within ")


async def test_the_environment_counts_as_it_does_when_the_app_runs(
    app: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString="")
    monkeypatch.setenv("AzureSignalRConnectionString", emulator.connection_string)
    assert errors(await found(app)) == []
