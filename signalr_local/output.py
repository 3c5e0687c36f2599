"""Where the log goes: text for people, events as JSON for programs, or both."""

import argparse
import logging
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signalr_local.host import console
from signalr_local.host.options import HostOptions

if TYPE_CHECKING:
    from signalr_local.inspector.host_events import HostEvents
    from signalr_local.inspector.journal import Journal

__all__ = ["Output"]


class Output:
    """Show the log as the command line says. Raise OSError for a file that cannot be written."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        is_verbose = bool(getattr(arguments, "verbose", False))
        self.is_text = not (
            getattr(arguments, "output", None) == "json" or getattr(arguments, "enable_json_output", False)
        )
        self.levels = console.install(verbose=is_verbose)
        self._journal: Journal | None = None
        self._events: HostEvents | None = None
        file: str | None = getattr(arguments, "json_output_file", None)
        if not self.is_text:
            logging.getLogger("signalr_local").handlers.clear()
        if self.is_text and file is None:
            return
        from signalr_local.json_output import JsonOutput

        journal = self.journal()
        if not self.is_text:
            JsonOutput(sys.stdout, journal)
        if file is not None:
            JsonOutput(Path(file).open("w", encoding="utf-8"), journal)  # noqa: SIM115
        self._start()

    def journal(self) -> "Journal":
        """Return the journal, which is told of everything from the first call on."""
        if self._journal is None:
            # Where nothing but text is asked for, it is imported while the worker imports the app.
            from signalr_local.inspector.host_events import HostEvents
            from signalr_local.inspector.journal import Journal

            self._journal = Journal()
            self._events = HostEvents(self._journal, self.levels)
            logging.getLogger("signalr_local").addHandler(self._events)
        return self._journal

    def options(self, options: HostOptions) -> HostOptions:
        """Return options whose steps and loadings of the app are told to the journal too."""
        return replace(options, on_loaded=self._loaded, on_step=self._stepped)

    def failed(self, text: str) -> None:
        """Tell why the host does not start."""
        if self._events is not None:
            self._events.failed(text)

    def finish(self, code: int) -> None:
        """Tell the end, which is the last event."""
        if self._events is not None:
            self._events.finish("host_failed" if code else "sigint")

    def _start(self) -> None:
        if self._events is not None:
            self._events.started()

    def _stepped(self, what: str, fields: Mapping[str, Any]) -> None:
        if self._events is not None:
            self._events.stepped(what, fields)

    def _loaded(self, instance: Any, before: Any, seconds: float) -> None:
        if self._events is not None:
            self._events.loaded(instance, before, seconds)
