"""Build what is deployed: ``build/app.zip``, and the same files in ``build/app``.

It holds the app, which is everything that ``.funcignore`` and ``.gitignore`` leave, and the packages of
``infra/requirements.lock``: Linux wheels for the Python that runs in Azure, whatever system this is.
The same inputs give the same bytes. ``--lock`` chooses the packages anew.

``--app FOLDER`` builds another app of the repository, such as an example: what is in its folder, with the
library, the pages, and the packages of its own ``requirements.lock``.
"""

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "web" / "dist" / "index.html"
FOLDER = ROOT / "build" / "app"
ARCHIVE = ROOT / "build" / "app.zip"

LIBRARY = "serverless_signalr"
PACKAGES = ".python_packages/lib/site-packages"
PYTHON = "3.13"
TARGET = [
    *("--python-version", PYTHON, "--implementation", "cp", "--only-binary", ":all:"),
    *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"),
    *("--platform", "manylinux2014_x86_64"),
]
LONG_AGO = (1980, 1, 1, 0, 0, 0)


class PackagingError(Exception):
    """Say what is missing, and what to do."""


@dataclass(frozen=True)
class App:
    """An app of the repository, the one in its root or one in a folder below."""

    folder: Path

    @property
    def is_root(self) -> bool:
        """Return whether it is the app in the root."""
        return self.folder == ROOT

    @property
    def requirements(self) -> Path:
        """Return the file that names the packages that it needs."""
        return self.folder / "requirements.txt"

    @property
    def lock(self) -> Path:
        """Return the file that names those that are deployed."""
        return (self.folder / "infra" if self.is_root else self.folder) / "requirements.lock"

    @property
    def lock_command(self) -> str:
        """Return the command that writes it."""
        option = "" if self.is_root else f" --app {self.folder.relative_to(ROOT).as_posix()}"
        return f"scripts/package{option} --lock"

    @classmethod
    def at(cls, name: str) -> "App":
        """Return the app of a folder. Raise PackagingError where there is none."""
        folder = (ROOT / name).resolve()
        if not folder.is_relative_to(ROOT) or not (folder / "function_app.py").is_file():
            raise PackagingError(
                f"{name} is not the folder of an app of this repository: no function_app.py."
            )
        return cls(folder)


def main() -> int:
    """Build the package and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/package", description="Build build/app.zip.")
    parser.add_argument("--app", metavar="FOLDER", default=".", help="another app, such as examples/answers")
    parser.add_argument("--lock", action="store_true", help="choose the packages anew")
    arguments = parser.parse_args()
    try:
        app = App.at(arguments.app)
        if arguments.lock:
            lock(app)
        build(app)
    except PackagingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def build(app: App) -> None:
    """Write the zip and the folder, and say how large they are."""
    # An app without a page has no folder web.
    if PAGE.parents[1].is_dir() and not PAGE.is_file():
        raise PackagingError(
            "The page is not built: web/dist/index.html is missing.\n"
            "Run: make page, or npm ci && npm run build in the folder web."
        )
    if not app.lock.is_file() or stamp(app) not in app.lock.read_text():
        raise PackagingError(
            f"{app.lock.relative_to(ROOT).as_posix()} does not belong to requirements.txt, which has changed "
            f"since.\nRun: {app.lock_command}"
        )
    contents = dict(app_files(app))
    with tempfile.TemporaryDirectory() as wheels:
        pip("download", "--no-deps", "--require-hashes", "-r", str(app.lock), "-d", wheels, *TARGET)
        for wheel in sorted(Path(wheels).iterdir()):
            add(contents, wheel)
    write(contents)
    unpacked = sum(map(len, contents.values()))
    packed = ARCHIVE.read_bytes()
    sys.stdout.write(
        f"build/app.zip: {len(packed) / 1e6:.1f} MB, {unpacked / 1e6:.1f} MB unpacked, "
        f"{len(contents)} files\nsha256 {hashlib.sha256(packed).hexdigest()}\n"
    )


def app_files(app: App) -> Iterator[tuple[str, bytes]]:
    """Yield the files that neither ``.funcignore`` nor git ignores, and the page, which is built."""
    yield from files_of(app.folder)
    if not app.is_root:
        yield from ((name, content) for name, content in files_of(ROOT) if name.startswith(f"{LIBRARY}/"))
        for page in sorted(PAGE.parent.glob("*.html")):
            yield f"web/dist/{page.name}", page.read_bytes()


def files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder that are deployed, with their names in it."""
    kept = set(files(folder, "--exclude-per-directory=.gitignore"))
    names: list[str] = []
    for name in files(folder, f"--exclude-from={ROOT / '.funcignore'}"):
        if name not in kept and not name.startswith("web/dist/"):
            continue
        if name.endswith("/"):
            raise PackagingError(
                f"{name} is a git repository of its own. Remove {name}.git, or name it in .funcignore."
            )
        names.append(name)
    for name in names:
        path = folder / name
        if path.is_dir():
            # Only a symbolic link: git names the files of a folder, not the folder.
            yield from behind(folder, name, names)
        elif path.exists():
            yield name, path.read_bytes()
        else:
            raise PackagingError(f"{name} is a link to nothing: remove it, or name it in .funcignore.")


def behind(folder: Path, link: str, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the deployed files behind a link to a folder of the app, by their names through the link."""
    path, cure = folder / link, f"or name {link} in .funcignore, without a slash at its end."
    target = path.resolve()
    if not target.is_relative_to(folder):
        raise PackagingError(
            f"{link} is a link to {target}, which is outside of the app: put the folder itself there, {cure}"
        )
    if any(parent.resolve().is_relative_to(target) for parent in path.parents):
        raise PackagingError(f"{link} is a link that leads back to itself: remove it, {cure}")
    start = f"{target.relative_to(folder).as_posix()}/"
    inside = [name for name in names if name.startswith(start)]
    if not inside:
        raise PackagingError(
            f"{link} is a link to {start}, of which nothing is deployed: put the folder itself there, {cure}"
        )
    for name in inside:
        through = f"{link}/{name.removeprefix(start)}"
        if (folder / name).is_dir():
            yield from behind(folder, through, names)
        else:
            yield through, (folder / name).read_bytes()


def files(folder: Path, ignored: str) -> Iterator[str]:
    """Yield the files that the option of git does not ignore, whether they are committed or not."""
    with tempfile.TemporaryDirectory() as repository:
        git = ["git", "-C", str(folder), f"--git-dir={repository}", f"--work-tree={folder}"]
        run([*git, "init", "--quiet"])
        # In an empty repository every file is another file.
        names = run([*git, "ls-files", "--others", "-z", ignored])
    yield from filter(None, names.split("\0"))


def add(contents: dict[str, bytes], wheel: Path) -> None:
    """Add what a wheel installs for import; its commands and data files have no use in Azure."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            top, _, rest = name.partition("/")
            if top.endswith(".data"):
                scheme, _, rest = rest.partition("/")
                if scheme not in ("purelib", "platlib"):
                    continue
                path = rest
            else:
                path = name
            if path.endswith(("/", ".pyc")):
                continue
            path, content = f"{PACKAGES}/{path}", archive.read(name)
            if contents.setdefault(path, content) != content:
                raise PackagingError(f"{wheel.name} and another package both install {path}.")


def write(contents: dict[str, bytes]) -> None:
    """Write the zip, with names in order and one time for all, and unpack it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    with zipfile.ZipFile(ARCHIVE, "w") as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on Windows too
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, contents[name])
        archive.extractall(FOLDER)


def lock(app: App) -> None:
    """Write which packages are deployed, with the hashes of their wheels."""
    if sys.platform != "linux" or platform.python_version_tuple()[:2] != tuple(PYTHON.split(".")):
        # Conditions in requirements are decided for the Python that asks.
        raise PackagingError(f"Packages are chosen on Linux with Python {PYTHON}, as in Azure.")
    report = pip(
        *("install", "--dry-run", "--ignore-installed", "--report", "-", "--target", "unused"),
        *("-r", str(app.requirements), *TARGET),
    )
    lines = [f"# Written by {app.lock_command}.", f"# {stamp(app)}"]
    for item in sorted(json.loads(report)["install"], key=lambda item: str(item["metadata"]["name"]).lower()):
        metadata, wheel = item["metadata"], item["download_info"]["archive_info"]["hashes"]["sha256"]
        lines.append(f"{metadata['name']}=={metadata['version']} --hash=sha256:{wheel}")
    app.lock.write_text("\n".join(lines) + "\n")


def stamp(app: App) -> str:
    """Return what ties the lock to requirements.txt; comments may change."""
    lines = (line.partition("#")[0].strip() for line in app.requirements.read_text().splitlines())
    return "requirements.txt " + hashlib.sha256("\n".join(filter(None, lines)).encode()).hexdigest()


def pip(*arguments: str) -> str:
    """Run pip and return what it prints."""
    return run([sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments])


def run(command: list[str]) -> str:
    """Run a command and return what it prints. Raise PackagingError with what it complains of."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603 - our own words
    except FileNotFoundError:
        raise PackagingError(f"{command[0]} is missing.") from None
    if done.returncode:
        raise PackagingError(f"{done.stderr.strip()}\nThe package was not built: {command[0]} failed.")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
