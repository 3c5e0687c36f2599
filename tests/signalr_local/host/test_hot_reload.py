"""What happens when an app's files change while the host runs."""

import asyncio
import json
from typing import Any

import pytest

from tests.signalr_local.host.test_host import HEAD, PID, SENDING, WAITING, StartHost, gate, is_alive, saying

__all__ = ["gate"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_edited_module_is_loaded(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    assert (await app.get("/api/say")).text == "one"
    app.write("function_app.py", saying("two"))
    await log.wait_for("^Changed: function_app.py.$")
    await log.wait_for(r"^The app is loaded again: 1 functions, \d+ ms.$")
    assert (await app.get("/api/say")).text == "two"


async def test_an_edited_module_in_a_folder_is_loaded(start_host: StartHost, log: Any) -> None:
    source = saying("").replace('""', "words.one.WORD").replace("import os", "import words.one")
    app = await start_host({"function_app.py": source, "words/one.py": "WORD = 'one'"})
    assert (await app.get("/api/say")).text == "one"
    app.write("words/one.py", "WORD = 'two'")
    await log.wait_for("^Changed: words/one.py.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"


@pytest.mark.parametrize("names", [["words"], ["words", "words/of", "words/of/mine"]], ids=["one", "deep"])
async def test_a_module_in_a_new_folder_is_loaded(start_host: StartHost, log: Any, names: list[str]) -> None:
    module = f"{names[-1]}/one".replace("/", ".")
    app = await start_host(saying("one"))
    app.write(
        "function_app.py", saying("").replace('""', "WORD").replace("import os", f"from {module} import WORD")
    )
    await log.wait_for("requests get 503 until then")
    app.write(f"{names[-1]}/one.py", "WORD = 'two'")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"
    app.write(f"{names[-1]}/one.py", "WORD = 'three'")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


async def test_a_folder_that_is_renamed_is_noticed(start_host: StartHost, log: Any) -> None:
    source = saying("").replace('""', "WORD").replace("import os", "from words.one import WORD")
    app = await start_host(
        {"function_app.py": source, "other/one.py": "WORD = 'two'", "words/one.py": "WORD = 'one'"}
    )
    (app.folder / "words").rename(app.folder / "old")
    (app.folder / "other").rename(app.folder / "words")
    app.write("function_app.py", source + "\n")
    await log.wait_for("^Changed: .*function_app.py")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"
    app.write("words/one.py", "WORD = 'three'")
    await log.wait_for("^Changed: words/one.py.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


async def test_other_files_change_nothing(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    app.write("notes.txt", "notes")
    app.write("__pycache__/function_app.py", "")
    app.write(".git/hook.py", "")
    app.write("function_app.py", saying("two"))
    await log.wait_for("^Changed: function_app.py.$")
    await log.wait_for("The app is loaded again")


async def test_a_change_during_a_load_is_loaded_too(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    app.write("function_app.py", saying("two"))
    await log.wait_for("^Changed: function_app.py.$")
    app.write("function_app.py", saying("three"))
    await log.wait_for("^Changed: function_app.py.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


async def test_an_edit_that_breaks_the_app_is_answered_with_its_reason_until_it_is_mended(
    start_host: StartHost, log: Any
) -> None:
    app = await start_host(saying("one"))
    app.write("function_app.py", saying("two") + "raise LookupError('my own mistake')\n")
    record = await log.wait_for("requests get 503 until then")
    assert record.levelname == "ERROR"
    assert "Traceback (most recent call last)" in record.getMessage()
    for path in ("/api/say", "/", "/runtime/webhooks/signalr"):
        reply = await app.get(path)
        assert reply.status == 503
        assert reply.headers["Content-Type"].startswith("application/problem+json")
        assert reply.json()["detail"] == (
            "The app could not be loaded: LookupError: my own mistake (function_app.py, line 11). "
            "The traceback is in the log of the local runtime."
        )
    assert (await app.get("/admin/host/ping")).status == 200
    status = (await app.get("/admin/host/status")).json()
    assert status["state"] == "Error"
    [told] = status["errors"]
    assert "my own mistake" in told
    # A client may not be the developer: it learns what is wrong, and no traceback.
    assert "Traceback" not in told
    assert 'File "' not in told
    assert (await app.get("/admin/functions")).status == 404
    app.write("function_app.py", saying("three"))
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "three"


@pytest.mark.parametrize(
    ("name", "broken", "reason"),
    [
        ("local.settings.json", "{", "local.settings.json is not valid JSON"),
        ("local.settings.json", '{"Values": 1}', "local.settings.json must hold an object as Values"),
        ("host.json", "[]", "host.json must hold a JSON object"),
        ("function_app.py", "import os\nos._exit(1)", "the worker process ended with exit code 1"),
    ],
)
async def test_files_that_are_broken_are_named_until_they_are_mended(
    start_host: StartHost, log: Any, name: str, broken: str, reason: str
) -> None:
    app = await start_host(saying("one"), host_json={})
    mended = (app.folder / name).read_text()
    app.write(name, broken)
    await log.wait_for("requests get 503 until then")
    reply = await app.get("/api/say")
    assert reply.status == 503
    assert reason in reply.text
    app.write(name, mended)
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "one"


async def test_a_file_that_cannot_be_read_is_named_until_it_can(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    (app.folder / "host.json").mkdir()
    await log.wait_for("requests get 503 until then")
    assert "host.json" in (await app.get("/api/say")).text
    (app.folder / "host.json").rmdir()
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "one"


async def test_a_request_in_flight_is_answered_by_the_app_that_took_it(
    start_host: StartHost, log: Any, gate: Any
) -> None:
    app = await start_host(WAITING + PID)
    pid = int((await app.get("/api/pid")).text)
    waiting = asyncio.create_task(app.get(f"/api/wait/{gate.port}"))
    say = await gate.waiting()
    app.write("function_app.py", saying("new"))
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "new"
    assert is_alive(pid)
    say("old")
    assert (await waiting).text == "old"


async def test_a_message_under_way_goes_out_while_the_app_is_loaded_anew(
    start_host: StartHost, service: Any, signalr_settings: dict[str, str], log: Any
) -> None:
    app = await start_host(HEAD + PID + SENDING, settings=signalr_settings)
    service.gate.clear()
    sending = asyncio.create_task(app.get("/api/send"))
    await log.wait_for("Executing 'Functions.send'")
    app.write("function_app.py", HEAD + PID)
    await log.wait_for("The app is loaded again")
    await log.wait_for("Functions still ran after 2 seconds")
    assert (await app.get("/api/pid")).status == 200
    service.gate.set()
    reply = await sending
    assert (reply.status, reply.text) == (200, "sent")


async def test_settings_are_taken_up(start_host: StartHost, log: Any) -> None:
    source = saying("").replace('""', "os.environ['WORD']")
    app = await start_host(source, settings={"WORD": "one"})
    assert (await app.get("/api/say")).text == "one"
    app.write("local.settings.json", json.dumps({"Values": {"WORD": "two"}}))
    await log.wait_for("^Changed: local.settings.json.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/api/say")).text == "two"


async def test_host_json_is_taken_up(start_host: StartHost, log: Any) -> None:
    app = await start_host(saying("one"))
    app.write("host.json", json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": "v2"}}}))
    await log.wait_for("^Changed: host.json.$")
    await log.wait_for("The app is loaded again")
    assert (await app.get("/v2/say")).text == "one"
    assert (await app.get("/api/say")).status == 404
