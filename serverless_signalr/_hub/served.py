"""The parts of a hub that its HTTP upstream uses."""

from collections.abc import Sequence
from typing import Protocol

from serverless_signalr._hub.methods import Filter, HubMethod

__all__ = ["ServedHub"]


class ServedHub(Protocol):
    """The interface of ServerlessHub for its HTTP upstream."""

    @property
    def hub_name(self) -> str:
        """Return the name of the hub."""

    @property
    def connection_setting(self) -> str:
        """Return the app setting that describes the connection."""

    @property
    def filters(self) -> Sequence[Filter]:
        """Return the filters around every event, outermost first."""

    @property
    def _methods(self) -> Sequence[HubMethod]: ...
