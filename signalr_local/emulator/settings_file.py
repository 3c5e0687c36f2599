"""Upstream rules in a settings.json, in the form of the official emulator.

Source: ``asrs-emulator upstream init`` of Microsoft.Azure.SignalR.Emulator, which reads the file with .NET's
configuration: names have no case, comments and trailing commas are allowed.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from signalr_local.emulator.rules import UpstreamRule

__all__ = ["DEFAULT_SETTINGS", "FILE_NAME", "SettingsFile"]

FILE_NAME = "settings.json"

DEFAULT_SETTINGS = """\
{
  "UpstreamSettings": {
    "Templates": [
      {
        "UrlTemplate": "http://localhost:7071/runtime/webhooks/signalr",
        "EventPattern": "*",
        "HubPattern": "*",
        "CategoryPattern": "*"
      }
    ]
  }
}
"""

type Signature = tuple[int, int, int] | None

_log = logging.getLogger(__name__)


class SettingsFile:
    """A file with upstream rules, or the file of this name in a folder."""

    def __init__(self, path: Path) -> None:
        """Take the path. Raise ValueError if there is no such file."""
        self.path = path / FILE_NAME if path.is_dir() else path
        if not self.path.is_file():
            folder = path / FILE_NAME
            raise ValueError(f"Unable to find config file '{path}' or '{folder}'.")
        self._signature = self._sign()

    def read(self) -> list[UpstreamRule]:
        """Return the rules in their order. Raise ValueError that says what is wrong with the file."""
        import jsonc

        # A pipe in the file's place would have everybody wait for somebody who writes into it.
        if self.path.exists() and not self.path.is_file():
            raise ValueError(f"{self.path} cannot be read: it is not a file")
        try:
            content = jsonc.loads(self.path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise ValueError(f"{self.path} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{self.path} is not valid JSON: {error}") from None
        templates = _member(_member(content, "UpstreamSettings"), "Templates")
        if templates is None:
            return []
        if not isinstance(templates, list):
            raise ValueError(f"{self.path}: UpstreamSettings.Templates must be a list")
        return [self._rule(number, template) for number, template in enumerate(templates)]

    def has_rules(self) -> bool:
        """Tell whether the file is meant for the emulator: others have one of this name too."""
        try:
            return "upstreamsettings" in self.path.read_text(encoding="utf-8-sig").lower()
        except (OSError, ValueError):
            return False

    async def watch(self, apply: Callable[[Sequence[UpstreamRule]], None], interval: float = 0.5) -> None:
        """Apply the rules each time that the file has changed, until cancelled.

        It is looked at every ``interval`` seconds, which works on any file system, and read once it has
        stayed the same for that long. A file that cannot be read is an error in the log: the rules stay.
        """
        seen = self._signature
        while True:
            await asyncio.sleep(interval)
            before, seen = seen, self._sign()
            if seen != before or seen == self._signature:
                continue
            self._signature = seen
            try:
                rules = self.read()
            except ValueError as error:
                _log.error("%s. The rules that were read before stay in use.", error)
            else:
                apply(rules)

    def _sign(self) -> Signature:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _rule(self, number: int, template: object) -> UpstreamRule:
        url = _member(template, "UrlTemplate")
        if not isinstance(template, dict) or not isinstance(url, str) or not url.strip():
            raise ValueError(f"{self.path}: rule [{number}] must be an object with a UrlTemplate")
        patterns = {
            name: self._pattern(number, template, f"{name.capitalize()}Pattern")
            for name in ("hub", "category", "event")
        }
        auth = _member(_member(template, "Auth"), "Type")
        if isinstance(auth, str) and auth.lower() == "managedidentity":
            _log.warning(
                "%s: rule [%d] authenticates with a managed identity, which the emulator does not have: its "
                "requests carry no Authorization header.",
                self.path,
                number,
            )
        return UpstreamRule(url.strip(), **patterns)

    def _pattern(self, number: int, template: Mapping[str, Any], name: str) -> str:
        if not any(key.lower() == name.lower() for key in template):
            return "*"
        pattern = _member(template, name)
        if pattern is not None and not isinstance(pattern, str):
            raise ValueError(f"{self.path}: the {name} of rule [{number}] must be a text")
        # As in the official emulator, an empty pattern matches nothing.
        return pattern or ""


def _member(value: object, name: str) -> Any:
    if not isinstance(value, dict):
        return None
    return next((item for key, item in value.items() if key.lower() == name.lower()), None)
