"""The SignalR bindings' way to the service: what clients need to connect, and messages.

Source of what the bindings take and hand out: Azure/azure-functions-signalrservice-extension.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from serverless_signalr._connection.settings import InstanceSettings, read_instances
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.connection import ServiceConnection
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.signature import is_signed
from serverless_signalr.rest import ServiceClient
from signalr_local.host import newtonsoft
from signalr_local.host.expressions import BindingData, resolve
from signalr_local.host.functions import connection_setting
from signalr_local.host.notes import Notes
from signalr_local.host.outputs import Item, items, operation
from signalr_local.host.settings import Settings
from signalr_local.host.transports import check_transport

__all__ = ["Service"]

_API_VERSION = "2022-06-01"
"""The version that the SignalR extension asks for. With it the service tells that a connection is gone."""

_LIFETIME = timedelta(hours=1)
_RETRIES = 0
"""The extension sends each request once, unless it is told otherwise (AzureSignalRRetry settings)."""

_MAX_CLIENTS = 64

_log = logging.getLogger("signalr_local.host")

type _Sources = tuple[InstanceSettings, ...]


class Service:
    """Act for the bindings of one app.

    Its methods raise ValueError for settings and values that are wrong, and ServiceError where the service,
    or what opens it, cannot be had.
    """

    def __init__(self, settings: Settings, notes: Notes | None = None) -> None:
        self._settings = settings
        self._notes = notes or Notes()
        self._sources: dict[str, _Sources] = {}
        self._connections: dict[_Sources, ServiceConnection] = {}
        self._clients: dict[tuple[_Sources, str], ServiceClient] = {}

    async def connection_info(self, binding: Mapping[str, Any], data: BindingData) -> dict[str, str]:
        """Return what a client needs to connect: ``url`` and ``accessToken``, valid for an hour."""
        connection = self._connection(self._usable(binding))
        info = self._info(binding, data)
        return info(await connection.client_endpoint())

    async def negotiation(self, binding: Mapping[str, Any], data: BindingData) -> dict[str, Any]:
        """Return the same for every endpoint, so that the function can choose."""
        connection = self._connection(self._usable(binding))
        info = self._info(binding, data)
        offers = await connection.client_endpoints()
        return {
            "endpoints": [{**shown.to_dict(), "connectionInfo": info(endpoint)} for shown, endpoint in offers]
        }

    async def endpoints(self, binding: Mapping[str, Any]) -> list[dict[str, object]]:
        """Return the instances of the service and whether each is up."""
        offers = await self._connection(self._usable(binding)).client_endpoints()
        return [shown.to_dict() for shown, _ in offers]

    async def send(self, binding: Mapping[str, Any], data: BindingData, value: object) -> None:
        """Send the items of a SignalR output, one after the other. Raise at the first that is refused."""
        sources = self._usable(binding)
        hub = self._resolve(binding, "hubName", data)
        for item in items(value):
            request = operation(item)
            if request is None:
                self._notes.say(
                    f"action:{item.get('action')}",
                    "An item of a SignalR output does nothing, here as in Azure: the action %s takes a "
                    "userId and no connectionId.",
                    item.get("action"),
                )
                continue
            if addressed := await self._addressed(sources, item):
                await self._client(addressed, hub).run(request)

    async def is_signed(self, binding: Mapping[str, Any], connection_id: str, signature: str) -> bool:
        """Tell whether the service signed an upstream request, as far as the extension looks.

        With one endpoint that an identity opens, it looks at none.
        """
        instances = self._connection(self._read(binding)).instances
        keys = [(await instance.endpoint()).access_key for instance in instances]
        return None in keys or is_signed(connection_id, signature, [key for key in keys if key])

    def _read(self, binding: Mapping[str, Any]) -> _Sources:
        name = connection_setting(binding)
        if name not in self._sources:
            self._sources[name] = read_instances(name, self._settings)
        return self._sources[name]

    def _usable(self, binding: Mapping[str, Any]) -> _Sources:
        sources = self._read(binding)
        check_transport(sources, self._settings)
        return sources

    async def _addressed(self, sources: _Sources, item: Item) -> _Sources:
        """Return the endpoints that an item is for: those that it names, all where it names none.

        With one endpoint the extension does not look at the item's.
        """
        wanted = item.get("endpoints")
        if wanted is None or len(sources) == 1:
            return sources
        named = [{name.lower(): part for name, part in one.items()} for one in wanted]
        addressed = tuple([source for source in sources if await self._is_among(source, named)])
        if not addressed:
            _log.warning(
                "An item of a SignalR output reaches nobody: its endpoints are none of the connection's."
            )
        return addressed

    async def _is_among(self, source: InstanceSettings, named: Sequence[Mapping[str, Any]]) -> bool:
        [instance] = self._connection((source,)).instances
        endpoint = await instance.endpoint()
        return any(
            (item.get("endpointtype"), item.get("name"), str(item.get("endpoint")).rstrip("/"))
            == (endpoint.type, endpoint.name, endpoint.url)
            for item in named
        )

    def _client(self, sources: _Sources, hub: str) -> ServiceClient:
        client = self._clients.get((sources, hub))
        if client is None:
            if len(self._clients) >= _MAX_CLIENTS:
                # A hub may be an expression, which has any number of values.
                self._clients.clear()
            connection = self._connection(sources)
            client = connection.client(hub, api_version=_API_VERSION, retries=_RETRIES)
            self._clients[sources, hub] = client
        return client

    def _connection(self, sources: _Sources) -> ServiceConnection:
        if sources not in self._connections:
            self._connections[sources] = ServiceConnection(sources)
        return self._connections[sources]

    def _info(self, binding: Mapping[str, Any], data: BindingData) -> Callable[[Endpoint], dict[str, str]]:
        """Return what makes the connection info for an endpoint."""
        hub = self._resolve(binding, "hubName", data)
        user_id = self._resolve(binding, "userId", data) if "userId" in binding else None
        claims = self._id_token_claims(binding, data)

        def info(endpoint: Endpoint) -> dict[str, str]:
            token = sign_client_token(endpoint, hub, user_id=user_id, claims=claims, lifetime=_LIFETIME)
            return {"url": endpoint.client_hub_url(hub), "accessToken": token}

        return info

    def _resolve(self, binding: Mapping[str, Any], name: str, data: BindingData) -> str:
        return resolve(str(binding[name]), self._settings, data)

    def _id_token_claims(self, binding: Mapping[str, Any], data: BindingData) -> dict[str, Sequence[str]]:
        wanted = binding.get("claimTypeList")
        if not wanted or "idToken" not in binding:
            return {}
        import jwt

        token = self._resolve(binding, "idToken", data)
        try:
            # The extension reads the token without a check too: what is behind it has checked it.
            payload = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise ValueError(f"idToken is no token: {error}.") from None
        return {
            name: [_claim(item) for item in (value if isinstance(value, list) else [value])]
            for name, value in payload.items()
            if name in wanted
        }


def _claim(value: object) -> str:
    """Return a claim's value as the text that the service reads."""
    return value if isinstance(value, str) else newtonsoft.write(value)
