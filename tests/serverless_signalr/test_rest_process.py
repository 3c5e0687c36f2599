"""What the client leaves behind: nothing that is imported for nobody, and nothing open at the end."""

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

PATIENCE = 60.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""

ROOT = Path(__file__).parents[2]
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
LATE = {"aiohttp", "azure.core", "azure.identity", "jwt", "msgpack", "msgspec"}


@pytest.mark.parametrize(
    "module",
    [
        "serverless_signalr.rest",
        "serverless_signalr._rest.operations",
        "serverless_signalr._connection.settings",
    ],
)
def test_import_leaves_the_rest_to_the_call_that_needs_it(module: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules, sep='\\n')"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(shown.stdout.split()) & LATE == set()


def test_client_is_made_without_what_its_requests_need() -> None:
    script = (
        "import sys; from serverless_signalr.rest import ServiceClient;"
        "ServiceClient('Endpoint=https://h;AccessKey=k;', 'chat'); print(*sys.modules, sep='\\n')"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert set(shown.stdout.split()) & LATE == set()


@pytest.fixture
async def connection_string() -> AsyncIterator[str]:
    """Run a service that accepts everything."""

    async def accept(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=202)

    runner = web.ServerRunner(web.Server(accept, access_log=None), shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"Endpoint=http://127.0.0.1:{runner.addresses[0][1]};AccessKey={KEY};"
    await runner.cleanup()


async def run(connection_string: str, body: str, *options: str) -> tuple[str, str]:
    """Run a script in which ``client`` is a client, and return what it printed and what it complained of."""
    head = f"""
        import asyncio, os, threading
        from serverless_signalr._rest.background import run_sync
        from serverless_signalr.rest import ServiceClient
        client = ServiceClient({connection_string!r}, "chat")
    """
    script = textwrap.dedent(head) + textwrap.dedent(body)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *options, "-c", script),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            output, complaints = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return output.decode(), complaints.decode()


STRICT = ("-W", "error")


@pytest.mark.parametrize(
    "body",
    [
        'asyncio.run(client.send_to_all("m"))',
        'run_sync(client.send_to_all("m"))',
        'asyncio.run(client.send_to_all("m")); run_sync(client.send_to_all("m"))',
        """
        async def main():
            async with client:
                await client.send_to_all("m")
        asyncio.run(main())
        """,
        """
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.send_to_all("m"))
        """,
        """
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(client.send_to_all("m"), loop).result()
        """,
    ],
    ids=["asyncio.run", "run_sync", "both", "async with", "loop that rests", "loop in a thread"],
)
async def test_process_ends_without_a_complaint(connection_string: str, body: str) -> None:
    # A loop that nobody closes warns itself; what is ours must not.
    options = () if "new_event_loop" in body else STRICT
    assert await run(connection_string, f"{textwrap.dedent(body)}\nprint('done')", *options) == ("done\n", "")


async def test_loop_that_was_closed_without_its_generators_is_forgotten(connection_string: str) -> None:
    body = """
    for _ in range(3):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.send_to_all("m"))
        loop.close()
    from serverless_signalr._rest import pool
    print(len(pool._pools))
    """
    assert await run(connection_string, body) == ("1\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
async def test_forked_process_has_a_loop_of_its_own(connection_string: str) -> None:
    body = """
    run_sync(client.send_to_all("m"))
    if (child := os.fork()) == 0:
        run_sync(client.send_to_all("m"))
        os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    output, _ = await run(connection_string, body)
    assert output == "7\n"
