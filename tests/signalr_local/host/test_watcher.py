"""The watcher: which files count, and which folders are watched."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from signalr_local.host import watcher

PATIENCE = 60.0


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
        ("tests/test_app.py", False),
        ("test/helpers.py", False),
        ("blueprints/tests/a.py", True),
        ("conftest.py", False),
    ],
)
def test_modules_and_settings_are_of_the_app(tmp_path: Path, path: str, counts: bool) -> None:
    write(tmp_path / path, "1")
    assert (tmp_path / path in watcher._Look.at(tmp_path).files) == counts


def test_an_app_may_itself_be_in_a_folder_that_is_ignored_elsewhere(tmp_path: Path) -> None:
    app = tmp_path / ".work" / "build"
    write(app / "function_app.py", "1")
    assert list(watcher._Look.at(app).files) == [app / "function_app.py"]


def test_folders_with_code_of_the_app_are_watched(tmp_path: Path) -> None:
    ignored = (".git/hooks", "__pycache__", "a/node_modules/x", "build", "env/lib", "tests/unit")
    for name in ("a/b", "a/tests", "web/src", *ignored):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    found = {Path(folder).relative_to(tmp_path).as_posix() for folder in watcher._Look.at(tmp_path).watched}
    assert found == {".", "a", "a/b", "a/tests", "web", "web/src"}


def test_a_link_to_a_folder_above_is_followed_no_further(tmp_path: Path) -> None:
    write(tmp_path / "__init__.py", "1")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert watcher._Look.at(tmp_path).watched == [str(tmp_path)]


def test_a_link_to_a_folder_that_is_no_package_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "data" / "one.py", "1")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "data").symlink_to(tmp_path / "data")
    assert watcher._Look.at(tmp_path / "app").files == {}


def test_a_link_to_itself_hides_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    paths = [tmp_path / "one.py", tmp_path / "package" / "two.py"]
    for path in paths:
        write(path, "1")
    assert sorted(watcher._Look.at(tmp_path).files) == paths


def test_a_folder_that_may_not_be_read_is_not_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "database").mkdir()
    scandir = os.scandir

    def refuse(folder: str) -> object:
        # Whoever is root may read everything.
        if folder.endswith("database"):
            raise PermissionError
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert watcher._Look.at(tmp_path).watched == [str(tmp_path)]


def test_a_link_that_leads_nowhere_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere" / "gone.py")
    assert watcher._Look.at(tmp_path) == watcher._Look(folders=[str(tmp_path)])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """Return the folder of an app with two modules."""
    for name in ("function_app.py", "part/one.py"):
        write(tmp_path / "app" / name, "1")
    return tmp_path / "app"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def move(folder: Path, to: Path) -> None:
    folder.rename(to)


class Changes:
    """Read what a watcher tells, until it has told all that is expected."""

    def __init__(self, app: Path) -> None:
        self.app = app
        self._changes = watcher.Watcher(app).changes()
        self.names: list[str] = []

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not set(names) <= set(self.names):
                self.names += [path.relative_to(self.app).as_posix() for path in await anext(self._changes)]

    async def close(self) -> None:
        await self._changes.aclose()


@pytest_asyncio.fixture
async def changes(app: Path) -> AsyncIterator[Changes]:
    """Watch an app. What happens from now on is told, even if nobody listens yet."""
    changes = Changes(app)
    yield changes
    await changes.close()


async def test_what_changed_before_anybody_listens_is_told(app: Path, changes: Changes) -> None:
    write(app / "function_app.py", "other")
    await changes.until("function_app.py")
    assert changes.names == ["function_app.py"]


@pytest.mark.parametrize(
    ("edit", "names"),
    [
        (lambda app: write(app / "part" / "one.py", "other"), ["part/one.py"]),
        (lambda app: write(app / "host.json", "{}"), ["host.json"]),
        (lambda app: (app / "part" / "one.py").unlink(), ["part/one.py"]),
        (lambda app: (app / "function_app.py").rename(app / "renamed.py"), ["function_app.py", "renamed.py"]),
        (lambda app: write(app / "new" / "deep" / "two.py", "1"), ["new/deep/two.py"]),
        (lambda app: (app / "part").rename(app / "other"), ["part/one.py", "other/one.py"]),
    ],
    ids=["edited", "settings", "removed", "renamed", "new-folder", "renamed-folder"],
)
async def test_a_change_is_told(
    app: Path, changes: Changes, edit: Callable[[Path], object], names: list[str]
) -> None:
    await listening(app, changes)
    edit(app)
    await changes.until(*names)


async def listening(app: Path, changes: Changes) -> None:
    """Wait until the watcher has told of a change."""
    write(app / "seen.py", "1")
    await changes.until("seen.py")


async def test_a_file_in_a_new_folder_is_watched(app: Path, changes: Changes) -> None:
    await listening(app, changes)
    write(app / "new" / "two.py", "1")
    await changes.until("new/two.py")
    changes.names.clear()
    write(app / "new" / "two.py", "other")
    await changes.until("new/two.py")


async def test_a_folder_in_the_place_of_the_app_s_is_watched(app: Path, changes: Changes) -> None:
    await listening(app, changes)
    move(app, app.with_name("away"))
    write(app / "three.py", "1")
    await changes.until("three.py", "function_app.py")
    changes.names.clear()
    write(app / "three.py", "other")
    await changes.until("three.py")


async def test_a_folder_that_comes_back_is_watched(app: Path, changes: Changes) -> None:
    await listening(app, changes)
    move(app, app.with_name("away"))
    await changes.until("function_app.py")
    move(app.with_name("away"), app)
    changes.names.clear()
    write(app / "function_app.py", "other")
    await changes.until("function_app.py")


@pytest.mark.parametrize("kind", ["file", "package"])
async def test_what_a_symbolic_link_leads_to_is_watched(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    write(outside / "__init__.py", "1")
    write(tmp_path / "app" / "function_app.py", "1")
    linked = "linked/__init__.py" if kind == "package" else "linked.py"
    target = outside if kind == "package" else outside / "__init__.py"
    (tmp_path / "app" / linked.partition("/")[0]).symlink_to(target)
    changes = Changes(tmp_path / "app")
    await listening(tmp_path / "app", changes)
    write(outside / "__init__.py", "other")
    await changes.until(linked)
    await changes.close()


async def test_a_link_that_leads_to_another_app_is_seen(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name / "function_app.py", name)
    app = tmp_path / "app"
    app.symlink_to(tmp_path / "one")
    changes = Changes(app)
    await listening(app, changes)
    (tmp_path / "new").symlink_to(tmp_path / "two")
    (tmp_path / "new").replace(app)
    await changes.until("function_app.py")
    changes.names.clear()
    write(tmp_path / "two" / "function_app.py", "other")
    await changes.until("function_app.py")
    await changes.close()


async def test_files_of_no_interest_are_not_told(app: Path, changes: Changes) -> None:
    await listening(app, changes)
    for name in ("notes.txt", "tests/test_app.py", "tests/conftest.py", "conftest.py", ".git/hook.py"):
        write(app / name, "1")
    write(app / "env" / "pyvenv.cfg", "")
    write(app / "env" / "lib.py", "1")
    write(app / "last.py", "1")
    await changes.until("last.py")
    assert changes.names == ["seen.py", "last.py"]


@pytest.mark.parametrize(
    ("name", "is_looked_at"),
    [
        ("function_app.py", True),
        ("removed.py", True),
        ("part", True),
        ("removed", True),
        ("env/pyvenv.cfg", True),
        ("host.json", True),
        ("app.log", False),
        ("chat.db", False),
        ("chat.db-journal", False),
    ],
)
def test_what_an_app_writes_beside_its_code_has_no_files_looked_at(
    app: Path, name: str, is_looked_at: bool
) -> None:
    for written in ("app.log", "chat.db"):
        write(app / written, "1")
    watched = {str(app), str(app / "part"), str(app / "removed")}
    assert watcher._concerns(str(app / name), watched) == is_looked_at


async def test_where_the_system_does_not_watch_the_files_are_looked_at(
    app: Path, changes: Changes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*folders: str, **options: object) -> None:
        raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles.awatch", refuse)
    write(app / "function_app.py", "other")
    await changes.until("function_app.py")
    write(app / "part" / "one.py", "other")
    await changes.until("part/one.py")
    [record] = caplog.records
    assert "OS file watch limit reached" in record.message
    assert "fs.inotify.max_user_watches" in record.message


async def test_a_folder_that_vanishes_before_it_is_watched_is_no_hindrance(
    app: Path, changes: Changes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks = iter([watcher._Look(folders=[str(app), str(app / "gone")])])
    look = watcher._Look.at
    monkeypatch.setattr(watcher._Look, "at", lambda app: next(looks, None) or look(app))
    write(app / "function_app.py", "other")
    await changes.until("function_app.py")
    assert caplog.records == []
