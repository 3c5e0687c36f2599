"""What the command line says about the host; ``None`` leaves the word to local.settings.json."""

from dataclasses import dataclass, field
from datetime import datetime
from ssl import SSLContext

from signalr_local.clock import SYSTEM, Clock

__all__ = ["HostOptions"]


@dataclass(frozen=True, slots=True)
class HostOptions:
    """``keep_values`` turns off what Azure does to dates and other values on their way.

    ``functions`` are the names of those that run, all of them where there are none. ``host_names`` are names
    by which others reach the host, beside those of this machine. ``missed`` is what timers keep from one
    loading of the app to the next, and ``clock`` is what they go by.
    """

    keep_values: bool = False
    cors_origins: tuple[str, ...] | None = None
    cors_credentials: bool | None = None
    functions: tuple[str, ...] = ()
    host_names: tuple[str, ...] = ()
    tls: SSLContext | None = None
    missed: dict[str, datetime] = field(default_factory=dict)
    clock: Clock = SYSTEM
