"""The files of a new app, made from the folders of the template."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

__all__ = ["NewApp", "Style", "check_folder", "files", "write"]

_TEMPLATE = Path(__file__).parent / "template"
_HIDDEN = "dot-"
"""The beginning of names that begin with a dot in the app, where tools would take them for their own here."""

_TOLERATED = frozenset({".git", ".venv", "venv", ".DS_Store"})
"""What a folder for a new app may hold: whoever makes its repository or its environment first has these."""

_SETTINGS = "local.settings.json"


class Style(StrEnum):
    """How the events of an app are written: as functions, or as methods of a hub class."""

    FUNCTIONS = "functions"
    HUB = "hub"

    @property
    def events_file(self) -> str:
        """Return the file to edit first."""
        return "blueprints/events.py" if self is Style.FUNCTIONS else "hub.py"


@dataclass(frozen=True, slots=True)
class NewApp:
    """What was chosen for a new app, with checked names."""

    name: str
    hub: str
    style: Style = Style.FUNCTIONS
    azure: bool = False
    ci: bool = False


def check_folder(folder: Path) -> None:
    """Raise ValueError unless an app can be made in a folder: it is new, or as good as empty."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder that is new or empty")
    found = sorted(path.name for path in folder.iterdir() if path.name not in _TOLERATED)
    if found:
        shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        raise ValueError(
            f"{folder} is not empty (it has {shown}), and nothing is overwritten: name a folder that is new "
            "or empty"
        )


def files(app: NewApp, wheels: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files of an app by their paths in its folder.

    ``wheels`` are those of the library and of the local runtime, in this order, by their file names.
    """
    library, runtime = wheels
    replaced = {
        "app-name": app.name,
        "hub_name": app.hub,
        "events_file": app.style.events_file,
        "library.whl": library,
        "runtime.whl": runtime,
    }
    made: dict[str, bytes] = {}
    for folder in _folders(app):
        for path, content in _read(folder):
            made[path] = content if path.endswith(".min.js") else _replace(content, replaced)
    readme = b"".join((_TEMPLATE / "readme" / f"{part}.md").read_bytes() for part in _readme(app))
    made["README.md"] = _replace(readme, replaced)
    made[_SETTINGS] = made[f"{_SETTINGS}.example"]
    made.update({f"wheels/{name}": content for name, content in wheels.items()})
    return dict(sorted(made.items()))


def write(folder: Path, made: Mapping[str, bytes]) -> None:
    """Write the files of an app into its folder. Raise FileExistsError rather than overwrite one."""
    for name, content in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
        if name.endswith(".sh"):
            path.chmod(0o755)


def _folders(app: NewApp) -> Iterator[str]:
    yield "common"
    yield app.style
    if app.azure:
        yield "azure"
    if app.ci:
        yield "ci"


def _readme(app: NewApp) -> Iterator[str]:
    yield from ("head", app.style, "check")
    yield "azure" if app.azure else "deploy"
    if app.ci:
        yield "ci"


def _read(folder: str) -> Iterator[tuple[str, bytes]]:
    root = _TEMPLATE / folder
    for path in sorted(root.rglob("*")):
        # Python compiles what is installed, and tools keep caches beside what they check.
        inner = path.relative_to(root)
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in inner.parts):
            yield _name(inner), path.read_bytes()


def _name(path: Path) -> str:
    parts = [f".{part.removeprefix(_HIDDEN)}" if part.startswith(_HIDDEN) else part for part in path.parts]
    return str(PurePosixPath(*parts))


def _replace(content: bytes, replaced: Mapping[str, str]) -> bytes:
    # Git on Windows may have checked the template out with line ends of its own.
    text = content.decode().replace("\r\n", "\n")
    # In one pass: a name may look like another word of the template.
    words = re.compile("|".join(map(re.escape, replaced)))
    return words.sub(lambda found: replaced[found[0]], text).encode()
