"""What the HTTP upstream of a hub needs to know of it."""

from collections.abc import Sequence
from typing import Protocol

from serverless_signalr._hub.methods import Filter, HubMethod

__all__ = ["ServedHub"]


class ServedHub(Protocol):
    """A hub as its upstream sees it: ServerlessHub is one."""

    @property
    def hub_name(self) -> str:
        """Return the hub's name."""

    @property
    def connection_setting(self) -> str:
        """Return the name of the setting that holds the connection."""

    @property
    def filters(self) -> Sequence[Filter]:
        """Return what surrounds every event, the first outermost."""

    @property
    def _methods(self) -> Sequence[HubMethod]: ...
