"""The processes of a worker: all of them end with it, and with the host, however that ends."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from signalr_local.host.processes import describe_exit

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Awaitable[Any]]

PATIENCE = 60.0

PARENT = """
import multiprocessing
import os
import re
import subprocess
import threading
import time

import azure.functions as func

app = func.FunctionApp()

KINDS = {
    "plain": {},
    "own-group": {"process_group": 0},
    "stubborn": {"command": "trap '' TERM; while :; do sleep 1; done"},
}

@app.route(route="child/{kind}")
def child(req: func.HttpRequest) -> str:
    options = dict(KINDS[req.route_params["kind"]])
    command = options.pop("command", "sleep 600")
    return str(subprocess.Popen(["sh", "-c", command], **options).pid)

@app.route()
def fork(req: func.HttpRequest) -> str:
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    process.start()
    return str(process.pid)

@app.route()
async def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())

@app.route()
def hold_the_interpreter(req: func.HttpRequest) -> str:
    print("holding", flush=True)
    re.match(r"(a+)+$", "a" * 60 + "b")
"""

HOST = """
import asyncio, sys
from pathlib import Path
from signalr_local.host.host import FunctionsHost

async def main():
    host = FunctionsHost(Path(sys.argv[1]))
    host.bind(port=0)
    await host.start()
    print(host.port, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(PATIENCE):
        while is_alive(pid):  # noqa: ASYNC110 - nothing tells of somebody else's end
            await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    # Where nobody asks for its end, a process that has ended is still listed.
    return state != "Z"


@pytest.mark.parametrize("kind", ["child/plain", "child/own-group", "child/stubborn", "fork"])
async def test_stop_ends_what_a_function_started_and_does_not_wait_for_it(
    start_host: StartHost, kind: str
) -> None:
    app = await start_host(PARENT)
    child = int((await app.get(f"/api/{kind}")).text)
    assert is_alive(child)
    async with asyncio.timeout(PATIENCE):
        await app.host.stop()
    await gone(child)


@pytest.mark.parametrize("kind", ["child/plain", "fork"])
async def test_a_worker_that_dies_is_replaced_and_its_children_end(
    start_host: StartHost, log: Any, kind: str
) -> None:
    app = await start_host(PARENT)
    child = int((await app.get(f"/api/{kind}")).text)
    worker = int((await app.get("/api/pid")).text)
    os.kill(worker, signal.SIGKILL)
    assert int((await app.get("/api/pid")).text) != worker
    await gone(child)


async def test_a_change_ends_what_the_old_app_started(start_host: StartHost, log: Any) -> None:
    app = await start_host(PARENT)
    child = int((await app.get("/api/child/plain")).text)
    app.write("function_app.py", PARENT + "\n")
    await log.wait_for("The app is loaded again")
    await gone(child)


@pytest.mark.parametrize("kind", ["plain", "own-group", "stubborn"])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "interpreter-held"])
async def test_nothing_outlives_a_host_that_is_killed(tmp_path: Path, busy: bool, kind: str) -> None:
    import aiohttp

    (tmp_path / "function_app.py").write_text(PARENT)
    host = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOST, str(tmp_path)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert host.stdout is not None
    port = int(await asyncio.wait_for(host.stdout.readline(), PATIENCE))
    url = f"http://127.0.0.1:{port}/api"
    pids: list[int] = []
    try:
        async with aiohttp.ClientSession() as session:

            async def get(path: str) -> str:
                async with session.get(f"{url}/{path}") as response:
                    return await response.text()

            pids += [int(await get("pid")), int(await get(f"child/{kind}"))]
            holding = asyncio.create_task(get("hold_the_interpreter")) if busy else None
            if holding is not None:
                await stuck(pids[0])
            host.kill()
            await host.wait()
            for pid in pids:
                await gone(pid)
            if holding is not None:
                with suppress(aiohttp.ClientError):
                    await holding
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            host.kill()


async def stuck(pid: int) -> None:
    """Wait until a process has used the processor for a while."""

    def used() -> int:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    start = used()
    async with asyncio.timeout(PATIENCE):
        while used() < start + 20:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("code", "out_of_memory", "text"),
    [
        (0, False, "with exit code 0"),
        (3, False, "with exit code 3"),
        (-signal.SIGSEGV, False, "by SIGSEGV"),
        (-signal.SIGTERM, True, "by SIGTERM"),
        (-signal.SIGKILL, False, "by SIGKILL, from outside or for want of memory"),
        (-signal.SIGKILL, True, "by SIGKILL: the system had run out of memory"),
        (-250, False, "by signal 250"),
    ],
)
async def test_the_end_of_a_process_is_described(code: int, out_of_memory: bool, text: str) -> None:
    assert describe_exit(code, out_of_memory=out_of_memory) == text
