"""Which of several instances of the service a client is sent to."""

import random
from collections.abc import Callable, Sequence

from serverless_signalr.models import SignalREndpoint

__all__ = ["Router", "any_online"]

type Router = Callable[[Sequence[SignalREndpoint]], SignalREndpoint]
"""A function that chooses one of several endpoints, like those of ``signalr_endpoints_input``."""


def any_online(endpoints: Sequence[SignalREndpoint]) -> SignalREndpoint:
    """Choose a primary endpoint that is up, at random, or else a secondary one that is.

    Where all are down it is a primary one: by the time that the client is there it may be up again.
    """
    if not endpoints:
        raise ValueError("there is no endpoint to choose from")
    primary = [endpoint for endpoint in endpoints if endpoint.endpoint_type == "Primary"]
    online = [endpoint for endpoint in primary if endpoint.online]
    backup = [endpoint for endpoint in endpoints if endpoint.online]
    return random.choice(online or backup or primary or list(endpoints))  # noqa: S311 - nobody is to guess
