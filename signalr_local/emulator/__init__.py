"""Azure SignalR Service in Serverless mode, on one machine."""

from typing import TYPE_CHECKING, Any

from signalr_local.emulator.defaults import DEFAULT_ACCESS_KEY, DEFAULT_PORT, SECONDARY_ACCESS_KEY
from signalr_local.emulator.rules import UpstreamRule
from signalr_local.emulator.tiers import TIERS, Tier
from signalr_local.emulator.timing import Timing

if TYPE_CHECKING:
    from signalr_local.emulator.server import Emulator

__all__ = [
    "DEFAULT_ACCESS_KEY",
    "DEFAULT_PORT",
    "SECONDARY_ACCESS_KEY",
    "TIERS",
    "Emulator",
    "Tier",
    "Timing",
    "UpstreamRule",
]


def __getattr__(name: str) -> Any:
    # The server brings aiohttp, which takes longer to import than all the rest.
    if name != "Emulator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from signalr_local.emulator.server import Emulator

    return Emulator
