"""Wheels of installed distributions, for the apps that use them before they are published.

What is installed holds everything that its wheel held, so that nothing is built and nothing is downloaded.
"""

import base64
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

__all__ = ["package_files", "wheel"]

_LONG_AGO = (1980, 1, 1, 0, 0, 0)

_OF_INSTALLATION = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""The files beside the metadata that an installer adds, or writes anew."""

_OF_PACKAGES = (".py", ".html", ".json")
_TEMPLATE = ("new", "template")


def wheel(name: str, package: str) -> tuple[str, bytes]:
    """Return the file name and the content of the wheel of a distribution, which has one package.

    Raise ValueError if it is not installed as one.
    """
    # A folder that was installed in editable mode also has an egg-info, which describes it as it was then.
    installed = next((each for each in distributions(name=name) if each.read_text("METADATA")), None)
    if installed is None:
        raise ValueError(
            f"the package {name} is not installed in {sys.prefix}, where its wheel would come from; install "
            "it with pip"
        )
    contents = dict(_package(installed, package))
    info = f"{name.replace('-', '_')}-{installed.version}.dist-info"
    contents.update(_metadata(installed, info))
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    return f"{name.replace('-', '_')}-{installed.version}-py3-none-any.whl", _zip(contents)


def _package(installed: Distribution, package: str) -> Iterator[tuple[str, bytes]]:
    if _is_editable(installed):
        spec = find_spec(package)
        assert spec is not None  # noqa: S101 - it is installed
        for folder in spec.submodule_search_locations or ():
            for path in package_files(Path(folder)):
                yield f"{package}/{path.relative_to(folder).as_posix()}", path.read_bytes()
        return
    for file in installed.files or ():
        if file.parts[0] == package and "__pycache__" not in file.parts:
            yield file.as_posix(), Path(file.locate()).read_bytes()


def package_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a package's sources that are installed with it, as its pyproject.toml says."""
    for path in folder.iterdir():
        if path.is_file():
            if path.suffix in _OF_PACKAGES or path.name == "py.typed":
                yield path
        elif (path / "__init__.py").is_file():
            yield from package_files(path)
        elif path.parts[-2:] == _TEMPLATE:
            yield from (
                file for file in path.rglob("*") if file.is_file() and _is_kept(file.relative_to(path))
            )


def _is_kept(path: Path) -> bool:
    # Tools keep caches beside what they check.
    return not any(part.startswith((".", "__pycache__")) for part in path.parts)


def _is_editable(installed: Distribution) -> bool:
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))


def _metadata(installed: Distribution, info: str) -> Iterator[tuple[str, bytes]]:
    for file in installed.files or ():
        if file.parts[0] == info and PurePosixPath(*file.parts[1:]).name not in _OF_INSTALLATION:
            yield file.as_posix(), Path(file.locate()).read_bytes()


def _record(contents: dict[str, bytes], name: str) -> bytes:
    lines = []
    for path, content in sorted(contents.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}\n")
    return "".join([*lines, f"{name},,\n"]).encode()


def _zip(contents: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, contents[name])
    return packed.getvalue()
