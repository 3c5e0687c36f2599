"""The SignalR bindings' way to the service: connection info, and messages through its REST API."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from local.host.expressions import BindingData, resolve
from local.host.functions import connection_setting
from local.host.settings import Settings
from signalr.endpoint import Endpoint
from signalr.tokens import sign_client_token, sign_server_token

__all__ = ["OutputError", "Service"]

_API_VERSION = "2022-06-01"
"""The version that the SignalR extension asks for."""


class OutputError(ValueError):
    """Say which item of a SignalR output could not be sent, and why."""


class Service:
    """Act for the bindings of one app; every request goes through one pool of connections."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._session = session

    def endpoint(self, binding: Mapping[str, Any]) -> Endpoint:
        """Return the service that a binding names. Raise ValueError where its setting is absent or wrong."""
        name = connection_setting(binding)
        text = self._settings.connection_string(name)
        if text is None:
            raise ValueError(f"The setting {name} is missing: it holds the SignalR connection string.")
        try:
            return Endpoint.parse(text)
        except ValueError as error:
            raise ValueError(f"The setting {name}: {error}.") from None

    def connection_info(self, binding: Mapping[str, Any], data: BindingData) -> dict[str, str]:
        """Return what a client needs to connect: ``url`` and ``accessToken``, valid for an hour."""
        hub = self._resolve(binding, "hubName", data)
        user_id = self._resolve(binding, "userId", data) if "userId" in binding else None
        claims = self._id_token_claims(binding, data)
        endpoint = self.endpoint(binding)
        token = sign_client_token(endpoint, hub, user_id=user_id, claims=claims, lifetime=timedelta(hours=1))
        return {"url": endpoint.client_hub_url(hub), "accessToken": token}

    async def send(self, binding: Mapping[str, Any], data: BindingData, value: object) -> None:
        """Send the items of a SignalR output, one after the other. Raise OutputError at the first refusal."""
        endpoint = self.endpoint(binding)
        hub = self._resolve(binding, "hubName", data)
        for item in _items(value):
            method, path, body = _request(item)
            await self._request(endpoint, method, f"/api/hubs/{quote(hub.lower(), safe='')}{path}", body)

    async def _request(
        self, endpoint: Endpoint, method: str, path: str, body: dict[str, object] | None
    ) -> None:
        url = endpoint.server_url + path
        audience = endpoint.url + path
        try:
            async with self._session.request(
                method,
                URL(f"{url}?api-version={_API_VERSION}", encoded=True),
                json=body,
                headers={"Authorization": f"Bearer {sign_server_token(endpoint, audience)}"},
            ) as response:
                text = await response.text()
        except aiohttp.ClientError as error:
            raise OutputError(
                f"An error happened when making request to {url}: {type(error).__name__}. "
                "Is the service there?"
            ) from None
        if response.ok:
            return
        code = response.headers.get("x-ms-error-code", "")
        # Adding a connection that is gone is no error for the extension either.
        if method == "PUT" and code == "Error.Connection.NotExisted":
            return
        detail = " ".join(part for part in (code, text.strip()) if part)
        raise OutputError(f"The service answered {response.status} to {method} {url}. {detail}".strip())

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
            name: [str(item) for item in (value if isinstance(value, list) else [value])]
            for name, value in payload.items()
            if name in wanted
        }


def _items(value: object) -> list[dict[str, Any]]:
    items: list[Any] = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, dict):
            raise OutputError(
                "Value cannot be null. (Parameter 'item'): a SignalR output takes a JSON object or a list of "
                f"objects, got {type(item).__name__}."
            )
    return [{name.lower(): part for name, part in item.items()} for item in items]


def _request(item: dict[str, Any]) -> tuple[str, str, dict[str, object] | None]:
    """Return method, path and body of the request that an item stands for."""
    connection, user, group = (
        quote(str(item[name]), safe="") if item.get(name) else None
        for name in ("connectionid", "userid", "groupname")
    )
    if item.get("target"):
        arguments = item.get("arguments")
        if arguments is not None and not isinstance(arguments, list):
            raise OutputError(f"arguments of the message {item['target']} must be a list.")
        to = (
            f"/connections/{connection}"
            if connection
            else f"/users/{user}"
            if user
            else f"/groups/{group}"
            if group
            else ""
        )
        return "POST", f"{to}/:send", {"Target": item["target"], "Arguments": arguments or []}
    action = str(item.get("action") or "").lower()
    if action not in ("add", "remove", "removeall"):
        raise OutputError("Unable to convert JObject to valid output binding type, check parameters.")
    if connection is None and user is None:
        raise OutputError("ConnectionId and UserId cannot be null or empty together")
    if action == "removeall":
        if connection is not None:
            raise OutputError("removeAll takes a userId: Azure ignores it for a connection.")
        return "DELETE", f"/users/{user}/groups", None
    if group is None:
        raise OutputError("groupName cannot be null or empty")
    method = "PUT" if action == "add" else "DELETE"
    if connection is not None:
        return method, f"/groups/{group}/connections/{connection}", None
    return method, f"/users/{user}/groups/{group}", None
