"""What the command line says about the host; ``None`` leaves the word to local.settings.json."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from ssl import SSLContext
from typing import Any

from signalr_local.clock import SYSTEM, Clock
from signalr_local.host.interpreter import OWN, Interpreter
from signalr_local.host.steps import OnStep

__all__ = ["HostOptions"]


@dataclass(frozen=True, slots=True)
class HostOptions:
    """``keep_values`` turns off what Azure does to dates and other values on their way.

    ``functions`` are the names of those that run, all of them where there are none. ``host_names`` are names
    by which others reach the host, beside those of this machine. ``debug_port`` is where a debugger may
    attach to the app, ``interpreter`` is the Python that runs it. ``on_loaded`` is told of every loading: the
    new instance, the one before it or None, and the seconds that it took; ``on_step`` is told of the steps
    before the first one, and of the same ones before any later loading. ``missed`` is what timers keep from
    one loading of the app to the next, and ``clock`` is what they go by.
    """

    keep_values: bool = False
    cors_origins: tuple[str, ...] | None = None
    cors_credentials: bool | None = None
    functions: tuple[str, ...] = ()
    host_names: tuple[str, ...] = ()
    tls: SSLContext | None = None
    debug_port: int | None = None
    interpreter: Interpreter = OWN
    on_loaded: Callable[[Any, Any, float], None] | None = None
    on_step: OnStep | None = None
    missed: dict[str, datetime] = field(default_factory=dict)
    clock: Clock = SYSTEM
