"""The hosts that are this machine, and the addresses that may receive an access token.

Whoever intercepts a Microsoft Entra ID token can use it for everything in its scope.
"""

from urllib.parse import urlsplit

from serverless_signalr.errors import ConnectionStringError

__all__ = ["LOCAL_HOSTS", "check_https", "is_local"]

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


def is_local(url: str) -> bool:
    """Tell whether an address is on this machine."""
    return urlsplit(url).hostname in LOCAL_HOSTS


def check_https(label: str, url: str) -> None:
    """Raise ConnectionStringError if an access token sent to the address would not be encrypted."""
    if urlsplit(url).scheme != "https" and not is_local(url):
        raise ConnectionStringError(
            f"{label} must start with https://, since Entra ID access tokens are sent to it"
        )
