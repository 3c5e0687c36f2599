"""What kept a request from Azure, in words that lead to the cause."""

import ssl
from unittest.mock import Mock

import aiohttp
import pytest

from signalr_local.doctor.network import unreachable

KEY = Mock(host="a.example", port=443, ssl=True)
REFUSED = OSError(111, "refused")


@pytest.mark.parametrize(
    ("error", "seen", "fix"),
    [
        (
            aiohttp.ClientProxyConnectionError(KEY, REFUSED),
            "the proxy does not lead to a.example",
            "correct HTTPS_PROXY, or name the host in NO_PROXY",
        ),
        (
            aiohttp.ClientHttpProxyError(Mock(), (), status=407),
            "the proxy does not lead to a.example",
            "correct HTTPS_PROXY, or name the host in NO_PROXY",
        ),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed")),
            "the certificate of a.example is not trusted here",
            "name its file in SSL_CERT_FILE",
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "unknown")),
            "the name a.example is not known here",
            "compare the name; if it is in a private network, run the doctor in there",
        ),
        (
            TimeoutError(),
            "a.example cannot be reached from here (TimeoutError)",
            "start it; if it is in a private network, run the doctor in there",
        ),
    ],
    ids=["no proxy", "a proxy that refuses", "certificate", "name", "nothing"],
)
def test_a_failure_is_told_with_what_to_do(error: Exception, seen: str, fix: str) -> None:
    told, what_to_do = unreachable("a.example", error, "start it")
    assert told.startswith(seen)
    assert what_to_do.endswith(fix)
