"""The steps of a start, before the app answers: what takes its time, and how far it is."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

__all__ = ["COMPLETED", "OnStep", "Step"]

COMPLETED = "completed"
"""What is told when the last step is done."""

type OnStep = Callable[[str, Mapping[str, Any]], None]
"""Take ``step_started``, ``progress``, ``step_completed`` or COMPLETED, and the fields that say more."""


class Step:
    """Tell when a block of code begins, how far it is, and when it has ended without an exception.

    ``message`` is what is told at the end. With ``has_progress`` the block calls ``advance``.
    """

    def __init__(
        self,
        on_step: OnStep | None,
        name: str,
        title: str,
        *,
        detail: str | None = None,
        has_progress: bool = False,
    ) -> None:
        self.message: str | None = None
        self._on_step = on_step
        self._name = name
        self._title = title
        self._detail = detail
        self._display = "progress" if has_progress else "status"

    def __enter__(self) -> Self:
        self._tell("step_started", title=self._title, display=self._display, detail=self._detail)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._tell("step_completed", message=self.message)

    def advance(self, done: int, of: int, message: str) -> None:
        """Tell that so much of the block is done."""
        self._tell("progress", percent=round(100 * done / of), message=message)

    def _tell(self, what: str, **fields: object) -> None:
        if self._on_step is not None:
            known = {name: item for name, item in fields.items() if item is not None}
            self._on_step(what, {"step": self._name, **known})
