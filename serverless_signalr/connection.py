"""The app's connection to the service, as its settings describe it.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-signalr-service.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Unpack

from serverless_signalr._connection.instance import Instance, distinct
from serverless_signalr._connection.once import warn_once
from serverless_signalr._connection.router import Router, any_online
from serverless_signalr._connection.settings import InstanceSettings, read_instances
from serverless_signalr._models.negotiation import SignalREndpoint
from serverless_signalr._rest.substitute import SUBSTITUTE, Substitute
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError, ServiceError
from serverless_signalr.protocol.names import DEFAULT_CONNECTION
from serverless_signalr.protocol.signature import is_signed

if TYPE_CHECKING:
    from serverless_signalr._rest.options import ClientOptions, Options
    from serverless_signalr._rest.senders import Sender
    from serverless_signalr.rest import ServiceClient

__all__ = ["ServiceConnection", "forget", "service_connection"]


def service_connection(
    connection: str = DEFAULT_CONNECTION, environment: Mapping[str, str] = os.environ
) -> "ServiceConnection":
    """Return the connection to the service that an app setting describes.

    Callers that name the same setting share one connection. The setting can have every form that Azure
    Functions supports, see read_instances. Nothing is fetched yet. Raise ConnectionStringError if the setting
    is missing or invalid; the message names the setting, never its value.
    """
    try:
        return _shared(read_instances(connection, environment))
    except ConnectionStringError:
        if SUBSTITUTE.get() is None:
            raise
    # Inside a test with a stand-in, no setting is needed. After the test, the first use reads the setting.
    return ServiceConnection(lambda: read_instances(connection, environment))


class ServiceConnection:
    """The app's connection to the service: all instances that one app setting describes.

    It can be shared by any number of tasks and event loops, and kept for the lifetime of the process.
    """

    def __init__(
        self,
        settings: Sequence[InstanceSettings] | Callable[[], Sequence[InstanceSettings]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the settings, or a function that reads them when they are first needed.

        Raise ConnectionStringError if the settings are invalid.
        """
        self._clock = clock
        self._read = settings if callable(settings) else None
        if not callable(settings):
            self.instances = tuple(Instance(each, clock=clock) for each in settings)

    @cached_property
    def instances(self) -> tuple[Instance, ...]:
        """Return the instances of the service."""
        read = self._read
        return () if read is None else tuple(Instance(each, clock=self._clock) for each in read())

    @cached_property
    def _only(self) -> Endpoint | None:
        # Fast path for most apps: one connection string with an access key.
        only = self.instances[0].given if len(self.instances) == 1 else None
        return only if only is not None and only.access_key is not None else None

    async def client_endpoint(self, router: Router = any_online) -> Endpoint:
        """Return the endpoint for one client, with a key that signs its token.

        Among several instances the router chooses. Instances whose secret or key is unavailable are not
        offered to it. Raise VaultError or another ServiceError if no instance is left.
        """
        if (substitute := SUBSTITUTE.get()) is not None:
            return _offered(substitute, router)
        if self._only is not None:
            return self._only
        if len(self.instances) == 1:
            return await self.instances[0].signing_endpoint()
        offers = await self.client_endpoints()
        chosen = router([shown for shown, _ in offers])
        for shown, endpoint in offers:
            if shown == chosen:
                return endpoint
        raise ValueError(f"the router returned {chosen!r}, expected one of the endpoints that it was given")

    async def client_endpoints(self) -> list[tuple[SignalREndpoint, Endpoint]]:
        """Return every endpoint that clients can connect to, with its state and a key that signs tokens."""
        if (substitute := SUBSTITUTE.get()) is not None:
            return [_offer(substitute)]
        instances = await distinct(self.instances)
        endpoints = await _all_that_succeed([instance.signing_endpoint() for instance in instances])
        known = [pair for pair in zip(instances, endpoints, strict=True) if pair[1] is not None]
        online = await asyncio.gather(*(instance.is_online() for instance, _ in known))
        return [
            (SignalREndpoint(endpoint.type, endpoint.name, endpoint.url, is_online), endpoint)
            for (_, endpoint), is_online in zip(known, online, strict=True)
            if endpoint is not None
        ]

    def client(self, hub: str, **options: "Unpack[ClientOptions]") -> "ServiceClient":
        """Return a REST client of a hub that covers all instances. ``options`` are those of ServiceClient.

        Raise TypeError for an unknown option.
        """
        from serverless_signalr._rest.options import Options
        from serverless_signalr._rest.senders import Late
        from serverless_signalr.rest import ServiceClient

        checked = Options(**options)

        def sender() -> "Sender":
            return self._sender(hub, checked)

        own = Late(sender) if self._read is not None else sender()
        return ServiceClient.over(own, max_parallel=checked.max_parallel, hub=hub)

    async def is_signed(self, connection_id: str, signature: str) -> bool:
        """Tell whether one of the instances signed an upstream request.

        The signature of an identity-based instance cannot be verified, since the app does not know its keys,
        and is rejected. If no key matches, secrets are read again, but not for every request with a wrong
        signature.
        """
        if (substitute := SUBSTITUTE.get()) is not None:
            return is_signed(connection_id, signature, _keys([substitute.endpoint]))
        if self._only is not None:
            return is_signed(connection_id, signature, _keys([self._only]))
        known = await _all_that_succeed([instance.endpoint() for instance in self.instances])
        if is_signed(connection_id, signature, _keys(known)):
            return True
        pairs = zip(self.instances, known, strict=True)
        # Endpoints that do not depend on a secret cannot change while the process runs.
        renewed = await _all_that_succeed(
            [instance.renew(endpoint) for instance, endpoint in pairs if endpoint and not instance.given]
        )
        fresh = [endpoint for endpoint in renewed if endpoint not in known]
        return is_signed(connection_id, signature, _keys(fresh))

    def _sender(self, hub: str, options: "Options") -> "Sender":
        from serverless_signalr._rest.everywhere import Everywhere

        senders = [(instance, instance.sender(hub, options)) for instance in self.instances]
        return senders[0][1] if len(senders) == 1 else Everywhere(senders, distinct)


def forget() -> None:
    """Clear the shared connections and the record of logged warnings; for tests."""
    _shared.cache_clear()
    warn_once.cache_clear()


@lru_cache(maxsize=64)
def _shared(settings: tuple[InstanceSettings, ...]) -> ServiceConnection:
    return ServiceConnection(settings)


async def _all_that_succeed(lookups: Sequence[Any]) -> list[Endpoint | None]:
    """Return the results, with None for each ServiceError.

    Raise the first error if all lookups failed, or if it is not a ServiceError.
    """
    results = await asyncio.gather(*lookups, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in errors:
        if len(errors) == len(results) or not isinstance(error, ServiceError):
            raise error
    return [None if isinstance(result, BaseException) else result for result in results]


def _keys(endpoints: Sequence[Endpoint | None]) -> list[str]:
    return [endpoint.access_key for endpoint in endpoints if endpoint is not None and endpoint.access_key]


def _offer(substitute: Substitute) -> tuple[SignalREndpoint, Endpoint]:
    endpoint = substitute.endpoint
    return SignalREndpoint(endpoint.type, endpoint.name, endpoint.url, True), endpoint


def _offered(substitute: Substitute, router: Router) -> Endpoint:
    shown, endpoint = _offer(substitute)
    if (chosen := router([shown])) != shown:
        raise ValueError(f"the router returned {chosen!r}, expected one of the endpoints that it was given")
    return endpoint
