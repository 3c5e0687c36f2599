"""Which hosts are this machine, and where an access token may go.

A token of Microsoft Entra ID opens whatever its scope names, for whoever reads it on the way.
"""

from urllib.parse import urlsplit

from serverless_signalr.errors import ConnectionStringError

__all__ = ["LOCAL_HOSTS", "check_https", "is_local"]

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_local(url: str) -> bool:
    """Tell whether an address is on this machine."""
    return urlsplit(url).hostname in LOCAL_HOSTS


def check_https(label: str, url: str) -> None:
    """Raise ConnectionStringError for an address to which an access token would travel unencrypted."""
    if urlsplit(url).scheme != "https" and not is_local(url):
        raise ConnectionStringError(
            f"{label} must start with https:// to be sent an access token of Entra ID"
        )
