"""Two endpoints of one connection, as app settings."""

from serverless_signalr._connection.settings import read_instances
from serverless_signalr.connection import ServiceConnection
from tests.serverless_signalr.azure_fakes.clock import Clock

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
BACKUP_KEY = KEY[::-1]
MAIN = "https://chat.service.signalr.net"
BACKUP = "https://backup.service.signalr.net"
REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
ENDPOINTS = {
    "Azure__SignalR__Endpoints__main": f"Endpoint={MAIN};AccessKey={KEY};Version=1.0;",
    "Azure__SignalR__Endpoints__backup__secondary": f"Endpoint={BACKUP};AccessKey={BACKUP_KEY};Version=1.0;",
}


def connect(settings: dict[str, str], clock: Clock) -> ServiceConnection:
    return ServiceConnection(read_instances("Mine", settings), clock=clock)
