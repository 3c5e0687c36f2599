"""Time as a test needs it."""

import asyncio
from collections.abc import Awaitable, Callable

PATIENCE = 10.0
"""Seconds after which something that should have happened has not; far more than a slow machine needs."""


class Clock:
    """Be a clock that only goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> None:
        self.now += seconds + 60 * minutes + 3600 * hours


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so that happens by itself, and that no event tells of."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0)
