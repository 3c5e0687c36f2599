"""The versions of the REST API.

Source: https://github.com/Azure/azure-signalr/tree/dev/docs/swagger, and for 2026-07-01, which has no
description there, the requests of the .NET Management SDK.
"""

import logging
import re

from signalr_local.emulator.call import RestError, invalid

__all__ = ["API_VERSIONS", "Versions"]

API_VERSIONS = ("2022-06-01", "2022-11-01", "2023-07-01", "2024-12-01", "2026-07-01")
"""The versions of ``/api/hubs``, oldest first; ``/api/v1/hubs`` has none."""

_NEWEST = API_VERSIONS[-1]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?")
_MAX_TOLD = 16

_log = logging.getLogger(__name__)


class Versions:
    """Read the ``api-version`` of requests.

    A version newer than the newest known one is treated as that one, so that the next release of an SDK
    works; the log says so once per version. With ``is_lenient`` every value is, as in the official emulator.
    """

    def __init__(self, *, is_lenient: bool = False) -> None:
        self._is_lenient = is_lenient
        self._told: set[str] = set()

    def check(self, version: str | None) -> str:
        """Return the version in which a request is to be answered. Raise RestError for an unknown one."""
        if version in API_VERSIONS:
            return version
        if version is not None and _DATE.fullmatch(version) and version > _NEWEST:
            self._tell(version)
            return _NEWEST
        if self._is_lenient:
            return _NEWEST
        raise _unknown(version)

    def _tell(self, version: str) -> None:
        if version in self._told or len(self._told) >= _MAX_TOLD:
            return
        self._told.add(version)
        _log.warning(
            "The api-version %s is newer than the newest that the emulator knows and is treated as %s.",
            version,
            _NEWEST,
        )


def _unknown(version: str | None) -> RestError:
    seen = "is missing" if version is None else f"{version[:40]!r} is not known"
    return invalid(
        f"The query parameter api-version {seen}; known are {', '.join(API_VERSIONS)}.", "api-version"
    )
