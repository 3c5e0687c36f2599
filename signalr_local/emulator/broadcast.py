"""One message to many clients."""

from collections.abc import Collection

from signalr_local.emulator.connection import Connection
from signalr_local.emulator.protocols import Outgoing

__all__ = ["broadcast"]


def broadcast(message: Outgoing, connections: Collection[Connection]) -> int:
    """Queue a message for many clients and return how many they are.

    Everything is encoded first: a message that a protocol cannot carry is a ValueError and reaches nobody.
    """
    protocols = {connection.protocol for connection in connections}
    encoded = {protocol: message.encoded(protocol) for protocol in protocols}
    for connection in connections:
        if connection.is_traced:
            connection.send(message)
        else:
            connection.put(encoded[connection.protocol])
    return len(connections)
