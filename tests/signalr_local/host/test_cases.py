"""Apps as users wrote them, each in a folder of ``cases`` with what the host is to make of it."""

import json
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from signalr_local.emulator import DEFAULT_ACCESS_KEY
from signalr_local.host.failures import AppError, describe_error
from signalr_local.host.host import FunctionsHost

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLDERS = sorted((Path(__file__).parent / "cases").iterdir())

SETTINGS = {
    "IsEncrypted": False,
    "Values": {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsSecretStorageType": "files",
        "AzureSignalRConnectionString": "Endpoint=http://localhost;Port=8888;"
        f"AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;",
    },
}


@pytest_asyncio.fixture(loop_scope="module", params=FOLDERS, ids=[folder.name for folder in FOLDERS])
async def case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[FunctionsHost, Any]]:
    """Return a host for a copy of a case, and what is expected of it."""
    app = tmp_path / "app"
    shutil.copytree(request.param, app)
    expected = json.loads((app / "expected.json").read_text())
    (app / "expected.json").unlink()
    if (app / "settings.json").exists():
        (app / "settings.json").rename(app / "local.settings.json")
    else:
        (app / "local.settings.json").write_text(json.dumps(SETTINGS))
    if not (app / "host.json").exists():
        (app / "host.json").write_text('{"version": "2.0"}')
    host = FunctionsHost(app)
    host.bind(port=0)
    yield host, expected
    await host.stop()


async def test_the_host_makes_of_a_case_what_is_expected(case: tuple[FunctionsHost, Any], log: Any) -> None:
    host, expected = case
    if "refused" in expected:
        with pytest.raises(AppError) as refusal:
            await host.start()
        said = describe_error(refusal.value)
        for pattern in expected["refused"]:
            assert re.search(pattern, said), said
        # The app's frames only, and no path of this machine's packages.
        assert "site-packages" not in said
        assert "sys.path" not in said
        return
    await host.start()
    for pattern in expected.get("logged", ()):
        log.find(pattern)
    async with aiohttp.ClientSession() as session:
        for one in expected["requests"]:
            url = f"http://127.0.0.1:{host.port}{one['path']}"
            async with session.request(one["method"], url) as response:
                text = await response.text()
                assert (response.status, one["body"] in text) == (one["status"], True), text
            if "logged" in one:
                log.find(one["logged"])
