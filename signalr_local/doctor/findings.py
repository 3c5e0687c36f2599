"""What the doctor found."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "State", "fine", "skipped", "warning", "wrong"]


class State(StrEnum):
    """Tell how bad a finding is."""

    FINE = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    WRONG = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """Say what was looked at and seen; ``fix`` is empty where nothing is to be done."""

    state: State
    subject: str
    seen: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"[{self.state}] {self.subject}: {self.seen}"
        return f"{line}\n        Fix: {self.fix}" if self.fix else line


def fine(subject: str, seen: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(State.FINE, subject, seen)


def skipped(subject: str, option: str, command: str) -> Finding:
    """Return the finding that something was not looked at, because what a command prints was not given."""
    return Finding(State.SKIPPED, subject, "not looked at", f"{option} FILE, with what {command} prints")


def warning(subject: str, seen: str, fix: str) -> Finding:
    """Return a finding that may be meant so."""
    return Finding(State.WARNING, subject, seen, fix)


def wrong(subject: str, seen: str, fix: str) -> Finding:
    """Return a finding that keeps the app from working."""
    return Finding(State.WRONG, subject, seen, fix)
