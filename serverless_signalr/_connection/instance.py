"""One instance of the service: what opens it, looked up when it is needed, and whether it is up."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from serverless_signalr._connection.cache import Cached
from serverless_signalr._connection.settings import InstanceSettings
from serverless_signalr._connection.vault import VaultError, read_secret
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError, ServiceError, UnauthorizedError

if TYPE_CHECKING:
    from serverless_signalr._rest.instance_client import InstanceClient

__all__ = ["Instance", "distinct"]

_SECRET_FRESH = 30 * 60.0
_SECRET_USABLE = 45 * 60.0
"""Seconds. An app that has slept this long waits for its secret: an hour after another key came into use, the
one before may be renewed."""

_STATE_FRESH = 30.0
_STATE_USABLE = 120.0
_PROBE_TIMEOUT = timedelta(seconds=2)
_PROBE_LIMIT = 4.0
"""Seconds for all that a probe asks: somebody may wait for it to be sent to a service."""

_KEYS_UNTRIED = 60 * 60.0

_log = logging.getLogger("serverless_signalr")


class Instance:
    """Know one instance by what the app settings say about it.

    Secrets that they refer to, the temporary key of an identity and the instance's state are fetched by the
    first call that needs them, and renewed in time; see Cached. Raise ConnectionStringError for settings
    that are wrong.
    """

    def __init__(self, settings: InstanceSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.references = settings.references()
        self._clock = clock
        self._given = None if self.references else settings.endpoint()
        self._resolved = Cached(self._resolve, fresh=_SECRET_FRESH, usable=_SECRET_USABLE, clock=clock)
        self._signing: tuple[Endpoint, Cached[Endpoint]] | None = None
        self._state = Cached(self._probe, fresh=_STATE_FRESH, usable=_STATE_USABLE, clock=clock)
        self._is_down = False
        self._try_keys_at = -math.inf
        for setting, reference in self.references.items():
            _log.warning(
                "the app setting %s still holds its reference to Key Vault, so bindings cannot use it; code "
                "reads %s as %s",
                setting,
                reference,
                settings.vault_identity(),
            )

    @property
    def label(self) -> str:
        """Return how messages name the instance."""
        return self.settings.name or self.settings.setting

    @property
    def given(self) -> Endpoint | None:
        """Return the endpoint where the settings say all of it, None where a secret has to be read."""
        return self._given

    @property
    def is_down(self) -> bool:
        """Tell whether the instance was found down when it was last looked at."""
        return self._is_down

    async def endpoint(self) -> Endpoint:
        """Return where the instance is and what opens it. Raise VaultError where that cannot be read."""
        return self._given or await self._resolved.get()

    async def signing_endpoint(self) -> Endpoint:
        """Return the endpoint with a key to sign clients' tokens with, a temporary one for an identity."""
        endpoint = await self.endpoint()
        if endpoint.identity is None:
            if self.references:
                # Nobody else would hear that the key was renewed, where an app only negotiates.
                self._state.touch()
            return endpoint
        signing = await self._signing_cache(endpoint).get()
        # The service may forget the key before its time: then clients are refused, and nobody else notices.
        self._state.touch()
        return signing

    async def renew(self, refused: Endpoint) -> Endpoint:
        """Return another endpoint than the one that the service refused, if the secret has changed."""
        return self._given or await self._resolved.renew(refused)

    async def is_online(self) -> bool:
        """Tell whether the instance is up and takes what opens it, as of half a minute ago."""
        return await self._state.get()

    def client(self, timeout: timedelta) -> "InstanceClient":
        """Return a client to look at the instance with: it asks once."""
        from serverless_signalr._rest.instance_client import InstanceClient

        # No hub is asked for its state, the instance is; but a client has one.
        return InstanceClient(self, "health", timeout=timeout, connect_timeout=timeout, retries=0)

    def note(self, *, is_online: bool) -> None:
        """Remember what a request has shown about the instance."""
        if is_online == self._is_down:
            self._is_down = not is_online
            self._state.put(is_online)

    async def try_key(self) -> None:
        """Ask the service for something that takes the key which signs clients' tokens.

        A temporary key that it has forgotten is replaced. Raise ServiceError where it refuses an access key.
        """
        endpoint = await self.endpoint()
        if endpoint.identity is None:
            await self.client(_PROBE_TIMEOUT).connection_exists("health")
            return
        keys = self._signing_cache(endpoint)
        signing = await keys.get()
        if self._clock() >= self._try_keys_at and not await _is_taken(signing):
            _log.warning(
                "%s does not know the key %s any more: asking for another", endpoint.url, signing.key_id
            )
            renewed = await keys.renew(signing)
            if renewed != signing and not await _is_taken(renewed):
                # It takes no key for requests, it seems, which says nothing of clients.
                self._try_keys_at = self._clock() + _KEYS_UNTRIED
                _log.warning("%s does not take a new key either: none is tried for an hour", endpoint.url)

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

    async def _probe(self) -> bool:
        try:
            async with asyncio.timeout(_PROBE_LIMIT):
                is_online = await self.client(_PROBE_TIMEOUT).is_healthy()
                if is_online:
                    # The service is well to everybody; only this shows that it takes the key.
                    await self.try_key()
        except TimeoutError:
            _log.warning("the endpoint %s is taken for down: it did not answer in time", self.label)
            is_online = False
        except (ServiceError, ValueError) as error:
            _log.warning("the endpoint %s is taken for down: %s", self.label, error)
            is_online = False
        self._is_down = not is_online
        return is_online


async def distinct(instances: Sequence[Instance]) -> list[Instance]:
    """Return instances, of those at one address the first, or the first primary one.

    One whose secret cannot be read may be any: it stays.
    """
    endpoints = await asyncio.gather(*(instance.endpoint() for instance in instances), return_exceptions=True)
    kept: dict[str, Instance] = {}
    for instance, endpoint in zip(instances, endpoints, strict=True):
        address = endpoint.url if isinstance(endpoint, Endpoint) else instance.settings.setting
        other = kept.setdefault(address, instance)
        if other is not instance:
            _tell_twins(other.settings.setting, instance.settings.setting, address)
            if other.settings.type == "Secondary" and instance.settings.type == "Primary":
                kept[address] = instance
    return list(kept.values())


@cache
def _tell_twins(one: str, other: str, address: str) -> None:
    """Warn once: settings do not change."""
    _log.warning("%s and %s both name %s: what is sent goes there once; remove one", one, other, address)


async def _is_taken(signing: Endpoint) -> bool:
    """Tell whether the service takes a request that a temporary key signed, as it signs clients' tokens."""
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
