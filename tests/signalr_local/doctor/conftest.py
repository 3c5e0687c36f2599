"""Apps without a fault: in a folder, as Azure describes one, and deployed with everything around it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from signalr_local.emulator import Emulator
from tests.serverless_signalr.azure_fakes.certificates import Certificates
from tests.serverless_signalr.azure_fakes.cloud import Cloud
from tests.signalr_local.doctor.apps import APP, HOST, HOST_JSON, KEY, NAME, Deployed, Folder, listed
from tests.signalr_local.doctor.deployment import Azure, deploy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def emulator() -> AsyncIterator[Emulator]:
    """Run one service for all tests."""
    emulator = Emulator()
    await emulator.start(port=0)
    yield emulator
    await emulator.stop()


@pytest.fixture
def folder(tmp_path: Path, emulator: Emulator) -> Folder:
    """Return an app that has no fault, and whose service is the emulator."""
    folder = Folder(tmp_path / "app", emulator.connection_string)
    folder.path.mkdir()
    folder.write("function_app.py", APP)
    folder.write("host.json", HOST_JSON)
    values = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": "",
        "AzureWebJobsSecretStorageType": "files",
        NAME: emulator.connection_string,
    }
    host = {"CORS": "http://localhost:3000", "CORSCredentials": True}
    folder.write("local.settings.json", {"IsEncrypted": False, "Values": values, "Host": host})
    return folder


@pytest.fixture
def deployed() -> Deployed:
    """Return a deployed app that has no fault."""
    return Deployed(
        settings={
            NAME: f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;",
            "AzureWebJobsStorage__blobServiceUri": "https://store.blob.core.windows.net",
            "AzureWebJobsStorage__credential": "managedidentity",
        },
        cors={"allowedOrigins": ["https://a.example"], "supportCredentials": True},
        service={
            "name": "chat",
            "resourceGroup": "rg-chat",
            "hostName": "chat.service.signalr.net",
            "features": [{"flag": "ServiceMode", "value": "Serverless"}],
            "upstream": {
                "templates": [
                    {
                        "urlTemplate": f"https://{HOST}/runtime/webhooks/signalr?code=the-key",
                        "hubPattern": "*",
                        "categoryPattern": "*",
                        "eventPattern": "*",
                        "auth": {"type": "None"},
                    }
                ]
            },
            "cors": {"allowedOrigins": ["https://a.example"]},
        },
        functions=[
            listed(
                "negotiate",
                {
                    "type": "httpTrigger",
                    "name": "req",
                    "direction": "in",
                    "route": "negotiate",
                    "methods": ["POST"],
                },
                {"type": "http", "name": "$return", "direction": "out"},
                {"type": "signalRConnectionInfo", "name": "info", "direction": "in", "hubName": "talk"},
            ),
            listed(
                "echo",
                {
                    "type": "signalRTrigger",
                    "name": "invocation",
                    "hubName": "talk",
                    "category": "messages",
                    "event": "echo",
                },
            ),
        ],
    )


@pytest.fixture
async def azure(
    folder: Folder,
    deployed: Deployed,
    cloud: Cloud,
    certificates: Certificates,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Azure]:
    """Deploy an app that has no fault, with az on the PATH."""
    async with deploy(folder, deployed, cloud, certificates, tmp_path) as azure:
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
        yield azure
