"""Responses of the app's HTTP functions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Response"]


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the host."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the value of the body."""
        return json.loads(self.body)
