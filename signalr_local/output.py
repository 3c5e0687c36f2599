"""Where the log goes: text for people, JSON for programs, or both."""

import argparse
import logging
import sys
from dataclasses import replace

from signalr_local.host import console
from signalr_local.host.options import HostOptions
from signalr_local.json_output import JsonOutput

__all__ = ["Output"]


class Output:
    """Show the log as the command line says. Raise OSError for a file that cannot be written."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        is_verbose = bool(getattr(arguments, "verbose", False))
        self.is_text = not getattr(arguments, "enable_json_output", False)
        self.levels = console.install(verbose=is_verbose)
        self._json: list[JsonOutput] = []
        logger = logging.getLogger("signalr_local")
        if not self.is_text:
            logger.handlers.clear()
            self._json.append(JsonOutput(sys.stdout))
        if file := getattr(arguments, "json_output_file", None):
            self._json.append(JsonOutput(open(file, "w", encoding="utf-8")))  # noqa: SIM115
        for handler in self._json:
            handler.addFilter(self.levels)
            logger.addHandler(handler)

    def options(self, options: HostOptions) -> HostOptions:
        """Return options whose loadings of the app are written too."""
        if not self._json:
            return options

        def on_loaded(*loading: object) -> None:
            for handler in self._json:
                handler.loaded(*loading)  # type: ignore[arg-type]

        return replace(options, on_loaded=on_loaded)

    def finish(self, code: int) -> None:
        """Write the last record."""
        for handler in self._json:
            handler.finish("host_failed" if code else "sigint")
