"""A parser of command lines that says which option is unknown, and which one may be meant."""

import argparse
import difflib
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

__all__ = ["OptionParser"]


class OptionParser(argparse.ArgumentParser):
    """An ArgumentParser that names an unknown option itself, not the value behind it.

    Each command refuses what it does not know, with its own usage. argparse would leave that to the first
    parser, which knows nothing of the command's options.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._words: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, and refuse what is not known."""
        self._words = sys.argv[1:] if args is None else args
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """End with the usage and a sentence."""
        super().error(self._unknown() or message)

    def _unknown(self) -> str | None:
        known = {name for action in self._actions for name in action.option_strings}
        commands = self._commands()
        for word in self._words:
            name = word.partition("=")[0]
            if name in commands or name == "--":
                return None
            if name.startswith("--") and not any(one.startswith(name) for one in known):
                near = difflib.get_close_matches(name, known, n=1)
                return f"there is no option {name}" + (f"; is {near[0]} meant?" if near else "")
        return None

    def _commands(self) -> Iterable[str]:
        return [
            name
            for action in self._actions
            if isinstance(action, argparse._SubParsersAction)
            for name in action.choices
        ]
