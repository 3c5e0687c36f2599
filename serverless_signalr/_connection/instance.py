"""One instance of the service: what opens it, looked up when it is needed, and whether it is up."""

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
"""Seconds. An app that has slept this long waits for its secret: an hour after another key came into use, the
one before may be renewed."""

_STATE_FRESH = 30.0
_STATE_USABLE = 120.0
_PROBE_TIMEOUT = timedelta(seconds=2)
_PROBE_LIMIT = 4.0
"""Seconds for all that a probe asks: somebody may wait for it to be sent to a service."""

_LOOK_PAUSE = 5.0
"""Seconds between two looks that failed requests ask for."""

_KEYS_UNTRIED = 60 * 60.0

_log = logging.getLogger("serverless_signalr")


class Instance:
    """One instance of the service, known by what the app settings say about it.

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
        self._state = Cached(self._look, fresh=_STATE_FRESH, usable=_STATE_USABLE, clock=clock)
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

    def look_again(self) -> None:
        """Look in the background whether the instance is up, unless that was done a moment ago."""
        self._state.touch(_LOOK_PAUSE)

    def sender(self, hub: str, options: "Options") -> "Sender":
        """Return what carries out a hub's operations on this instance."""
        from serverless_signalr._rest.senders import Direct, Renewing

        given = self._given
        if given is not None and given.identity is None:
            return Direct(given, hub, None, options)

        def connect(endpoint: Endpoint) -> "Direct":
            return Direct(endpoint, hub, _credential(endpoint), options)

        return connect(given) if given is not None else Renewing(self, connect)

    def probe(self, timeout: timedelta) -> "ServiceClient":
        """Return a client to look at the instance with: it asks once."""
        from serverless_signalr._rest.options import Options
        from serverless_signalr.rest import ServiceClient

        options = Options(timeout=timeout, connect_timeout=timeout, retries=0)
        # No hub is asked for its state, the instance is; but a sender has one.
        return ServiceClient.over(self.sender("health", options), max_parallel=1)

    async def try_key(self) -> None:
        """Ask the service for something that takes the key which signs clients' tokens.

        A temporary key that it has forgotten is replaced. Raise ServiceError where it refuses an access key.
        """
        endpoint = await self.endpoint()
        if endpoint.identity is None:
            await self.probe(_PROBE_TIMEOUT).connection_exists("health")
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

    async def _look(self) -> bool:
        """Find out whether the instance is up; say so when that has changed."""
        problem = ""
        try:
            async with asyncio.timeout(_PROBE_LIMIT):
                if await self.probe(_PROBE_TIMEOUT).is_healthy():
                    # The service is well to everybody; only this shows that it takes the key.
                    await self.try_key()
                else:
                    problem = "it does not answer, or says that it is not well"
        except TimeoutError:
            problem = "it did not answer in time"
        except (ServiceError, ValueError) as error:
            problem = str(error)
        if problem and not self._is_down:
            _log.warning(
                "the endpoint %s is taken for down, and left out where there are others: %s",
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
    with requiring("a connection that an identity opens", "identity"):
        from serverless_signalr._connection.credential import Credential
    return Credential(endpoint.identity)


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
            warn_once(
                f"{other.settings.setting} and {instance.settings.setting} both name {address}: what is sent "
                "goes there once; remove one"
            )
            if other.settings.type == "Secondary" and instance.settings.type == "Primary":
                kept[address] = instance
    return list(kept.values())


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
