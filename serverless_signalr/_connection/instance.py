"""One instance of the service: its credentials, fetched on demand, and its health."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from serverless_signalr._connection.cache import Cached
from serverless_signalr._connection.once import warn_once
from serverless_signalr._connection.settings import InstanceSettings
from serverless_signalr._connection.vault import VaultError, read_secret
from serverless_signalr._extras import requiring
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError, ServiceError, UnauthorizedError

if TYPE_CHECKING:
    from serverless_signalr._rest.options import Options
    from serverless_signalr._rest.senders import Direct, Sender
    from serverless_signalr.rest import ServiceClient

__all__ = ["Instance", "distinct"]

_SECRET_FRESH = 30 * 60.0
_SECRET_USABLE = 45 * 60.0
"""Seconds. An app that was idle for longer waits for its secret, because the previous key may be regenerated
an hour after a rotation."""

_STATE_FRESH = 30.0
_STATE_USABLE = 120.0
_PROBE_TIMEOUT = timedelta(seconds=2)
_PROBE_LIMIT = 4.0
"""Timeout in seconds for all requests of a probe, since a client may be waiting for its endpoint."""

_LOOK_PAUSE = 5.0
"""Minimum seconds between two probes that failed requests trigger."""

_KEYS_UNTRIED = 60 * 60.0

_log = logging.getLogger("serverless_signalr")


class Instance:
    """One instance of the service, as the app settings describe it.

    Its secrets, the temporary key of its identity and its health are fetched by the first call that needs
    them, and renewed in time; see Cached. Raise ConnectionStringError if the settings are invalid.
    """

    def __init__(self, settings: InstanceSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.references = settings.references()
        self._clock = clock
        self._given = None if self.references else settings.endpoint()
        self._resolved = Cached(self._resolve, fresh=_SECRET_FRESH, usable=_SECRET_USABLE, clock=clock)
        self._signing: tuple[Endpoint, Cached[Endpoint]] | None = None
        self._state = Cached(self._look, fresh=_STATE_FRESH, usable=_STATE_USABLE, clock=clock)
        self._is_down = False
        self._try_keys_at = -math.inf
        for setting, reference in self.references.items():
            _log.warning(
                "the app setting %s holds an unresolved Key Vault reference: bindings cannot use it; the "
                "library reads %s as %s",
                setting,
                reference,
                settings.vault_identity(),
            )

    @property
    def label(self) -> str:
        """Return the name of the instance in messages."""
        return self.settings.name or self.settings.setting

    @property
    def given(self) -> Endpoint | None:
        """Return the endpoint if the settings hold all of it, or None if a secret has to be read."""
        return self._given

    @property
    def is_down(self) -> bool:
        """Tell whether the last probe found the instance down."""
        return self._is_down

    async def endpoint(self) -> Endpoint:
        """Return the address and credentials of the instance. Raise VaultError if a secret cannot be read."""
        return self._given or await self._resolved.get()

    async def signing_endpoint(self) -> Endpoint:
        """Return the endpoint with a key that signs client tokens, a temporary one for an identity."""
        endpoint = await self.endpoint()
        if endpoint.identity is None:
            if self.references:
                # An app that only negotiates would not notice otherwise that the key was regenerated.
                self._state.touch()
            return endpoint
        signing = await self._signing_cache(endpoint).get()
        # The service may forget the key early. Only clients would notice: their tokens are refused.
        self._state.touch()
        return signing

    async def renew(self, refused: Endpoint) -> Endpoint:
        """Read the secret of a refused endpoint again, and return the endpoint, changed or not."""
        return self._given or await self._resolved.renew(refused)

    async def is_online(self) -> bool:
        """Tell whether the instance is up and accepts its credentials.

        The result is that of the last probe. A probe older than 30 seconds is repeated in the background,
        one older than two minutes is waited for.
        """
        return await self._state.get()

    def look_again(self) -> None:
        """Probe the instance in the background, unless it was probed within the last 5 seconds."""
        self._state.touch(_LOOK_PAUSE)

    def sender(self, hub: str, options: "Options") -> "Sender":
        """Return the sender that carries out a hub's operations on this instance."""
        from serverless_signalr._rest.senders import Direct, Renewing

        given = self._given
        if given is not None and given.identity is None:
            return Direct(given, hub, None, options)

        def connect(endpoint: Endpoint) -> "Direct":
            return Direct(endpoint, hub, _credential(endpoint), options)

        return connect(given) if given is not None else Renewing(self, connect)

    def probe(self, timeout: timedelta) -> "ServiceClient":
        """Return a client that probes the instance, without retries."""
        from serverless_signalr._rest.options import Options
        from serverless_signalr.rest import ServiceClient

        options = Options(timeout=timeout, connect_timeout=timeout, retries=0)
        # The probe concerns the instance, not a hub, but a sender needs a hub name.
        return ServiceClient.over(self.sender("health", options), max_parallel=1)

    async def try_key(self) -> None:
        """Check that the service accepts the key that signs client tokens.

        A temporary key that the service has forgotten is replaced. Raise ServiceError if it refuses an
        access key.
        """
        endpoint = await self.endpoint()
        if endpoint.identity is None:
            await self.probe(_PROBE_TIMEOUT).connection_exists("health")
            return
        keys = self._signing_cache(endpoint)
        signing = await keys.get()
        if self._clock() >= self._try_keys_at and not await _is_taken(signing):
            _log.warning(
                "%s no longer accepts the temporary key %s: requesting another", endpoint.url, signing.key_id
            )
            renewed = await keys.renew(signing)
            if renewed != signing and not await _is_taken(renewed):
                # It seems to accept no temporary key for requests, which does not concern client tokens.
                self._try_keys_at = self._clock() + _KEYS_UNTRIED
                _log.warning(
                    "%s refuses requests signed with a new temporary key too: the check is off for an hour",
                    endpoint.url,
                )

    def _signing_cache(self, endpoint: Endpoint) -> Cached[Endpoint]:
        if self._signing is None or self._signing[0] != endpoint:
            from serverless_signalr._connection import access_key

            self._signing = (
                endpoint,
                Cached(
                    lambda: access_key.with_access_key(endpoint),
                    fresh=access_key.FRESH,
                    usable=access_key.USABLE,
                    lasting=access_key.USABLE,
                    clock=self._clock,
                ),
            )
        return self._signing[1]

    async def _resolve(self) -> Endpoint:
        identity = self.settings.vault_identity()
        secrets = {
            setting: await read_secret(reference, identity, setting)
            for setting, reference in self.references.items()
        }
        try:
            return self.settings.endpoint(secrets)
        except ConnectionStringError as error:
            raise VaultError(str(error)) from None

    async def _look(self) -> bool:
        """Probe the instance, and log a change of its state."""
        problem = ""
        try:
            async with asyncio.timeout(_PROBE_LIMIT):
                if await self.probe(_PROBE_TIMEOUT).is_healthy():
                    # The health request succeeds without credentials; this one checks them.
                    await self.try_key()
                else:
                    problem = "it does not respond, or reports that it is unhealthy"
        except TimeoutError:
            problem = "it did not respond in time"
        except (ServiceError, ValueError) as error:
            problem = str(error)
        if problem and not self._is_down:
            _log.warning(
                "the endpoint %s is down, and skipped while others are up: %s",
                self.label,
                problem,
            )
        elif self._is_down and not problem:
            _log.warning("the endpoint %s is up again", self.label)
        self._is_down = bool(problem)
        return not problem


def _credential(endpoint: Endpoint) -> Any:
    if endpoint.identity is None:
        return None
    with requiring("an identity-based connection", "identity"):
        from serverless_signalr._connection.credential import Credential
    return Credential(endpoint.identity)


async def distinct(instances: Sequence[Instance]) -> list[Instance]:
    """Return one instance per address: the first primary one, or else the first.

    An instance whose secret cannot be read is kept, since its address is unknown.
    """
    endpoints = await asyncio.gather(*(instance.endpoint() for instance in instances), return_exceptions=True)
    kept: dict[str, Instance] = {}
    for instance, endpoint in zip(instances, endpoints, strict=True):
        address = endpoint.url if isinstance(endpoint, Endpoint) else instance.settings.setting
        other = kept.setdefault(address, instance)
        if other is not instance:
            warn_once(
                f"{other.settings.setting} and {instance.settings.setting} both name {address}, which is "
                "used once: remove one of the two"
            )
            if other.settings.type == "Secondary" and instance.settings.type == "Primary":
                kept[address] = instance
    return list(kept.values())


async def _is_taken(signing: Endpoint) -> bool:
    """Tell whether the service accepts a request that is signed with the temporary key."""
    from serverless_signalr.rest import ServiceClient

    client = ServiceClient(
        replace(signing, identity=None),
        "health",
        timeout=_PROBE_TIMEOUT,
        connect_timeout=_PROBE_TIMEOUT,
        retries=0,
    )
    try:
        await client.connection_exists("health")
    except UnauthorizedError as error:
        return error.status != HTTPStatus.UNAUTHORIZED
    return True
