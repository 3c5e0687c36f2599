"""One connection in its forms, as app settings."""

from collections.abc import Awaitable, Callable

from serverless_signalr._connection.settings import read_instances
from serverless_signalr.connection import ServiceConnection
from tests.serverless_signalr.azure_fakes.clock import Clock
from tests.serverless_signalr.azure_fakes.cloud import CLIENT

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
OTHER_KEY = KEY[::-1]
URI = "https://chat.service.signalr.net"
REFERENCE = {"Mine": "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"}
IDENTITY = {"Mine__serviceUri": URI, "Mine__credential": "managedidentity", "Mine__clientId": CLIENT}


def connection_string(key: str) -> str:
    return f"Endpoint={URI};AccessKey={key};Version=1.0;"


def connect(settings: dict[str, str], clock: Clock) -> ServiceConnection:
    return ServiceConnection(read_instances("Mine", settings), clock=clock)


def serves_with(connection: ServiceConnection, key: str) -> Callable[[], Awaitable[bool]]:
    async def does() -> bool:
        return (await connection.client_endpoint()).access_key == key

    return does
