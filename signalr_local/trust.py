"""The certificates that the system trusts, read when the local runtime is up, or when it needs them.

aiohttp makes two TLS contexts when it is imported, and reads all of these certificates for each. That takes a
quarter of the time that an app takes to import, for requests over TLS, which most runs do not make.
"""

import asyncio
import ssl
import threading
from collections.abc import Mapping

__all__ = ["import_aiohttp", "read", "read_for"]

_waiting: list[ssl.SSLContext] = []
_lock = threading.Lock()


def import_aiohttp() -> None:
    """Import aiohttp. Until ``read`` its contexts trust nobody: requests over TLS fail."""
    # The method is inherited: what is set here hides it, until that is deleted.
    ssl.SSLContext.set_default_verify_paths = _read_later  # type: ignore[assignment,method-assign]
    try:
        import aiohttp  # noqa: F401 - for its effect
    finally:
        del ssl.SSLContext.set_default_verify_paths


def read() -> None:
    """Read the certificates, unless that was done."""
    with _lock:  # Who waits for it finds all of them read.
        while _waiting:
            _waiting.pop().set_default_verify_paths()


async def read_for(settings: Mapping[str, str]) -> None:
    """Read the certificates in a thread, and wait for it if a setting names a service in Azure."""
    if any(_names_a_service(name.lower(), value.lower()) for name, value in settings.items()):
        await asyncio.to_thread(read)
    else:
        # The process ends only when it has: OpenSSL must not be taken down under it.
        threading.Thread(target=read, name="trust").start()


def _names_a_service(name: str, value: str) -> bool:
    return "endpoint=https:" in value or name.endswith("serviceuri")


def _read_later(context: ssl.SSLContext) -> None:
    _waiting.append(context)
