"""The certificates that the system trusts: read late, and before they are needed."""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, json, ssl, sys
from signalr_local import trust

trust.import_aiohttp()
contexts = list(trust._waiting)
before = [context.cert_store_stats()["x509_ca"] for context in contexts]
asyncio.run(trust.read_for(json.loads(sys.argv[1])))
waited = not trust._waiting
trust.read()
print(json.dumps({
    "before": before,
    "waited": waited,
    "after": [context.cert_store_stats()["x509_ca"] for context in contexts],
    "expected": ssl.create_default_context().cert_store_stats()["x509_ca"],
    "modes": sorted(context.verify_mode.name for context in contexts),
}))
"""


def run(settings: dict[str, str]) -> dict[str, object]:
    # aiohttp is imported in the process of the tests.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(settings)], capture_output=True, text=True, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_aiohttp_trusts_nobody_before_and_whom_the_system_trusts_afterwards() -> None:
    found = run({"A": "Endpoint=https://chat.service.signalr.net;AccessKey=k;Version=1.0;"})
    assert found["before"] == [0, 0]
    assert found["after"] == [found["expected"]] * 2
    assert found["modes"] == ["CERT_NONE", "CERT_REQUIRED"]


@pytest.mark.parametrize(
    "settings",
    [
        {"A": "Endpoint=https://chat.service.signalr.net;AccessKey=k;Version=1.0;"},
        {"A": "endpoint=HTTPS://chat.service.signalr.net;AuthType=azure.msi;"},
        {"A__serviceUri": "https://chat.service.signalr.net"},
    ],
    ids=["key", "identity", "service-uri"],
)
def test_a_service_in_azure_is_waited_for(settings: dict[str, str]) -> None:
    assert run(settings)["waited"]
