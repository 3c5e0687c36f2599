"""What is said where a package is missing that only some installations have."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from serverless_signalr._extras import requiring

ROOT = Path(__file__).parents[2]
SEND = """
from serverless_signalr.rest import ServiceClient
asyncio.run(ServiceClient("Endpoint=http://127.0.0.1:1;AccessKey=k", "chat").send_to_all("m"))
"""
IDENTITY = """
from serverless_signalr.connection import service_connection
service = service_connection("Mine", {"Mine__serviceUri": "https://chat.service.signalr.net"})
asyncio.run(service.client("chat").send_to_all("m"))
"""
KEY = """
from serverless_signalr.connection import service_connection
service = service_connection("Mine", {"Mine__serviceUri": "https://chat.service.signalr.net"})
asyncio.run(service.client_endpoint())
"""
VAULT = """
from serverless_signalr.connection import service_connection
service = service_connection("Mine", {"Mine": "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"})
asyncio.run(service.client_endpoint())
"""

TABLE = """
from serverless_signalr.answers import TableAnswerStore
store = TableAnswerStore("Mine", settings={"Mine__accountName": "mystore"})
asyncio.run(store.read("a"))
"""


@pytest.mark.parametrize(
    ("script", "package", "line"),
    [
        (SEND, "aiohttp", 'pip install "serverless-signalr"'),
        (SEND, "azure.core", 'pip install "serverless-signalr"'),
        (IDENTITY, "azure.identity", 'pip install "serverless-signalr[identity]"'),
        (KEY, "azure.identity", 'pip install "serverless-signalr[identity]"'),
        (VAULT, "azure.keyvault", 'pip install "serverless-signalr[identity]"'),
        (VAULT, "azure.identity", 'pip install "serverless-signalr[identity]"'),
        (TABLE, "azure.data.tables", 'pip install "serverless-signalr[answers]"'),
        (TABLE, "azure.identity", 'pip install "serverless-signalr[identity]"'),
    ],
    ids=["aiohttp", "azure-core", "identity", "key", "vault", "vault-identity", "table", "table-identity"],
)
def test_missing_package_is_told_with_what_installs_it(script: str, package: str, line: str) -> None:
    program = f"import asyncio, sys; sys.modules[{package!r}] = None\n{script}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: ")
    assert f"needs the package {package}" in last
    assert last.endswith(line)


def test_fault_of_the_library_itself_is_no_missing_package() -> None:
    missing = r"^No module named 'serverless_signalr\.nothing'$"
    with pytest.raises(ModuleNotFoundError, match=missing), requiring("something", "identity"):
        import_module("serverless_signalr.nothing")
