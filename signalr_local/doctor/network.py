"""Why an address of Azure could not be reached from this machine, and what to do about it."""

import aiohttp

__all__ = ["FAILURES", "unreachable"]

FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What a request raises that got no answer."""

_PRIVATE = "; if it is in a private network, run the doctor in there"


def unreachable(host: str | None, error: Exception, fix: str) -> tuple[str, str]:
    """Return what happened and what to do; ``fix`` is for a failure that says nothing by itself."""
    reason = type(error).__name__
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return (
            f"the proxy does not lead to {host} ({reason})",
            "correct HTTPS_PROXY, or name the host in NO_PROXY",
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return (
            f"the certificate of {host} is not trusted here",
            "if a proxy has a certificate of its own, name its file in SSL_CERT_FILE",
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the name {host} is not known here", f"compare the name{_PRIVATE}"
    return f"{host} cannot be reached from here ({reason})", f"{fix}{_PRIVATE}"
