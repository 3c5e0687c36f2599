"""The server that the inspector plays: requests to the REST API of the emulator, as an app sends them."""

import aiohttp
from yarl import URL

from serverless_signalr._rest.operations import API_VERSION, Operation
from serverless_signalr._rest.senders import url_of
from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr.protocol.names import check_hub_name
from signalr_local.emulator import Emulator
from signalr_local.trace_context import begin_trace, new_trace_id

__all__ = ["ServerSide"]


class ServerSide:
    """Send requests to an emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._session: aiohttp.ClientSession | None = None

    async def run(self, hub: str, operation: Operation) -> str:
        """Carry out an operation and return the id of its trace. Raise ValueError if it is refused."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        path = f"/api/hubs/{check_hub_name(hub)}"
        endpoint = self._emulator.endpoint
        address = url_of(operation, f"{endpoint.server_url}{path}", f"api-version={API_VERSION}")
        trace_id = new_trace_id()
        headers = {
            "Authorization": f"Bearer {sign_server_token(endpoint, address)}",
            "traceparent": begin_trace(trace_id),
        }
        if operation.body is not None:
            headers["Content-Type"] = "application/json"
        url = URL(address, encoded=True)
        async with self._session.request(
            operation.method, url, data=operation.body, headers=headers
        ) as response:
            if response.status >= 400:
                raise ValueError(f"the service answered {response.status}: {await response.text()}")
        return trace_id

    async def stop(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
