"""Both access keys renewed, one after the other, while code that reads its secret from Key Vault goes on."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from serverless_signalr._connection.settings import read_instances
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.connection import ServiceConnection
from signalr_local.emulator import Emulator
from tests.serverless_signalr.azure_fakes.clock import Clock
from tests.serverless_signalr.azure_fakes.cloud import Cloud

FIRST, SECOND, NEW_FIRST, NEW_SECOND = "F" * 44, "S" * 44, "f" * 44, "s" * 44
REFERENCE = {"Mine": "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"}
WAIT = 65
"""Minutes between the switch to another key and the renewal of the one before, see rotate-key.sh."""


class App:
    """Negotiate and send, as an app does, with whatever key the vault has."""

    def __init__(
        self, cloud: Cloud, clock: Clock, emulator: Emulator, session: aiohttp.ClientSession
    ) -> None:
        self._cloud = cloud
        self._emulator = emulator
        self._session = session
        self._url = f"http://127.0.0.1:{emulator.port}"
        self.connection = ServiceConnection(read_instances("Mine", REFERENCE), clock=clock)
        self._client = self.connection.client("chat")

    def put(self, key: str) -> None:
        """Put the connection string with a key into the vault."""
        self._cloud.vault.put("signalr", f"Endpoint={self._url};AccessKey={key};Version=1.0;")

    async def use(self) -> None:
        """Send a client to the service, and a message: both are taken."""
        endpoint = await self.connection.client_endpoint()
        headers = {"Authorization": f"Bearer {sign_client_token(endpoint, 'chat')}"}
        url = f"{self._url}/client/negotiate?hub=chat&negotiateVersion=1"
        async with self._session.post(url, headers=headers) as response:
            assert response.status == 200
        await self._client.send_to_all("newMessage")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    emulator = Emulator(keys=[FIRST, SECOND])
    await emulator.start(port=0)
    yield emulator
    await emulator.stop()


@pytest.fixture
async def app(cloud: Cloud, clock: Clock, emulator: Emulator) -> AsyncIterator[App]:
    async with aiohttp.ClientSession() as session:
        app = App(cloud, clock, emulator, session)
        app.put(FIRST)
        await app.use()
        yield app


async def test_app_that_is_used_all_the_time_is_never_refused(
    app: App, emulator: Emulator, clock: Clock
) -> None:
    for key, keys in ((SECOND, [NEW_FIRST, SECOND]), (NEW_FIRST, [NEW_FIRST, NEW_SECOND])):
        app.put(key)
        for _ in range(WAIT):
            clock.pass_by(minutes=1)
            await asyncio.gather(*(app.use() for _ in range(3)))
        emulator.keys = keys
        await asyncio.gather(*(app.use() for _ in range(3)))


async def test_app_that_sleeps_meanwhile_is_not_refused_when_it_wakes(
    app: App, emulator: Emulator, clock: Clock
) -> None:
    for key, keys in ((SECOND, [NEW_FIRST, SECOND]), (NEW_FIRST, [NEW_FIRST, NEW_SECOND])):
        app.put(key)
        clock.pass_by(minutes=WAIT)
        emulator.keys = keys
        await app.use()


async def test_key_that_leaked_and_is_renewed_at_once_costs_no_message(app: App, emulator: Emulator) -> None:
    app.put(SECOND)
    emulator.keys = [NEW_FIRST, SECOND]
    await app._client.send_to_all("newMessage")
    await app.use()
