"""How a client gets to the service: negotiate, then a WebSocket."""

import aiohttp

from signalr_local.testing.errors import ConnectionRefused
from signalr_local.testing.responses import Response

__all__ = ["CONNECTION_TOKEN", "connection_info", "open_socket"]

CONNECTION_TOKEN = "X-SignalR-Connection-Token"  # noqa: S105 - the name of the header
"""The header with which a client refreshes its authentication."""


def connection_info(response: Response) -> tuple[str, str]:
    """Return the URL and the token that negotiate answered with.

    Raise ConnectionRefused where it answered with something else.
    """
    if response.status != 200:
        raise ConnectionRefused(f"negotiate answered {response.status}: {response.text}", response.status)
    info = response.json()
    return info["url"], info["accessToken"]


async def open_socket(
    session: aiohttp.ClientSession, url: str, token: str
) -> tuple[str, str, aiohttp.ClientWebSocketResponse]:
    """Return the id and the token of a new connection, and its socket before the handshake.

    Raise ConnectionRefused where the service does not let the token in.
    """
    headers = {"Authorization": f"Bearer {token}"}
    address, _, query = url.partition("?")
    negotiated = f"{address.rstrip('/')}/negotiate?{query}&negotiateVersion=1"
    async with session.post(negotiated, headers=headers) as response:
        if response.status != 200:
            raise ConnectionRefused(
                f"the service answered {response.status} to negotiate "
                f"({response.headers.get('WWW-Authenticate', '')})",
                response.status,
            )
        answer = await response.json()
    socket = await session.ws_connect(
        f"{url}&id={answer['connectionToken']}", headers=headers, autoping=False, max_msg_size=0
    )
    return answer["connectionId"], answer["connectionToken"], socket
