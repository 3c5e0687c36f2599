"""What the doctor finds, and what it says to do about it."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from local.doctor.examination import examine
from local.doctor.findings import Finding, State
from local.emulator import Emulator

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


async def found(app: Path, settings: Path | None = None, service: Path | None = None) -> list[Finding]:
    return [finding async for finding in examine(app, settings, service)]


def errors(findings: list[Finding]) -> list[str]:
    return [f"{item.subject}: {item.seen}" for item in findings if item.state is not State.FINE]


async def test_an_app_that_is_well_has_no_error(app: Path) -> None:
    assert errors(await found(app)) == []


async def test_every_error_comes_with_its_fix(app: Path, tmp_path: Path) -> None:
    (app / "host.json").write_text('{"version": "2.0"}')
    edit(app / "local.settings.json", "Host", CORSCredentials=False)
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString="")
    findings = [item for item in await found(app) if item.state is not State.FINE]
    assert [item.subject for item in findings if not item.fix] == []
    assert len(findings) > 3


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
    assert [text for text in errors(await found(app)) if "does not accept the access key" in text]


async def test_a_service_that_is_not_there_is_found(app: Path, unused_tcp_port: int) -> None:
    away = f"Endpoint=http://localhost:{unused_tcp_port};AccessKey={KEY};Version=1.0;"
    edit(app / "local.settings.json", "Values", AzureSignalRConnectionString=away)
    assert [text for text in errors(await found(app)) if "cannot be reached" in text]


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


@pytest.fixture
def deployed(tmp_path: Path) -> Any:
    """Write settings as ``az functionapp config appsettings list`` prints them."""

    def write(**values: str) -> Path:
        path = tmp_path / "settings.json"
        path.write_text(
            json.dumps(
                [{"name": name, "value": value, "slotSetting": False} for name, value in values.items()]
            )
        )
        return path

    return write


@pytest.mark.parametrize(
    ("values", "error"),
    [
        (
            {"AzureSignalRConnectionString": f"Endpoint=http://localhost:8888;AccessKey={KEY};Version=1.0;"},
            "AzureSignalRConnectionString: it names an emulator",
        ),
        ({}, "AzureSignalRConnectionString: it is not set"),
        (
            {
                "AzureSignalRConnectionString": "@Microsoft.KeyVault(SecretUri=https://v/)",
                "NEGOTIATE_USER_ID": "{query.user}",
            },
            "NEGOTIATE_USER_ID: {query.user} lets every caller choose who to be",
        ),
    ],
)
async def test_settings_of_a_deployed_app_are_held_to_what_azure_takes(
    app: Path, deployed: Any, values: dict[str, str], error: str
) -> None:
    findings = errors(await found(app, settings=deployed(**values)))
    assert [text for text in findings if text.startswith(error)]


@pytest.fixture
def service(tmp_path: Path) -> Any:
    """Write a service as ``az signalr show`` prints it."""

    def write(mode: str = "Serverless", origins: tuple[str, ...] = (), **rule: str) -> Path:
        path = tmp_path / "service.json"
        content = {
            "features": [{"flag": "ServiceMode", "value": mode}],
            "upstream": {"templates": [{"urlTemplate": WEBHOOK, **rule}]},
            "cors": {"allowedOrigins": list(origins)},
        }
        path.write_text(json.dumps(content))
        return path

    return write


async def test_a_service_whose_events_find_their_functions_is_well(app: Path, service: Any) -> None:
    assert errors(await found(app, service=service())) == []


@pytest.mark.parametrize(
    ("description", "error"),
    [
        ({"mode": "Default"}, "service mode: Default: events are not sent upstream"),
        (
            {"hubPattern": "Chat"},
            "function echo: no upstream rule matches hub chat, category messages, event echo",
        ),
        (
            {"eventPattern": "connected,disconnected"},
            "function echo: no upstream rule matches hub chat, category messages, event echo",
        ),
        (
            {"urlTemplate": WEBHOOK.partition("?")[0]},
            "function echo: the upstream URL has no code",
        ),
        (
            {"urlTemplate": WEBHOOK.replace("https", "http")},
            "function echo: the upstream URL starts with http",
        ),
        ({"urlTemplate": "https://app.example/api/x"}, "function echo: its events go to /api/x"),
        ({"origins": ("*",)}, "CORS of the service: every origin may connect"),
        (
            {"origins": ("http://localhost:3000",)},
            "CORS of the service: http://localhost:5173 may negotiate and not connect",
        ),
    ],
)
async def test_a_service_that_does_not_fit_the_app_is_found(
    app: Path, service: Any, description: dict[str, Any], error: str
) -> None:
    assert error in errors(await found(app, service=service(**description)))


@pytest.mark.parametrize("content", ["{", "[]", '{"x": 1}'])
async def test_a_file_that_is_no_service_is_told(app: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "service.json"
    path.write_text(content)
    assert errors(await found(app, service=path))[0].startswith("files: ")


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
