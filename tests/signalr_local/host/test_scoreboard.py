"""The scoreboard: what a worker notes is read by the host, even after the worker's death."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from signalr_local.host.failures import Place
from signalr_local.host.scoreboard import ScoreboardFile, blocking_place, fatal_place, places_in
from signalr_local.worker import scoreboard

WORKER = """
import runpy, sys, os, signal
board = runpy.run_path(sys.argv[1])["Scoreboard"](int(sys.argv[2]))
"""


@pytest.fixture
def file() -> Iterator[ScoreboardFile]:
    file = ScoreboardFile()
    yield file
    file.close()


def run(file: ScoreboardFile, source: str) -> None:
    """Run a worker to its end."""
    subprocess.run(
        [sys.executable, "-c", WORKER + source, str(scoreboard.__file__), file.name],
        pass_fds=file.inherited,
        check=False,
        timeout=60,
    )


def test_a_new_one_is_empty(file: ScoreboardFile) -> None:
    assert (file.started, file.places) == (0, "")


def test_a_worker_that_was_killed_has_counted(file: ScoreboardFile) -> None:
    run(file, "for _ in range(3): board.count()\nos.kill(os.getpid(), signal.SIGKILL)")
    assert file.started == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need a disk")
def test_it_needs_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/no such folder")
    file = ScoreboardFile()
    run(file, "board.count()")
    assert file.started == 1
    file.close()


def test_a_crash_leaves_its_places(file: ScoreboardFile) -> None:
    run(file, "board.count()\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert file.places.startswith("Fatal Python error: Segmentation fault\n")
    assert file.started == 1


def test_a_worker_that_hangs_leaves_its_places(file: ScoreboardFile) -> None:
    run(file, "board.watch(0.1)\nwhile b'<module>\\n' not in os.pread(int(sys.argv[2]), 65536, 4096): pass")
    assert file.places.startswith("Timeout (0:00:00.100000)!\n")


def test_one_that_is_closed_is_empty() -> None:
    file = ScoreboardFile()
    file.close()
    assert (file.started, file.places) == (0, "")


TEXT = """Timeout (0:00:05)!
Thread 0x00007f0000000001 (most recent call first):
  File "/app/other.py", line 1 in run
Thread 0x00007f0000000002 (most recent call first):
  File "/usr/lib/python3.13/socket.py", line 9 in connect
  File "/app/.venv/lib/python3.13/site-packages/x.py", line 8 in x
  File "/app/parts/one.py", line 7 in <module>
  File "/app/function_app.py", line 6 in <module>
  File "/apple/start.py", line 5 in main
"""


def test_the_app_s_lines_of_the_main_thread_are_found() -> None:
    assert places_in(Path("/app"), TEXT) == [
        Place("/app/parts/one.py", 7),
        Place("/app/function_app.py", 6),
    ]


THREADS = """\
Timeout (0:00:05)!
Thread 0x00007f (most recent call first):
  File "/app/function_app.py", line 7 in busy
  File "/usr/lib/python3.13/threading.py", line 994 in run

Thread 0x00008f (most recent call first):
  File "/usr/lib/python3.13/asyncio/base_events.py", line 712 in run_until_complete
{}
"""


@pytest.mark.parametrize(
    ("main", "line"), [('  File "/app/part.py", line 3 in block', 3), ("", 7)], ids=["main", "another"]
)
def test_the_main_thread_counts_first_and_then_any_other(main: str, line: int) -> None:
    place = blocking_place(Path("/app"), THREADS.format(main))
    assert place == Place("/app/part.py" if line == 3 else "/app/function_app.py", line)


CRASH = """\
Fatal Python error: Segmentation fault

Thread 0x00007f (most recent call first):
  File "/app/function_app.py", line 7 in idle

Current thread 0x00008f (most recent call first):
  File "/usr/lib/python3.13/ctypes/__init__.py", line 538 in string_at
  File "/app/part.py", line 3 in crash
  File "/app/function_app.py", line 9 in call

Extension modules: multidict._multidict, _cffi_backend (total: 2)
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (CRASH, Place("/app/part.py", 3)),
        (TEXT + CRASH, Place("/app/part.py", 3)),
        (
            CRASH.replace("/app/part", "/lib/part").replace('/app/function_app.py", line 9', '/x", line 9'),
            None,
        ),
        (TEXT, None),
        ("", None),
    ],
    ids=["crash", "after-a-stall", "not-in-the-app", "stall", "nothing"],
)
def test_the_line_of_the_app_that_crashed_is_found(text: str, place: Place | None) -> None:
    assert fatal_place(Path("/app"), text) == place
