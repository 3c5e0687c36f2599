"""Listening sockets: one port of several addresses, taken before anything answers there."""

import errno
import logging
import socket
from collections.abc import Sequence

__all__ = ["BACKLOG", "LOOPBACK", "listen", "url_of"]

LOOPBACK = ("127.0.0.1", "::1")
"""Both loopback addresses: a client may resolve localhost to either."""

_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_ATTEMPTS = 8

BACKLOG = 4096
"""Clients that may wait to be accepted: after a restart all come back at once, and who is turned away waits
for a second before it tries again."""

_log = logging.getLogger("signalr_local")


def listen(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Listen on one port of several addresses; clients wait until a server accepts them.

    Port 0 is one that is free on all of them. The first address must be there, the others need not. Raise
    OSError for a port that is taken, and for an address that this machine does not have.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _listen(addresses, port)
        except OSError:
            if port != 0 or attempt == _ATTEMPTS:
                raise
    raise AssertionError


def _listen(addresses: Sequence[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        chosen = sockets[0].getsockname()[1] if sockets else port
        try:
            one = socket.create_server((address, chosen), family=family, backlog=BACKLOG)
        except OSError as error:
            if sockets and error.errno in _NO_SUCH_ADDRESS:
                _log.debug("There is no such address on this machine: %s.", error)
                continue
            for taken in sockets:
                taken.close()
            raise
        sockets.append(one)
    return sockets


def url_of(one: socket.socket) -> str:
    """Return the address that a socket listens at as a URL."""
    host, port, *_ = one.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
