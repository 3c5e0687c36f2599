"""The client of the service's REST API, for what no binding does: look who is there, and close."""

from functools import cache
from typing import TYPE_CHECKING

from blueprints.hub import HUB

if TYPE_CHECKING:
    from serverless_signalr import ClientManager

__all__ = ["clients"]


@cache
def clients() -> "ClientManager":
    """Return the manager of the hub's clients, the same one each time."""
    # The first call imports what it takes to send requests: a cold start that only negotiates does without.
    from serverless_signalr import ClientManager, service_connection

    return ClientManager(service_connection().client(HUB))
