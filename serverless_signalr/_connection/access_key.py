"""The temporary key that the service gives an identity, with which it signs its clients' tokens.

Source: https://github.com/Azure/azure-signalr, MicrosoftEntraAccessKey.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from serverless_signalr._extras import requiring
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.responses import Response, refusal
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ServiceError, UnauthorizedError

__all__ = ["FRESH", "USABLE", "with_access_key"]

FRESH = 55 * 60.0
"""Seconds after which another key is asked for, as the service's own SDKs do."""

USABLE = 85 * 60.0
"""Seconds after which a key must not be used: the service forgets it after some 90 minutes."""

_PATH = "/api/v1/auth/accessKey"
_TIMEOUT = 10.0
_RETRIES = 2


async def with_access_key(endpoint: Endpoint) -> Endpoint:
    """Return an identity's endpoint with a key that the service knows under an id, for a while.

    Raise UnauthorizedError, which names the role to grant, where the service does not give the identity
    one, and other ServiceErrors where it does not response.
    """
    if endpoint.identity is None:
        return endpoint
    with requiring("a connection that an identity opens", "identity"):
        from serverless_signalr._connection.credential import Credential
        from serverless_signalr._rest.pipeline import Pipeline

    credential: Any = Credential(endpoint.identity)
    operation = Operation("GET", _PATH)
    pipeline = Pipeline(endpoint, credential, connect_timeout=_TIMEOUT, retry_delay=0.5)
    response = await pipeline.send(
        operation, f"{endpoint.server_url}{_PATH}", timeout=_TIMEOUT, retries=_RETRIES
    )
    if response.status in (401, 403):
        raise _unauthorized(endpoint, response)
    if not operation.accepts(response):
        raise refusal(f"GET {_PATH} of {endpoint.server_url}", response, is_identity=True)
    key_id, key = _read(response)
    return replace(endpoint, access_key=key, key_id=key_id)


def _unauthorized(endpoint: Endpoint, response: Response) -> UnauthorizedError:
    return UnauthorizedError(
        f"{endpoint.server_url} gave {endpoint.identity} no key to sign clients' tokens with, it answered "
        f"{response.status} (with a fresh token too): grant that identity the role SignalR Service Owner, or "
        "SignalR App Server, on the resource; SignalR REST API Owner is not enough to negotiate. It takes "
        f"some minutes until the service knows [request {response.request_id}]",
        status=response.status,
        error_code=response.error_code,
        request_id=response.request_id,
    )


def _read(response: Response) -> tuple[str, str]:
    body = response.json()
    members: Mapping[str, object] = (
        {name.lower(): value for name, value in body.items()} if isinstance(body, dict) else {}
    )
    match members:
        case {"keyid": str(key_id), "accesskey": str(key)} if key_id and key:
            return key_id, key
        case _:
            raise ServiceError(
                f"the service answered GET {_PATH} without KeyId and AccessKey, which it never does: look "
                "for a proxy between it and the app",
                status=response.status,
                request_id=response.request_id,
            )
