"""The choice of a service instance for a client."""

import random
from collections.abc import Callable, Sequence

from serverless_signalr._models.negotiation import SignalREndpoint

__all__ = ["Router", "any_online"]

type Router = Callable[[Sequence[SignalREndpoint]], SignalREndpoint]
"""A function that chooses one of several endpoints, such as those of ``signalr_endpoints_input``."""


def any_online(endpoints: Sequence[SignalREndpoint]) -> SignalREndpoint:
    """Choose a random primary endpoint that is up, or else a secondary one that is up.

    If all are down, choose a primary one: it may be up again by the time the client connects. Raise
    ValueError without endpoints.
    """
    if not endpoints:
        raise ValueError("there is no endpoint to choose from")
    primary = [endpoint for endpoint in endpoints if endpoint.endpoint_type == "Primary"]
    online = [endpoint for endpoint in primary if endpoint.online]
    backup = [endpoint for endpoint in endpoints if endpoint.online]
    return random.choice(online or backup or primary or list(endpoints))  # noqa: S311 - not a secret
