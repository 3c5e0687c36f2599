"""What the doctor finds: a verdict on one thing, and how to fix it."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["SECTIONS", "Finding", "State", "fine", "note", "skipped", "warning", "wrong"]

SECTIONS = {
    "host-json": "host.json",
    "settings": "App settings",
    "functions": "Functions",
    "connections": "Connections",
    "roles": "Roles",
    "service": "SignalR Service",
    "upstream": "Upstream",
    "cors": "CORS",
    "app": "Function app",
    "round-trip": "Round trip",
}
"""The title of each section. A rule's name starts with the name of its section and a dot."""


class State(StrEnum):
    """How bad a finding is."""

    FINE = "ok"
    NOTE = "note"
    SKIPPED = "skipped"
    WARNING = "warning"
    WRONG = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    ``rule`` is stable across versions, such as ``cors.credentials``. ``fix`` is empty if nothing needs to
    be done. ``milliseconds`` is set for steps of the round trip.
    """

    state: State
    rule: str
    subject: str
    seen: str
    fix: str = ""
    milliseconds: float | None = None

    @property
    def section(self) -> str:
        """The title of the section that the finding belongs to."""
        return SECTIONS[self.rule.partition(".")[0]]

    @property
    def is_problem(self) -> bool:
        """Whether the finding is an error or a warning."""
        return self.state in (State.WRONG, State.WARNING)

    def __str__(self) -> str:
        line = f"[{self.state}] {self.subject}: {self.seen}"
        return f"{line}\n        Fix: {self.fix}" if self.fix else line


def fine(rule: str, subject: str, seen: str, milliseconds: float | None = None) -> Finding:
    """Return a finding that is as it should be."""
    return Finding(State.FINE, rule, subject, seen, milliseconds=milliseconds)


def note(rule: str, subject: str, seen: str) -> Finding:
    """Return something worth knowing that is not a problem in Azure."""
    return Finding(State.NOTE, rule, subject, seen)


def skipped(rule: str, subject: str, fix: str) -> Finding:
    """Return the finding that something was not checked, and how to have it checked."""
    return Finding(State.SKIPPED, rule, subject, "not checked", fix)


def warning(rule: str, subject: str, seen: str, fix: str) -> Finding:
    """Return a finding that is probably a mistake, but may be intended."""
    return Finding(State.WARNING, rule, subject, seen, fix)


def wrong(rule: str, subject: str, seen: str, fix: str) -> Finding:
    """Return a finding that keeps the app from working."""
    return Finding(State.WRONG, rule, subject, seen, fix)
