"""The watcher: which files count, and which folders are watched."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from signalr_local.host import watcher

APP = Path("/app")


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("function_app.py", True),
        ("blueprints/events.py", True),
        ("a/b/c/d.py", True),
        ("builder/dist.py", True),
        ("host.json", True),
        ("local.settings.json", True),
        ("sub/host.json", False),
        ("sub/local.settings.json", False),
        ("data.json", False),
        ("function_app.pyc", False),
        ("function_app.py.swp", False),
        ("web/index.html", False),
        (".git/hooks/a.py", False),
        (".venv/lib/a.py", False),
        (".#function_app.py", False),
        ("__pycache__/a.py", False),
        ("web/node_modules/a.py", False),
        ("venv/lib/a.py", False),
        ("build/lib/a.py", False),
        ("dist/a.py", False),
    ],
)
def test_modules_and_settings_are_of_the_app(path: str, counts: bool) -> None:
    assert watcher.is_of_app(APP, APP / path) == counts


def test_an_app_may_itself_be_in_a_folder_that_is_ignored_elsewhere() -> None:
    app = Path("/home/me/.work/build")
    assert watcher.is_of_app(app, app / "function_app.py")


def test_folders_with_code_of_the_app_are_watched(tmp_path: Path) -> None:
    for name in ("a/b", "web/src", ".git/hooks", "__pycache__", "a/node_modules/x", "build", "env/lib"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    found = {Path(folder).relative_to(tmp_path).as_posix() for folder in watcher._folders(tmp_path)}
    assert found == {".", "a", "a/b", "web", "web/src"}


async def next_change(app: Path, edit: Callable[[int], object]) -> list[Path]:
    """Return what the watcher sees first of an edit, which is made again until it is seen."""
    changes = watcher.changes(app)
    seen = asyncio.ensure_future(anext(changes))
    for attempt in itertools.count():
        edit(attempt)
        if (await asyncio.wait([seen], timeout=0.2))[0]:
            break
    await changes.aclose()
    return seen.result()


async def test_a_new_folder_is_seen_with_its_modules(tmp_path: Path) -> None:
    def edit(attempt: int) -> None:
        for name in ("part/of", ".hidden", "env/lib"):
            (tmp_path / f"new{attempt}" / name).mkdir(parents=True)
            (tmp_path / f"new{attempt}" / name / "module.py").touch()
        (tmp_path / f"new{attempt}" / "env" / "pyvenv.cfg").touch()

    for path in await next_change(tmp_path, edit):
        assert path.relative_to(tmp_path).parts[1:] == ("part", "of", "module.py")


async def test_a_new_environment_is_not_looked_into(tmp_path: Path) -> None:
    def edit(attempt: int) -> None:
        environment = tmp_path / f"env{attempt}"
        environment.mkdir()
        (environment / "pyvenv.cfg").touch()
        (environment / "module.py").touch()
        (tmp_path / f"new{attempt}.py").touch()

    for path in await next_change(tmp_path, edit):
        assert path.name.startswith("new")


async def test_a_folder_that_vanishes_before_it_is_watched_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = iter([[str(tmp_path), str(tmp_path / "gone")]])
    walk = watcher._folders
    monkeypatch.setattr(watcher, "_folders", lambda app: next(folders, None) or walk(app))
    found = await next_change(tmp_path, lambda attempt: (tmp_path / f"a{attempt}.py").touch())
    assert found[0].suffix == ".py"
