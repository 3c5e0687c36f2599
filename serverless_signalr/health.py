"""Health checks of the connection to the service. No message contains a secret."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from serverless_signalr._connection.instance import Instance
from serverless_signalr.connection import service_connection
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError, ServiceError
from serverless_signalr.protocol.names import DEFAULT_CONNECTION

__all__ = ["BY_KEY", "Health", "HealthStatus", "InstanceHealth", "check_health"]

BY_KEY = "an access key"
"""The ``opened_by`` of an instance that uses an access key instead of an identity."""

_TIMEOUT = timedelta(seconds=5)


class HealthStatus(StrEnum):
    """The health of a connection: healthy if all instances work, degraded if some do, else unhealthy."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class InstanceHealth:
    """The health of one instance: its setting, its kind of credentials, and its problem, if any.

    ``secrets`` describes the Key Vault secrets that the library reads because the platform has not resolved
    their references. ``error`` is the failed request that is the problem, None without one.
    """

    setting: str
    problem: str | None
    name: str = ""
    type: str = "Primary"
    endpoint: str | None = None
    opened_by: str | None = None
    secrets: Sequence[Mapping[str, str | None]] = ()
    error: ServiceError | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the form that a health function answers."""
        return {
            "setting": self.setting,
            "name": self.name,
            "type": self.type,
            "endpoint": self.endpoint,
            "openedBy": self.opened_by,
            "secrets": [dict(secret) for secret in self.secrets],
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class Health:
    """The health of a connection to the service, by instance."""

    instances: Sequence[InstanceHealth]

    @property
    def status(self) -> HealthStatus:
        """Return whether clients can be served."""
        broken = [instance for instance in self.instances if instance.problem is not None]
        if not broken:
            return HealthStatus.HEALTHY
        return HealthStatus.DEGRADED if len(broken) < len(self.instances) else HealthStatus.UNHEALTHY

    def to_dict(self) -> dict[str, object]:
        """Return the form that a health function answers."""
        return {
            "status": self.status.value,
            "instances": [instance.to_dict() for instance in self.instances],
        }


async def check_health(
    connection: str = DEFAULT_CONNECTION, environment: Mapping[str, str] = os.environ
) -> Health:
    """Check everything that negotiating and sending need, without side effects.

    The check uses the app's cached secrets, tokens and keys, and does not read them again.
    """
    try:
        service = service_connection(connection, environment)
    except ConnectionStringError as error:
        return Health([InstanceHealth(connection, str(error))])
    return Health(await asyncio.gather(*(_check(instance) for instance in service.instances)))


async def _check(instance: Instance) -> InstanceHealth:
    endpoint, problem = instance.given, None
    failed: ServiceError | None = None
    try:
        endpoint = await instance.endpoint()
        endpoint = await instance.signing_endpoint()
        client = instance.probe(_TIMEOUT)
        # Unlike the health request, this one fails without a valid key or role.
        await client.connection_exists("health")
        if endpoint.identity is not None:
            await instance.try_key()
        if not await client.is_healthy():
            problem = f"{endpoint.server_url} reports that it is unhealthy: check the state of the resource"
    except ServiceError as error:
        problem, failed = str(error), error
        if endpoint is not None and endpoint.server_url not in problem:
            problem = f"{endpoint.server_url}: {problem}"
    settings = instance.settings
    return InstanceHealth(
        settings.setting,
        problem,
        settings.name,
        settings.type,
        endpoint.url if endpoint is not None else None,
        _opener(endpoint) if endpoint is not None else None,
        [
            {
                "setting": setting,
                "vault": reference.vault_url,
                "secret": reference.name,
                "version": reference.version,
                "readAs": str(settings.vault_identity()),
            }
            for setting, reference in instance.references.items()
        ],
        failed,
    )


def _opener(endpoint: Endpoint) -> str:
    return BY_KEY if endpoint.identity is None else str(endpoint.identity)
