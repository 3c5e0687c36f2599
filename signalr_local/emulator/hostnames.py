"""The names of this machine under which the emulator can be reached."""

import logging
import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from signalr_local.emulator.incoming import shown

__all__ = ["LOCALHOST", "HostNames", "same_host", "split_url"]

LOCALHOST = "localhost"
"""The one name that stands for all loopback addresses."""

_LOOPBACK = frozenset({LOCALHOST, "127.0.0.1", "::1"})


_log = logging.getLogger(__name__)

_NAME = re.compile(r"\w(?:[\w.-]*\w)?", re.ASCII)


class HostNames:
    """The host names that requests may have been sent to.

    Any page that a developer visits can send requests to a name in its own domain, and then have that name
    resolve to 127.0.0.1 (DNS rebinding); such a page could use the emulator's well-known key. So a name must
    be one that no stranger can register: localhost and names below it, a name without a dot, as containers
    have them, an address, or one that was given.
    """

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        """Take the names besides those. Raise ValueError for one that is not a host name."""
        self.given = frozenset(_check(name) for name in names)

    def allows(self, host: str | None) -> bool:
        """Tell whether a request with this Host header is meant for the emulator."""
        if host is None:
            return True
        parts = split_url(f"//{host}")
        name = (parts.hostname or "").rstrip(".") if parts is not None else ""
        if not name:
            return False
        is_local = "." not in name or name.endswith(f".{LOCALHOST}") or _is_address(name)
        return is_local or name in self.given

    def refuse(self, request: web.BaseRequest) -> web.Response:
        """Log a request that is meant for somebody else, and return the answer to it."""
        host = request.headers.get("Host")
        _log.warning(
            "%s is refused (403): it was sent to the host name %r. If that is this machine, start the "
            "emulator with --host-name.",
            shown(request),
            host,
        )
        return self.refusal(host)

    def refusal(self, host: str | None) -> web.Response:
        """Return the answer to a request that is meant for somebody else."""
        name = (host or "").rpartition(":")[0] or host or ""
        text = f"The emulator does not answer to the host name {name[:100]!r}; --host-name allows one.\n"
        return web.Response(status=403, text=text)


def split_url(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None for one that has no valid host and port."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def same_host(parts: SplitResult) -> str:
    """Return the host of a URL; all loopback addresses are the same one."""
    host = (parts.hostname or "").lower()
    return LOCALHOST if host in _LOOPBACK else host


@lru_cache(256)
def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _check(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"the host {name[:100]!r} is not valid, expected a name such as emulator.local, without scheme "
            "and port"
        )
    return LOCALHOST if name.lower() in _LOOPBACK else name.lower()
