"""The shell blocks of the pages about Azure run from top to bottom, against stand-ins of az, azd and func.

The stand-ins refuse commands and options that the real ones do not have. What the pages upload with curl goes
to a server that takes what One Deploy takes.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.docs.pages import ROOT, Page, pages
from tests.docs.stand_ins import RefusedError, command_lines, install, parse, words_of
from tests.serverless_signalr.azure_fakes.certificates import Certificates

TEMPLATES = ROOT / "signalr_local" / "new" / "template" / "readme"
PAGES = ["README.md", "docs/deployment.md", "docs/operate.md"]
INLINE = [(page.path, line) for page in pages() for line in command_lines(page.code)]

BICEP = (ROOT / "infra" / "main.bicep").read_text(encoding="utf-8")
OUTPUTS = {name: f"the-{name.lower()}" for name in re.findall(r"^output (\w+) string", BICEP, re.MULTILINE)}
HOST = "func-api-x.azurewebsites.net"

ANSWERS: Mapping[str, Any] = {
    "az account show": {"id": "subscription"},
    "az account get-access-token": {"accessToken": "token"},
    "az ad app create": {"appId": "client"},
    "az deployment sub show": {
        "properties": {
            "outputs": {
                name[0].lower() + name[1:]: {"type": "String", "value": value}
                for name, value in (OUTPUTS | {"SERVICE_API_HOST": HOST}).items()
            }
        }
    },
    "azd env get-values": OUTPUTS | {"SERVICE_API_HOST": HOST, "AZURE_SUBSCRIPTION_ID": "subscription"},
}
"""What the commands answer. Resource Manager writes the first letter of an output in lower case."""

SCRIPT = '#!/bin/sh\necho "$0" "$@" >> "$CALLS"\n'


@dataclass
class OneDeploy:
    """Take a package as Flex Consumption does, and say that it is deployed."""

    packages: list[bytes] = field(default_factory=list)

    def check(self, request: web.Request) -> None:
        assert request.headers["Authorization"] == "Bearer token"
        assert request.host == HOST.replace(".", ".scm.", 1)

    async def publish(self, request: web.Request) -> web.Response:
        self.check(request)
        assert dict(request.query) == {"RemoteBuild": "false", "Deployer": "curl"}
        assert request.content_type == "application/zip"
        self.packages.append(await request.read())
        return web.json_response("id", status=202)

    async def latest(self, request: web.Request) -> web.Response:
        self.check(request)
        return web.json_response({"status": 4 if self.packages else 3})


@pytest.fixture
async def one_deploy(tmp_path: Path) -> AsyncIterator[OneDeploy]:
    """Serve at every address that curl asks for."""
    taken = OneDeploy()
    app = web.Application()
    app.add_routes(
        [web.post("/api/publish", taken.publish), web.get("/api/deployments/latest", taken.latest)]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=Certificates.make(tmp_path).server)
    await site.start()
    port = runner.addresses[0][1]
    # The certificate is for one label below azurewebsites.net, and the address has two.
    (tmp_path / ".curlrc").write_text(f'connect-to = "::127.0.0.1:{port}"\ninsecure\n')
    yield taken
    await runner.cleanup()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the files that the commands name; scripts only note that they are called."""
    folder = tmp_path / "clone"
    for path in (*(ROOT / "infra" / "scripts").iterdir(), *(ROOT / "scripts").iterdir()):
        if path.is_file() and path.suffix in ("", ".sh"):
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(SCRIPT)
            copy.chmod(0o755)
    shutil.copy(ROOT / "infra" / "scripts" / "rollback.py", folder / "infra" / "scripts")
    (folder / "infra" / "main.bicep").symlink_to(ROOT / "infra" / "main.bicep")
    (folder / "build" / "app").mkdir(parents=True)
    (folder / "build" / "app.zip").write_bytes(b"package")
    (folder / "local.settings.json.example").write_text("{}")
    install(tmp_path / "bin", ANSWERS)
    for name, text in {"make": SCRIPT, "python3": f'#!/bin/sh\nexec {sys.executable} "$@"\n'}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    return folder


async def run(clone: Path, script: str) -> list[str]:
    """Run a script as a person's shell would, stopping at the first error; return the scripts it called."""
    calls = clone.parent / "calls"
    calls.write_text("")
    process = await asyncio.create_subprocess_exec(
        *("sh", "-euc", script),
        cwd=clone,
        env={"PATH": f"{clone.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        | {"HOME": str(clone.parent), "CALLS": str(calls)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return [line.rpartition("/")[2] for line in calls.read_text().splitlines()]


def script_of(page: Page) -> str:
    """Return the blocks of a page, one after the other."""
    blocks = [block.text for block in page.blocks if block.is_shell]
    if page.path == "README.md":
        blocks = [text for text in blocks if "azd up" in text]
    return "\n".join(blocks).replace("packages/CHECKSUM.zip", "packages/*.zip")


@pytest.mark.parametrize("path", PAGES)
async def test_blocks_of_the_page_run(clone: Path, one_deploy: OneDeploy, path: str) -> None:
    called = await run(clone, script_of(Page(path)))
    if path == "docs/deployment.md":
        assert one_deploy.packages == [b"package"]
        assert called == ["make package"]
    if path == "docs/operate.md":
        assert called == [
            *(
                "make local-packages",
                "doctor.sh",
                "make package",
                "package --lock",
                "make test",
                "rotate-key.sh",
            )
        ]


@pytest.mark.parametrize("name", ["azure", "deploy"])
async def test_blocks_of_a_new_apps_readme_run(clone: Path, name: str) -> None:
    text = (TEMPLATES / f"{name}.md").read_text(encoding="utf-8")
    await run(clone, "\n".join(re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)))


@pytest.mark.parametrize(("page", "line"), INLINE, ids=[f"{page}: {line}" for page, line in INLINE])
def test_command_in_a_text_is_one_that_exists(page: str, line: str) -> None:
    parse(*words_of(line), whole=False)


@pytest.mark.parametrize(
    "line",
    [
        line
        for path in TEMPLATES.iterdir()
        for line in command_lines(re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8")))
    ],
)
def test_command_in_a_new_apps_readme_is_one_that_exists(line: str) -> None:
    parse(*words_of(line), whole=False)


@pytest.mark.parametrize(
    "line",
    [
        "az signalr upstreams update --template x",
        "az account show --querry id",
        "az ad app create",
        "az deployment sub create --location",
        "azd env put A b",
        "azd up now",
        "func azure functionapp publish APP --remote",
        "docker build --tags x .",
        "docker run --publish",
    ],
)
def test_stand_in_refuses_what_the_real_command_refuses(line: str) -> None:
    with pytest.raises(RefusedError):
        parse(*words_of(line))


def test_answers_are_what_a_query_finds(tmp_path: Path) -> None:
    install(tmp_path, ANSWERS)
    command = [str(tmp_path / "az"), "account", "show", "--query", "nothing", "--output", "tsv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.dumps(ANSWERS["az account show"]) not in done.stdout
