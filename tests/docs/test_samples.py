"""Samples of the pages that have no test of their own: they run, against real apps."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from tests.docs.pages import ROOT, Block, Page

MODULES = ROOT / "web" / "node_modules"
CLIENT = MODULES / "@microsoft" / "signalr" / "dist" / "cjs" / "index.js"

in_one_loop = pytest.mark.asyncio(loop_scope="module")


def block(path: str, language: str, beginning: str = "") -> Block:
    [found] = [
        block
        for block in Page(path).blocks
        if block.language == language and block.text.startswith(beginning)
    ]
    return found


async def run_in_node(tmp_path: Path, code: str, wanted: str) -> str:
    """Run a page's script, which has the client in ``signalR``, until it has printed something."""
    script = tmp_path / "page.cjs"
    script.write_text(
        f"const signalR = require({json.dumps(str(CLIENT))});\n(async () => {{\n{code}\n}})();\n",
        encoding="utf-8",
    )
    node = await asyncio.create_subprocess_exec(
        "node", str(script), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert node.stdout is not None
    printed = ""
    async with asyncio.timeout(60):
        while wanted not in printed:
            line = await node.stdout.readline()
            assert line, printed
            printed += line.decode()
    node.terminate()
    await node.communicate()
    return printed


def example(name: str) -> dict[str, str]:
    folder = ROOT / "examples" / name
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}


@in_one_loop
async def test_hub_of_the_librarys_readme_keeps_roles_and_groups(start_app: Any) -> None:
    app = await start_app({"function_app.py": block("serverless_signalr/README.md", "python").text})
    ann, moderator = await app.connect("user=ann"), await app.connect("user=joy&role=moderator")
    await ann.invoke("join", "friends")
    await moderator.invoke("sendToGroup", "friends", "hello")
    assert await ann.next() == ("newMessage", ["joy", "hello"])
    assert "requires the role moderator" in await ann.refusal("closeGroup", "friends")
    await moderator.invoke("closeGroup", "friends")


@in_one_loop
async def test_page_of_the_reference_desk_asks_and_is_answered(start_app: Any, tmp_path: Path) -> None:
    app = await start_app(example("reference_desk"))
    code = block("examples/README.md", "js").text.replace("http://localhost:7071/api", app.api)
    assert "separator" in await run_in_node(tmp_path, code, "done")


@in_one_loop
async def test_client_of_the_guide_is_told_of_its_order(start_app: Any, guide: Any, tmp_path: Path) -> None:
    app = await start_app(guide.sections[1].files)
    code = block("docs/guide.md", "js").text.replace('"/api"', json.dumps(app.api))
    assert "soup" in await run_in_node(tmp_path, code, "bread")


@pytest_asyncio.fixture(loop_scope="module")
async def dev_server(tmp_path: Path) -> AsyncIterator[Any]:
    """Return what serves as Vite does: it passes requests on whose path begins as the configuration says."""
    configuration = block("docs/troubleshooting.md", "js", "// vite.config.js")
    configuration.write(tmp_path)
    show = "import('./vite.config.js').then((it) => console.log(JSON.stringify(it.default)))"
    node = await asyncio.create_subprocess_exec("node", "-e", show, cwd=tmp_path, stdout=subprocess.PIPE)
    printed, _ = await node.communicate()
    rules: dict[str, str] = json.loads(printed)["server"]["proxy"]
    runners: list[web.AppRunner] = []

    async def serve(address: str) -> str:
        async def pass_on(request: web.Request) -> web.Response:
            found = [target for path, target in rules.items() if request.path.startswith(path)]
            if not found:
                raise web.HTTPNotFound
            url = found[0].replace("http://localhost:7071", address) + request.path_qs
            async with (
                aiohttp.ClientSession() as session,
                session.request(request.method, url, data=await request.read()) as response,
            ):
                return web.Response(status=response.status, body=await response.read())

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", pass_on)
        runners.append(web.AppRunner(app))
        await runners[0].setup()
        await web.TCPSite(runners[0], "127.0.0.1", 0).start()
        port: int = runners[0].addresses[0][1]
        return f"http://127.0.0.1:{port}"

    yield serve
    await runners[0].cleanup()


@in_one_loop
async def test_page_of_a_dev_server_connects_past_its_proxy(
    start_app: Any, guide: Any, dev_server: Any, tmp_path: Path
) -> None:
    app = await start_app(guide.sections[1].files)
    address = await dev_server(app.api.removesuffix("/api"))
    code = block("docs/guide.md", "js").text.replace('"/api"', json.dumps(f"{address}/api"))
    assert "soup" in await run_in_node(tmp_path, code, "bread")


def test_readers_of_answers_are_of_the_right_types(tmp_path: Path) -> None:
    declared = (
        f'import {{ Answers }} from "{ROOT / "web" / "src" / "answers.js"}";\n'
        'import { HubConnectionBuilder } from "@microsoft/signalr";\n'
        "declare function show(text: string): void;\n"
        "declare function replace(text: string | null | undefined): void;\n"
    )
    (tmp_path / "page.mts").write_text(declared + block("docs/answers.md", "ts").text, encoding="utf-8")
    (tmp_path / "node_modules").symlink_to(MODULES)
    done = subprocess.run(
        [
            *("node", str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit", "--strict", "--skipLibCheck"),
            *("--target", "ES2022", "--lib", "ES2022,DOM", "--module", "NodeNext", "page.mts"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
