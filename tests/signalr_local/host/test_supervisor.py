"""The supervisor: whatever happens to the app's files or to its worker, the next good one is served."""

import asyncio
import itertools
import os
import re
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from signalr_local.host import supervisor, watcher, worker
from signalr_local.host.failures import AppError, WorkerDiedError, describe_error
from signalr_local.host.options import HostOptions

pytestmark = pytest.mark.asyncio(loop_scope="module")

type StartHost = Callable[..., Coroutine[Any, Any, Any]]

HEAD = """
import os
import time

import azure.functions as func

app = func.FunctionApp()

@app.route()
def pid(req: func.HttpRequest) -> str:
    return str(os.getpid())
"""

HANGING = f"{HEAD}\nprint('hanging')\nwhile True:\n    pass\n"

SLEEPY = f"{HEAD}\nprint('hanging')\ntime.sleep(600)\n"

MORTAL = """
mortal = os.path.exists("mortal")
if mortal:
    os.remove("mortal")
print("loading", os.getpid())
if mortal:
    time.sleep(600)
"""

WAITING = """
@app.route()
def forever(req: func.HttpRequest) -> str:
    print("forever")
    time.sleep(600)

@app.route()
def linger(req: func.HttpRequest) -> str:
    time.sleep(2)
    return "lingered"

@app.route()
def wait(req: func.HttpRequest) -> str:
    print("waiting")
    while not os.path.exists("go"):
        time.sleep(0.01)
    return "went"
"""


def saying(word: str) -> str:
    """Return an app whose one function says a word."""
    return f'{HEAD}\n@app.route()\ndef say(req: func.HttpRequest) -> str:\n    return "{word}"\n'


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say soon where an import is."""
    monkeypatch.setattr(worker, "_PATIENCE", 1.0)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker that ended be replaced without delay."""
    monkeypatch.setattr(supervisor, "_PAUSES", (0.0,))


@pytest.fixture
def long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing but an edit bring about another attempt."""
    monkeypatch.setattr(supervisor, "_PAUSES", (0.0, 600.0))


def kill(record: Any) -> None:
    """Kill the process that a record names, as the system does for want of memory."""
    os.kill(int(record.getMessage().split()[-1]), signal.SIGKILL)


# Imports that take long, or for ever.


@pytest.mark.parametrize("source", [HANGING, SLEEPY], ids=["busy", "asleep"])
async def test_an_import_that_hangs_is_ended_by_the_next_edit(
    start_host: StartHost, log: Any, source: str
) -> None:
    app = await start_host(saying("one"))
    app.write("function_app.py", source)
    await log.wait_for("^hanging$")
    assert (await app.get("/api/say")).text == "one"
    app.write("function_app.py", saying("two"))
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"


async def test_an_import_that_hangs_is_told_with_its_line(
    start_host: StartHost, log: Any, impatient: None
) -> None:
    app = await start_host(saying("one"))
    app.write("part.py", "import time\n\n\ntime.sleep(600)\n")
    app.write("function_app.py", saying("two") + "import part\n")
    record = await log.wait_for("still being imported")
    assert record.levelname == "WARNING"
    assert "it is at part.py, line 4" in record.getMessage()
    assert "the app answers as it was before" in record.getMessage()
    assert (await app.get("/api/say")).text == "one"


async def test_an_import_that_hangs_after_a_crash_is_no_riddle_to_callers(
    start_host: StartHost, log: Any, no_pause: None, impatient: None
) -> None:
    app = await start_host(HEAD + "\nif os.path.exists('hang'):\n    time.sleep(600)\n")
    app.write("hang", "")
    os.kill(int((await app.get("/api/pid")).text), signal.SIGKILL)
    await log.wait_for("still being imported")
    reply = await app.get("/api/pid")
    assert reply.status == 503
    assert "function_app.py, line 14" in reply.json()["detail"]


async def test_an_import_that_hangs_at_the_first_start_may_be_edited(
    start_host: StartHost, log: Any, impatient: None
) -> None:
    starting = asyncio.create_task(start_host(HANGING))
    record = await log.wait_for("still being imported")
    assert re.search(r"function_app.py, line 1[45]\.", record.getMessage())
    folder = next(iter(start_host.started)).app  # type: ignore[attr-defined]
    (folder / "new.py").write_text(saying("two"))
    (folder / "new.py").replace(folder / "function_app.py")
    assert (await (await starting).get("/api/say")).text == "two"


# Workers that end.


async def test_a_worker_that_is_killed_while_it_loads_is_started_again(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(HEAD + MORTAL)
    first = await log.wait_for(r"^loading \d+$")
    app.write("mortal", "")
    kill(first)
    kill(await log.wait_for(r"^loading \d+$"))
    record = await log.wait_for("while it loaded the app")
    assert "the worker process ended by SIGKILL, from outside or for want of memory" in record.getMessage()
    assert "Another attempt follows" in record.getMessage()
    assert (await app.get("/api/pid")).status == 200


async def test_a_worker_that_is_killed_at_the_first_start_is_started_again(
    start_host: StartHost, log: Any
) -> None:
    starting = asyncio.create_task(start_host(HEAD + "\nprint('loading', os.getpid())\ntime.sleep(1)\n"))
    kill(await log.wait_for(r"^loading \d+$"))
    assert (await (await starting).get("/api/pid")).status == 200


async def test_a_worker_that_is_killed_again_and_again_ends_the_first_start(
    start_host: StartHost, log: Any, no_pause: None
) -> None:
    with pytest.raises(WorkerDiedError, match="ended by SIGSEGV while it loaded"):
        await start_host("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    assert log.text.count("Another attempt follows") == supervisor._FIRST_DEATHS - 1


async def test_a_crash_while_the_app_is_imported_shows_its_line(
    start_host: StartHost, no_pause: None
) -> None:
    with pytest.raises(AppError) as raised:
        await start_host("import os\nimport signal\n\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    text = describe_error(raised.value)
    assert text.startswith("Fatal Python error: Segmentation fault\n")
    assert 'function_app.py", line 4' in text


async def test_an_app_that_dies_at_every_attempt_is_answered_with_503_until_it_is_edited(
    start_host: StartHost, log: Any, long_pause: None
) -> None:
    app = await start_host(saying("one"))
    app.write("function_app.py", "import os\nos._exit(3)\n")
    await log.wait_for("requests get 503 until then")
    reply = await app.get("/api/say")
    assert reply.status == 503
    assert "the worker process ended with exit code 3 while it loaded the app" in reply.json()["detail"]
    app.write("function_app.py", saying("two"))
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"


@pytest.mark.parametrize("deaths", [1, 3, 100])
async def test_pauses_grow_and_end_somewhere(deaths: int) -> None:
    pauses = supervisor._PAUSES
    assert sorted(pauses) == list(pauses)
    assert pauses[0] == 0.0
    assert pauses[min(deaths, len(pauses) - 1)] <= 30.0


async def test_a_function_that_runs_too_long_takes_no_other_request_along(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(HEAD + WAITING, host_json={"functionTimeout": "00:00:03"})
    pid = (await app.get("/api/pid")).text
    forever = asyncio.create_task(app.get("/api/forever"))
    await log.wait_for("^forever$")
    assert (await app.get("/api/linger")).text == "lingered"
    waiting = asyncio.create_task(app.get("/api/wait"))
    await log.wait_for("^waiting$")
    assert (await forever).status == 500
    new = await app.get("/api/pid")
    assert new.status == 200
    assert new.text != pid
    app.write("go", "")
    reply = await waiting
    assert (reply.status, reply.text) == (200, "went")
    assert "ended because forever ran longer than 00:00:03" in log.text
    log.find(
        "FunctionTimeoutException: Timeout value of 00:00:03 was exceeded by function: Functions.forever$"
    )


async def test_a_function_that_is_ended_with_another_one_is_told_why(
    start_host: StartHost, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalr_local.host.supervisor._GRACE", 0.1)
    app = await start_host(HEAD + WAITING, host_json={"functionTimeout": "00:00:03"})
    forever = asyncio.create_task(app.get("/api/forever"))
    await log.wait_for("^forever$")
    assert (await app.get("/api/linger")).text == "lingered"
    assert (await app.get("/api/wait")).status == 500
    assert (await forever).status == 500
    log.find("WorkerProcessExit: the worker process ended because forever ran longer than 00:00:03")


async def test_a_request_that_reached_no_function_is_done_by_the_next_worker(
    start_host: StartHost, log: Any, no_pause: None
) -> None:
    app = await start_host(HEAD)
    pid = int((await app.get("/api/pid")).text)
    # What is sent to a process that is stopped waits in its pipe, and is lost with it.
    os.kill(pid, signal.SIGSTOP)
    asking = asyncio.create_task(app.get("/api/pid"))
    await log.wait_for("Executing 'Functions.pid'")
    await log.wait_for("Executing 'Functions.pid'")
    os.kill(pid, signal.SIGKILL)
    reply = await asking
    assert reply.status == 200
    assert int(reply.text) != pid


# The watcher.


async def test_without_a_watcher_of_the_system_the_app_is_loaded_again_all_the_same(
    start_host: StartHost, log: Any, no_pause: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*folders: str, **options: object) -> None:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles.awatch", refuse)
    app = await start_host(saying("one"))
    await log.wait_for("OS file watch limit reached")
    app.write("function_app.py", saying("two"))
    await log.wait_for("The app is loaded again")
    pid = int((await app.get("/api/pid")).text)
    os.kill(pid, signal.SIGKILL)
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"


async def test_a_watcher_that_fails_altogether_hinders_neither_crashes_nor_the_end(
    start_host: StartHost, log: Any, no_pause: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object) -> Any:
        raise RuntimeError("no watcher")

    monkeypatch.setattr(watcher.Watcher, "changes", refuse)
    app = await start_host(saying("one"))
    await log.wait_for("could not be watched")
    os.kill(int((await app.get("/api/pid")).text), signal.SIGKILL)
    assert (await app.get("/api/say")).text == "one"
    await app.host.stop()


async def test_an_app_whose_main_module_is_renamed_is_told_so(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    (app.folder / "function_app.py").rename(app.folder / "renamed.py")
    await log.wait_for("requests get 503 until then")
    assert f"There is no function_app.py in {app.folder}" in (await app.get("/api/say")).json()["detail"]
    (app.folder / "renamed.py").rename(app.folder / "function_app.py")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "one"


async def test_a_fault_after_a_load_is_logged_and_mended_by_the_next_edit(
    start_host: StartHost, log: Any
) -> None:
    faults = [RuntimeError("a fault of a listener")]

    def listen(_: Any, before: Any, __: float) -> None:
        if before is not None and faults:
            raise faults.pop()

    app = await start_host(saying("one"), options=HostOptions(on_loaded=listen))
    app.write("function_app.py", saying("two"))
    record = await log.wait_for("^The app could not be loaded.")
    assert record.exc_info
    await log.wait_for("requests get 503 until then")
    assert (await app.get("/api/say")).status == 503
    app.write("function_app.py", saying("three"))
    await log.wait_for("^The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


async def test_many_changes_are_told_in_few_words(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    for number in range(8):
        app.write(f"part/module{number}.py", "")
    record = await log.wait_for("^Changed")
    assert len(record.getMessage()) < 200
    await log.wait_for("The app is loaded again")


async def test_changes_without_a_pause_do_not_keep_the_app_from_being_loaded(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(saying("one"))

    async def save_all_the_time() -> None:
        for number in itertools.count():
            # It takes longer than changes are collected: each load meets the next change.
            app.write("new", f"{saying('two')}\ntime.sleep(0.6)\n# {number}\n")
            (app.folder / "new").replace(app.folder / "function_app.py")
            await asyncio.sleep(0.02)

    saving = asyncio.create_task(save_all_the_time())
    try:
        await log.wait_for("The app is loaded again")
    finally:
        saving.cancel()
    assert (await app.get("/api/say")).text == "two"


async def test_an_app_that_writes_its_own_modules_is_told_so(start_host: StartHost, log: Any) -> None:
    own = "from pathlib import Path\nPath(__file__).with_name('made.py').write_text(str(time.time()))\n"
    app = await start_host(saying("one") + own)
    record = await log.wait_for("changes again and again")
    assert record.getMessage().startswith("made.py changes again and again. If the app writes it")
    app.write("function_app.py", saying("two"))
    await log.wait_for("^Changed: function_app.py")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"
