"""The addresses that the emulator listens on."""

import errno
import logging
from collections.abc import Sequence

from aiohttp import web

__all__ = ["LOOPBACK", "listen"]

LOOPBACK = ("127.0.0.1", "::1")
"""Both loopback addresses: a client may resolve localhost to either."""

_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, None)
"""What asyncio raises has no number."""

_ATTEMPTS = 8

_BACKLOG = 4096
"""Clients that may wait to be accepted: after a restart all come back at once, and who is turned away waits
for a second before it tries again."""

_log = logging.getLogger(__name__)


async def listen(runner: web.ServerRunner, hosts: Sequence[str], port: int) -> list[str]:
    """Listen on one port of the addresses, and return what they are called in a URL.

    Port 0 is one that is free on all of them. The first address must be there, the others need not. Raise
    OSError for a port that is in use.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        sites: list[web.TCPSite] = []
        try:
            for host in hosts:
                chosen = runner.addresses[0][1] if sites else port
                await _add(sites, web.TCPSite(runner, host, chosen, backlog=_BACKLOG))
        except OSError:
            for site in sites:
                await site.stop()
            if port != 0 or attempt == _ATTEMPTS:
                raise
        else:
            break
    chosen = runner.addresses[0][1]
    return [f"http://{f'[{host}]' if ':' in host else host}:{chosen}" for host in hosts[: len(sites)]]


async def _add(sites: list[web.TCPSite], site: web.TCPSite) -> None:
    try:
        await site.start()
    except OSError as error:
        if not sites or error.errno not in _NO_SUCH_ADDRESS:
            raise
        _log.debug("There is no such address on this machine: %s.", error)
    else:
        sites.append(site)
