"""The command ``signalr-local new``."""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from signalr_local.host.console import say
from signalr_local.new.files import NewApp, Style, check_folder, files, write
from signalr_local.new.names import app_name_for, check_app_name, check_hub, hub_name_for
from signalr_local.new.wheels import wheel

__all__ = ["make"]

_PACKAGES = {"serverless-signalr": "serverless_signalr", "serverless-signalr-local": "signalr_local"}


def make(arguments: argparse.Namespace) -> Path:
    """Make an app as the command line says, tell how to run it, and return its folder.

    Raise ValueError for a name or a folder that cannot be used, OSError for files that cannot be written.
    """
    shown = Path(arguments.directory)
    folder = shown.resolve()
    check_folder(folder)
    app = _new_app(arguments, folder.name)
    made = files(app, dict(wheel(*package) for package in _PACKAGES.items()))
    write(folder, made)
    say(_told(app, shown, len(made), runs=arguments.run).rstrip("\n"))
    return folder


def _new_app(arguments: argparse.Namespace, folder: str) -> NewApp:
    asks = not arguments.yes and sys.stdin.isatty() and sys.stdout.isatty()
    name = _choose(arguments.name, app_name_for(folder), check_app_name, "Name of the app", asks=asks)
    hub = _choose(arguments.hub, hub_name_for(name), check_hub, "Name of the hub", asks=asks)
    return NewApp(name, hub, Style(arguments.style), azure=arguments.azure, ci=arguments.ci)


def _choose(
    given: str | None, default: str, check: Callable[[str], str], question: str, *, asks: bool
) -> str:
    if given is not None or not asks:
        return check(default if given is None else given)
    while True:
        answer = input(f"{question} [{default}]: ").strip() or default
        try:
            return check(answer)
        except ValueError as error:
            sys.stdout.write(f"{_sentence(error)}\n")


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _told(app: NewApp, folder: Path, count: int, *, runs: bool) -> str:
    lines = [
        f'Made the app {app.name} with the hub "{app.hub}" in {folder}: {count} files.',
        "",
        "The packages serverless-signalr and serverless-signalr-local are not published yet. Their wheels",
        "are in wheels/, and requirements.txt and requirements-dev.txt install them from there.",
        "",
    ]
    if not runs:
        python = ".venv\\Scripts\\python" if os.name == "nt" else ".venv/bin/python"
        lines += [
            "Run it with the packages that are installed here:",
            f"  {_command()} --app {shlex.quote(str(folder))}",
            "",
            "Or give it an environment of its own:",
            f"  cd {shlex.quote(str(folder))}",
            f"  {shlex.quote(sys.executable)} -m venv .venv",
            f"  {python} -m pip install -r requirements-dev.txt",
            f"  {python} -m signalr_local",
            "",
        ]
    return "\n".join([*lines, ""])


def _command() -> str:
    """Return the words by which whoever reads them starts the local runtime of this environment."""
    own = Path(sys.executable).with_name("signalr-local")
    found = shutil.which("signalr-local")
    if found is not None and Path(found).parent == own.parent:
        return "signalr-local"
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        python = python.relative_to(Path.cwd())
    return f"{shlex.quote(str(python))} -m signalr_local"
