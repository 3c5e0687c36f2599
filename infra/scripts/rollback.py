#!/usr/bin/env python3
"""Keep the package that is built, and deploy one that was kept: on every system, with azd.

The name of a package that was kept is its SHA-256 checksum, which is compared before anything is deployed.
The hooks of azd run as after any deployment.
"""

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "app.zip"
KEPT = ROOT / "packages"


class RollbackError(Exception):
    """Nothing was deployed; the message says why, and what to do."""


def main() -> int:
    """Do what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(prog="rollback.py", description=__doc__)
    parser.add_argument("package", metavar="PACKAGE.zip", nargs="?", type=Path, help="what is deployed")
    parser.add_argument("checksum", metavar="SHA256", nargs="?", help="its checksum, if it is not its name")
    parser.add_argument("--keep", action="store_true", help="keep build/app.zip in the folder packages")
    arguments = parser.parse_args()
    try:
        if arguments.keep:
            return keep()
        if arguments.package is None:
            return show()
        return deploy(arguments.package, arguments.checksum or arguments.package.stem)
    except RollbackError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def keep() -> int:
    """Copy the package that is built to the folder of those that are kept."""
    if not BUILT.is_file():
        raise RollbackError("There is no build/app.zip. Run: make package")
    KEPT.mkdir(exist_ok=True)
    copy = KEPT / f"{checksum(BUILT)}.zip"
    shutil.copyfile(BUILT, copy)
    sys.stdout.write(f"{copy.relative_to(ROOT)}\n")
    return 0


def show() -> int:
    """List what was kept, the newest first."""
    packages = sorted(KEPT.glob("*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
    if not packages:
        raise RollbackError("No package was kept. Before a deployment: make package, rollback.py --keep")
    for path in packages:
        kept = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        sys.stdout.write(f"{kept:%Y-%m-%d %H:%M} UTC  {path.relative_to(ROOT)}\n")
    sys.stdout.write("To deploy one: rollback.py PACKAGE.zip\n")
    return 0


def deploy(package: Path, expected: str) -> int:
    """Hand a package to azd if it has the checksum; return azd's exit code."""
    if not package.is_file():
        raise RollbackError(f"There is no file {package}.")
    if not re.fullmatch(r"[0-9a-f]{64}", expected.lower()):
        raise RollbackError(
            f"{expected} is not a SHA-256 checksum: pass the one that make package printed after the file."
        )
    seen = checksum(package)
    if seen != expected.lower():
        raise RollbackError(
            f"{package} has the checksum {seen}, expected {expected}: it is another package, or damaged."
        )
    azd = shutil.which("azd")
    if azd is None:
        raise RollbackError(
            "azd is missing: https://aka.ms/azd. Without it, deploy the package as docs/deployment.md says."
        )
    command = [azd, "deploy", "api", "--from-package", str(package.resolve()), "--no-prompt"]
    return subprocess.call(command, cwd=ROOT)  # noqa: S603 - our own words


def checksum(path: Path) -> str:
    """Return the SHA-256 checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
