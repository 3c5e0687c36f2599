"""App settings of a machine: local.settings.json and the environment.

Source: Azure Functions Core Tools, whose rules for this file are kept where an app could tell.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from signalr_local.host.json_files import read_object

__all__ = ["LOCAL_SETTINGS", "LocalSettings", "Settings", "split_origins"]

LOCAL_SETTINGS = "local.settings.json"

_LAST_PORT = 65_535

_SECTIONS = ("Values", "ConnectionStrings", "Host")

_log = logging.getLogger("signalr_local.host")


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Hold what local.settings.json says; ``values`` become the app's environment."""

    values: dict[str, str] = field(default_factory=dict)
    port: int | None = None
    address: str | None = None
    cors_origins: tuple[str, ...] = ()
    cors_credentials: bool = False

    @classmethod
    def read(cls, app: Path, *, is_quiet: bool = False) -> "LocalSettings":
        """Read the file of an app's folder. Raise ValueError that says what is wrong with it.

        An app without the file has no settings but those of the environment. What is strange is logged unless
        ``is_quiet``.
        """
        path = app / LOCAL_SETTINGS
        content = read_object(path)
        if content is None:
            if not is_quiet:
                _warn_of_absence(app)
            return cls()
        if not is_quiet:
            _check_places(path, content)
        content = {name.lower(): value for name, value in content.items()}
        if content.get("isencrypted"):
            raise ValueError(
                f"{path} is encrypted, which only Core Tools can read: run func settings decrypt"
            )
        values, strings, host = (_section(path, content, name) for name in _SECTIONS)
        host = {name.lower(): value for name, value in host.items()}
        port = host.get("localhttpport")
        if port is not None and not (str(port).isdecimal() and int(port) <= _LAST_PORT):
            raise ValueError(f"{path} has the LocalHttpPort {port!r}, expected a number up to {_LAST_PORT}")
        return cls(
            values=_values(values, strings, is_quiet=is_quiet),
            port=None if port is None else int(port),
            address=str(host.get("localhttpaddress") or "") or None,
            cors_origins=split_origins(str(host.get("cors") or "")),
            cors_credentials=str(host.get("corscredentials", False)).lower() == "true",
        )

    def effective(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the values as an app sees them: what the environment already holds, and not empty, wins."""
        values = dict(self.values)
        for name in values:
            if environment.get(name):
                _log.warning(
                    "Skipping '%s' from local settings as it's already defined in current environment "
                    "variables.",
                    name,
                )
                values[name] = environment[name]
        return values


def _warn_of_absence(app: Path) -> None:
    example = f"{LOCAL_SETTINGS}.example"
    hint = f" Copy it from {example}." if (app / example).is_file() else ""
    _log.warning("%s has no %s: only settings of the environment apply.%s", app, LOCAL_SETTINGS, hint)


def split_origins(text: str) -> tuple[str, ...]:
    """Return the origins of a list with commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _section(path: Path, content: dict[str, Any], name: str) -> dict[str, Any]:
    section = content.get(name.lower()) or {}
    if not isinstance(section, dict):
        raise ValueError(f"{path} must hold an object as {name}")
    return section


def _check_places(path: Path, content: dict[str, Any]) -> None:
    known = {name.lower() for name in (*_SECTIONS, "IsEncrypted")}
    outside = sorted(
        name
        for name, value in content.items()
        if name.lower() not in known and not isinstance(value, dict | list)
    )
    if outside:
        _log.warning(
            "%s: settings stand outside of Values, where no app sees them: %s.", path, ", ".join(outside)
        )


def _values(given: dict[str, Any], strings: dict[str, Any], *, is_quiet: bool) -> dict[str, str]:
    named = dict(given)
    for name, value in strings.items():
        text = value.get("ConnectionString") if isinstance(value, dict) else value
        named[f"ConnectionStrings:{name}"] = text
    for name, value in named.items():
        if value is None and not is_quiet:
            _log.warning("Skipping '%s' because value is null", name)
    return {name: str(value) for name, value in named.items() if value is not None}


class Settings(Mapping[str, str]):
    """Look settings up as the host does: without regard to case, ``:`` and ``__`` being the same."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._lookup = {_key(name): value for name, value in self._values.items()}

    def __getitem__(self, name: str) -> str:
        return self._lookup[_key(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _key(name: str) -> str:
    return name.replace("__", ":").lower()
