"""The REST client, for what no binding can do: check, list and close connections."""

from functools import cache
from typing import TYPE_CHECKING

from blueprints.hub import HUB

if TYPE_CHECKING:
    from serverless_signalr import ClientManager

__all__ = ["clients"]


@cache
def clients() -> "ClientManager":
    """Return the shared manager of the hub's clients."""
    # The import is in the function, so that a cold start that only negotiates does not load the REST client.
    from serverless_signalr import ClientManager, service_connection

    return ClientManager(service_connection().client(HUB))
