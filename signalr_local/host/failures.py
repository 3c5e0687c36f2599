"""What goes wrong in the worker: an app that does not load, a function that fails, a process that ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AppError",
    "Failure",
    "FunctionFailedError",
    "NotStartedError",
    "Place",
    "WorkerDiedError",
    "describe_error",
]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the app's code."""

    file: str
    line: int


class AppError(Exception):
    """The reason why the app could not be loaded.

    ``stack`` is the app's own traceback, ``hint`` what to do, ``place`` the line that failed and ``module``
    the name of a module that was not found; each is empty or None where there is none.
    """

    def __init__(
        self,
        message: str,
        stack: str = "",
        *,
        hint: str = "",
        place: Place | None = None,
        module: str | None = None,
    ) -> None:
        super().__init__(message)
        self.stack = stack
        self.hint = hint
        self.place = place
        self.module = module

    @classmethod
    def from_frame(cls, header: Mapping[str, Any]) -> "AppError":
        """Read what the worker reports."""
        place = header["place"]
        return cls(
            header["message"],
            header["stack"],
            hint=header["hint"],
            place=None if place is None else Place(place["file"], place["line"]),
            module=header["module"],
        )


class WorkerDiedError(AppError):
    """The end of a worker process that was loading the app, without a report from it.

    ``was_killed`` is true if a signal ended it, so that another attempt may succeed.
    """

    def __init__(self, message: str, stack: str = "", *, was_killed: bool) -> None:
        super().__init__(message, stack)
        self.was_killed = was_killed


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception of a function; ``clean`` is true if it was raised for the caller to see.

    ``hint`` says what the caller of an HTTP function did wrong, if a binding could tell.
    """

    type: str
    message: str
    stack: str = ""
    clean: bool = False
    hint: str = ""


class FunctionFailedError(Exception):
    """The failure of a function, as an exception."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.type}: {failure.message}")
        self.failure = failure


class NotStartedError(Exception):
    """The end of a worker before it began an invocation: another worker can run it instead."""


def describe_error(error: Exception) -> str:
    """Return what a developer needs to see of an app that was not loaded: its own traceback, if any."""
    stack, message = getattr(error, "stack", "").rstrip(), str(error)
    # Python puts the place of a syntax error into the message, and above it into the traceback.
    if not stack or message.strip() in stack or message.startswith(stack.splitlines()[-1]):
        text = stack or message
    else:
        text = f"{stack}\n{message}"
    hint = getattr(error, "hint", "")
    return f"{text}\n{hint}" if hint else text
