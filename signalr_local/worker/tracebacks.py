"""Tracebacks that show the app: without the worker that called it and the libraries that it called."""

import os
import sys
import traceback
from importlib.machinery import PathFinder
from typing import Any

from .paths import packages_of

__all__ = ["cause_of", "describe", "format_stack"]

_HEADER = "Traceback (most recent call last):"

_WRAPPED = "Cannot find module. Please check the requirements.txt file"

# Their frames say nothing of an error that they raise on purpose, in words of their own.
_SPEAKING = ("azure", "azure_functions_runtime", "serverless_signalr")


def cause_of(error: BaseException) -> BaseException:
    """Return the app's own exception in place of the one that the worker library makes of an ImportError."""
    cause = error.__context__
    if _WRAPPED in str(error) and isinstance(cause, ImportError) and type(cause) is type(error):
        return cause
    return error


def describe(error: BaseException, folder: str) -> dict[str, Any]:
    """Return what a developer needs to know of an exception that kept the app from loading.

    ``place`` is the last line of the app that took part, ``module`` the one that was not found; both are None
    where there is none.
    """
    shown = traceback.TracebackException.from_exception(error)
    message = "".join(shown.format_exception_only()).rstrip().removeprefix(f"{type(error).__module__}.")
    if isinstance(error, SyntaxError):
        # Its text quotes the line, which the traceback does as well.
        message = f"{type(error).__name__}: {error}"
    return {
        "message": message,
        "stack": format_stack(error, folder),
        "hint": _hint(error, folder),
        "place": _place(error, folder),
        "module": error.name if isinstance(error, ModuleNotFoundError) else None,
    }


def format_stack(error: BaseException, folder: str) -> str:
    """Return a traceback with the frames of the app, and the one that raised, where it is a package's.

    An exception that passed no line of the app has no traceback: its message says all.
    """
    shown = traceback.TracebackException.from_exception(error)
    if not _keep_frames(shown, folder):
        return ""
    text = "".join(shown.format()).rstrip()
    # Python leaves it out where there are no frames: an error of syntax has a place nevertheless.
    return text if text.startswith(_HEADER) else f"{_HEADER}\n{text}"


def _keep_frames(shown: traceback.TracebackException, folder: str) -> bool:
    """Leave the app's frames in an exception and in those that led to it, and tell whether there are any."""
    found = False
    pending, seen = [shown], set[int]()
    while pending:
        one = pending.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        pending += [other for other in (one.__cause__, one.__context__, *(one.exceptions or ())) if other]
        frames = list(one.stack)
        kept = [frame for frame in frames if _is_own(frame.filename, folder)]
        # An error of syntax has the name of a file, which no frame has.
        found = found or bool(kept) or _is_own(getattr(one, "filename", None) or "", folder)
        if kept and frames[-1] not in kept and _is_telling(frames[-1].filename):
            kept.append(frames[-1])
        one.stack = traceback.StackSummary.from_list(kept)
    return found


def _is_own(file: str, folder: str) -> bool:
    return file.startswith(os.path.join(folder, "")) and "site-packages" not in file[len(folder) :].split(
        os.sep
    )


def _is_telling(file: str) -> bool:
    if file.startswith("<"):
        return False
    parts = file.split(os.sep)
    return not any(name in parts for name in _SPEAKING)


def _place(error: BaseException, folder: str) -> dict[str, Any] | None:
    if isinstance(error, SyntaxError) and error.filename and _is_own(error.filename, folder):
        return {"file": error.filename, "line": error.lineno or 1}
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, folder)]
    return {"file": own[-1].filename, "line": own[-1].lineno or 1} if own else None


def _hint(error: BaseException, folder: str) -> str:
    """Return what to do about a frequent mistake; empty for any other."""
    if isinstance(error, AttributeError):
        return _decorator_hint(error)
    return _module_hint(error, folder) if isinstance(error, ImportError) else ""


def _decorator_hint(error: AttributeError) -> str:
    """Return where the SignalR decorators are, which classes of azure.functions do not have."""
    kind, name = type(error.obj), error.name or ""
    if kind.__module__.partition(".")[0] != "azure" or not name.removeprefix("add_").startswith("signalr_"):
        return ""
    return (
        f"{name} belongs to the {kind.__name__} of serverless_signalr, not to that of azure.functions. Use "
        f"that one: from serverless_signalr import {kind.__name__}"
    )


def _module_hint(error: ImportError, folder: str) -> str:
    """Return what a missing module has to do with a folder of the app that has the name of a package."""
    if not error.name:
        return ""
    top = error.name.partition(".")[0]
    own = PathFinder.find_spec(top, [folder])
    if own is None:
        return ""
    others = [entry for entry in sys.path if os.path.abspath(entry or ".") != folder]
    installed = PathFinder.find_spec(top, [*others, packages_of(folder)])
    if installed is None:
        return ""
    where = own.origin or os.path.join(folder, top)
    if os.path.basename(where) == "__init__.py":
        where = os.path.dirname(where)
    return f"{where} hides the installed package {top}: rename it."
