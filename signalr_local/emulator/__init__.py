"""Azure SignalR Service in Serverless mode, on one machine."""

from signalr_local.emulator.rules import UpstreamRule
from signalr_local.emulator.server import DEFAULT_ACCESS_KEY, DEFAULT_PORT, SECONDARY_ACCESS_KEY, Emulator
from signalr_local.emulator.tiers import TIERS, Tier
from signalr_local.emulator.timing import Timing

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
