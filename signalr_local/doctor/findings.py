"""What the doctor finds: a verdict on one thing, and how to fix it."""

from dataclasses import dataclass
from enum import StrEnum

from signalr_local.doctor.rules import RULES, SECTIONS
from signalr_local.host.failures import Place

__all__ = ["Finding", "State", "fine", "note", "skipped", "warning", "wrong"]


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

    ``rule`` is one of ``RULES``. ``fix`` is empty if nothing needs to be done. ``milliseconds`` is set for
    what was timed, ``place`` if a line of the app is at fault.
    """

    state: State
    rule: str
    subject: str
    seen: str
    fix: str = ""
    milliseconds: float | None = None
    place: Place | None = None

    def __post_init__(self) -> None:
        """Refuse a rule that no page describes."""
        if self.rule not in RULES:
            raise ValueError(f"the doctor has no rule {self.rule}")

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


def wrong(rule: str, subject: str, seen: str, fix: str, *, place: Place | None = None) -> Finding:
    """Return a finding that keeps the app from working."""
    return Finding(State.WRONG, rule, subject, seen, fix, place=place)
