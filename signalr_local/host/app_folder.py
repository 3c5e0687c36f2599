"""The folder of a function app: is there an app in it, and of which kind?"""

import re
from collections.abc import Mapping
from pathlib import Path

from signalr_local.host.failures import AppError

__all__ = ["check_app_folder", "script_name"]

_SETTING = "PYTHON_SCRIPT_FILE_NAME"
_DEFAULT = "function_app.py"

_VALID = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_\-]*\.py")

_MIGRATION = "https://learn.microsoft.com/azure/azure-functions/functions-reference-python"


def script_name(settings: Mapping[str, str]) -> str:
    """Return the name of the app's main module's file, which an app setting may change."""
    return settings.get(_SETTING) or _DEFAULT


def check_app_folder(app: Path, settings: Mapping[str, str]) -> None:
    """Raise AppError, which says what is there instead, for a folder without an app that can run here."""
    script = script_name(settings)
    if not _VALID.fullmatch(script):
        raise AppError(
            f"The app setting {_SETTING} is {script!r}, expected the name of a Python file in {app}: "
            "letters, digits, underscores and hyphens, with .py at the end."
        )
    if (app / script).is_file():
        return
    if not app.is_dir():
        raise AppError(f"There is no folder {app}.")
    missing = f"There is no {script} in {app}"
    if script != _DEFAULT:
        raise AppError(f"{missing}, which the app setting {_SETTING} names.")
    if functions := sorted(path.parent.name for path in app.glob("*/function.json")):
        raise AppError(
            f"{app} holds an app of the v1 programming model ({functions[0]}/function.json); the local "
            f"runtime runs the v2 model only, whose functions are declared by decorators in {_DEFAULT}. How "
            f"to migrate: {_MIGRATION}. The library's guide: docs/guide.md."
        )
    text = f"{missing}. Start in the folder of a function app, or name it with --app."
    if others := sorted(path.parent for path in app.glob(f"*/{_DEFAULT}")):
        text += f" There is one in {others[0]}."
    raise AppError(text)
