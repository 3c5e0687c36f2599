"""What the inspector copies does the same as the event, and runs nothing that a client has written."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr import FunctionApp
from signalr_local.testing import SignalRTest

WEB = Path(__file__).parents[2] / "web"

HOSTILE = "a'b\"c\\ $(touch pwned) `touch pwned` ${process.exit(9)} {os.abort()} %s $SIGNATURE é"
BODY = json.dumps({"type": 1, "target": "m", "arguments": [HOSTILE, 1.5, None, True, {"x": ["y"]}]})

CALL = """
globalThis.location = { origin: process.argv[3] };
const { codeOf, languagesOf } = await import("./copy.mjs");
const event = JSON.parse(process.argv[2]);
const found = languagesOf(event).map((language) => [language, codeOf(event, language)]);
console.log(JSON.stringify(Object.fromEntries(found)));
"""


class Seen:
    """Take in requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], str]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.path_qs, headers, await request.text()))
        return web.Response(text="taken")


@pytest.fixture
async def seen() -> AsyncIterator[Seen]:
    seen = Seen()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", seen.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    seen.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield seen
    await runner.cleanup()


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    esbuild = WEB / "node_modules" / ".bin" / "esbuild"
    source = WEB / "src" / "inspector" / "copy.ts"
    command = [esbuild, source, "--bundle", "--format=esm", f"--outfile={folder / 'copy.mjs'}"]
    subprocess.run([*map(str, command), "--log-level=warning"], check=True)
    (folder / "call.mjs").write_text(CALL)
    return folder


async def run(*command: str, cwd: Path, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(WEB.parent), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return out.decode()


async def copied(module: Path, node: str, event: dict[str, Any], origin: str = "") -> dict[str, str]:
    found = await run(node, "call.mjs", json.dumps(event), origin, cwd=module)
    return dict(json.loads(found))


async def execute(language: str, code: str, cwd: Path, node: str, **environment: str) -> str:
    match language:
        case "curl":
            return await run("sh", "-c", code, cwd=cwd, **environment)
        case "Python":
            return await run(sys.executable, "-c", code, cwd=cwd, **environment)
        case _:
            (cwd / "copied.mjs").write_text(code)
            return await run(node, "copied.mjs", cwd=cwd, **environment)


@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
async def test_upstream_request_is_sent_as_it_was_with_a_signature_of_the_environment(
    module: Path, node: str, seen: Seen, tmp_path: Path, language: str
) -> None:
    if language == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl")
    # Header values are Latin-1 for fetch.
    user = HOSTILE.replace("é", "e")
    event = {
        "kind": "upstream_request",
        "url": f"{seen.url}/events",
        "headers": {
            "X-ASRS-User-Id": user,
            "X-ASRS-Client-Query": "?secret",
            "Content-Type": "application/json",
        },
        "body": BODY,
    }
    code = (await copied(module, node, event))[language]
    assert "secret" not in code
    assert "taken" in await execute(language, code, tmp_path, node, SIGNATURE="sha256=abc")
    ((method, path, headers, body),) = seen.requests
    assert (method, path, body) == ("POST", "/events", BODY)
    assert headers["x-asrs-user-id"] == user
    assert headers["x-asrs-signature"] == "sha256=abc"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("language", ["curl", "JavaScript"])
async def test_request_of_the_rest_api_is_sent_with_a_token_of_the_environment(
    module: Path, node: str, seen: Seen, tmp_path: Path, language: str
) -> None:
    if language == "curl" and shutil.which("curl") is None:
        pytest.skip("there is no curl")
    event = {"kind": "service_request", "method": "POST", "path": "/api/hubs/chat/:send", "body": BODY}
    code = (await copied(module, node, event, seen.url))[language]
    await execute(language, code, tmp_path, node, TOKEN="a.b.c")
    ((method, path, headers, body),) = seen.requests
    assert (method, path.partition("?")[0], body) == ("POST", "/api/hubs/chat/:send", BODY)
    assert headers["authorization"] == "Bearer a.b.c"


async def test_message_is_sent_again_in_python_by_the_library(
    module: Path, node: str, tmp_path: Path
) -> None:
    app = FunctionApp()

    @app.signalr_trigger(hub="chat")
    async def say(text: str) -> None: ...

    event = {
        "kind": "service_request",
        "hub": "chat",
        "target": "m",
        "reached": 1,
        "names": {"user": "ann"},
        "body": BODY,
    }
    code = (await copied(module, node, event))["Python"]
    async with SignalRTest(app) as env:
        ann = await env.connect(user="ann")
        await execute("Python", code, tmp_path, node, AzureSignalRConnectionString=env.connection_string)
        assert list((await ann.expect("m")).arguments) == json.loads(BODY)["arguments"]
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("Python", ["say", HOSTILE, 1.5, None, True, {"x": ["y"]}]),
        ("JavaScript", ["say", HOSTILE, 1.5, None, True, {"x": ["y"]}]),
    ],
)
async def test_call_is_made_again_with_the_same_values(
    module: Path, node: str, tmp_path: Path, language: str, expected: list[object]
) -> None:
    event = {"kind": "client_called", "target": "say", "invocation_id": "1", "user_id": "ann", "body": BODY}
    code = (await copied(module, node, event))[language]
    # What is called is replaced by something that tells its arguments.
    if language == "Python":
        call = code[code.index("client.invoke(") :].replace("client.invoke", "show")
        code = f"import json\nshow = lambda *values: print(json.dumps(values))\n{call}"
    else:
        show = "async (...values) => console.log(JSON.stringify(values))"
        code = f"const connection = {{ invoke: {show} }};\n{code}"
    assert json.loads(await execute(language, code, tmp_path, node)) == expected
    assert not (tmp_path / "pwned").exists()
