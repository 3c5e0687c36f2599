"""The temporary key with which an identity-based connection signs client tokens.

Source: https://github.com/Azure/azure-signalr, MicrosoftEntraAccessKey.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from serverless_signalr import _telemetry as telemetry
from serverless_signalr._extras import requiring
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.responses import Response, refusal
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ServiceError, UnauthorizedError

__all__ = ["FRESH", "USABLE", "with_access_key"]

FRESH = 55 * 60.0
"""Seconds after which a new key is requested, as in the service's own SDKs."""

USABLE = 85 * 60.0
"""Seconds after which a key must not be used. The service forgets it after about 90 minutes."""

_PATH = "/api/v1/auth/accessKey"
_TIMEOUT = 10.0
_RETRIES = 2


async def with_access_key(endpoint: Endpoint) -> Endpoint:
    """Request a temporary key, and return the endpoint with that key and its id.

    Raise UnauthorizedError, which names the role to grant, if the service refuses the identity a key, and
    other ServiceErrors if the request fails.
    """
    if endpoint.identity is None:
        return endpoint
    with requiring("an identity-based connection", "identity"):
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
    telemetry.fetched("key")
    return replace(endpoint, access_key=key, key_id=key_id)


def _unauthorized(endpoint: Endpoint, response: Response) -> UnauthorizedError:
    return UnauthorizedError(
        f"{endpoint.server_url} refused {endpoint.identity} a key to sign client tokens: it responded "
        f"{response.status} (with a new access token too). Grant the identity the role SignalR Service Owner "
        "or SignalR App Server on the resource; SignalR REST API Owner is not enough to negotiate. A new "
        f"role can take some minutes to take effect [request {response.request_id}]",
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
                f"the response to GET {_PATH} has no KeyId and AccessKey: check whether a proxy between the "
                "app and the service has responded in its place",
                status=response.status,
                request_id=response.request_id,
            )
