"""Fixtures for tests that ask Azure: a cloud of their own, an environment that leads there, and a clock."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.keyvault.secrets._shared import http_challenge_cache

from serverless_signalr._rest.pool import PoolTransport, close_pools
from serverless_signalr.connection import forget
from serverless_signalr.rest import ServiceClient
from tests.serverless_signalr.azure_fakes.certificates import Certificates
from tests.serverless_signalr.azure_fakes.clock import Clock
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, Cloud
from tests.serverless_signalr.azure_fakes.connections import KEY, connection_string
from tests.serverless_signalr.hubs import CONNECTION, SETTING
from tests.serverless_signalr.rest_service import Service, connected

OLDEST = (3, 12)

_PREFIXES = ("AZURE_", "IDENTITY_", "MSI_", "IMDS_")
_PROXY = "_PROXY"


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out, on a Python that only the library supports, the tests that run the local runtime."""
    is_library_alone = sys.version_info[:2] == OLDEST and collection_path.suffix == ".py"
    return True if is_library_alone and "signalr_local" in collection_path.read_text("utf-8") else None


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Let what a process says once, or reads once, be said and read once in a test."""
    forget()


@pytest.fixture
def service_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the app setting that names the service."""
    monkeypatch.setenv(SETTING, CONNECTION)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return the certificates of this run."""
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def cloud(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Cloud]:
    """Run a cloud to which all connections go, with a managed identity for the app."""
    cloud = Cloud()
    await cloud.start(certificates.server)
    connector = partial(aiohttp.TCPConnector, resolver=cloud, ssl=certificates.client, use_dns_cache=False)
    monkeypatch.setattr(aiohttp, "TCPConnector", connector)
    for name in list(os.environ):
        if name.upper().startswith(_PREFIXES) or name.upper().endswith(_PROXY):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{cloud.identity_url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", cloud.identity.secret)
    http_challenge_cache.clear()
    # The pool of the event loop that sync functions share would lead the next test astray.
    await asyncio.to_thread(close_pools)
    forget()
    yield cloud
    await asyncio.to_thread(close_pools)
    forget()
    await cloud.stop()


@pytest.fixture
def kept(cloud: Cloud) -> Cloud:
    """Return a cloud whose vault has the connection string, and whose identity is assigned."""
    cloud.vault.put("signalr", connection_string(KEY))
    cloud.service.keys.add(KEY)
    cloud.identity.known.add(CLIENT)
    return cloud


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = await Service().start()
    yield service
    await service.stop()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[ServiceClient]:
    async with connected(service) as client:
        yield client


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses between attempts, none of which is made."""
    seconds: list[float] = []

    async def sleep(self: object, duration: float) -> None:
        seconds.append(duration)

    monkeypatch.setattr(AsyncHttpTransport, "sleep", sleep)
    return seconds


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the pauses that azure-core makes before it tries again; they take no time."""
    taken: list[float] = []

    async def sleep(transport: PoolTransport, seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(PoolTransport, "sleep", sleep)
    return taken
