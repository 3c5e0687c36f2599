"""The hub: its methods are what clients call, and its clients have the methods of the page."""

import os
from collections.abc import Mapping
from typing import Protocol

from serverless_signalr import ServerlessHub, SignalRInvocationContext

type Content = Mapping[str, object]


class Client(Protocol):
    """The methods of the page that the hub calls."""

    async def new_message(self, message: Content) -> None: ...
    async def new_connection(self, connection: Content) -> None: ...
    async def connection_closed(self, connection: Content) -> None: ...


class Hub(ServerlessHub[Client], hub="hub_name"):
    """The methods that the page calls: ``connection.invoke("broadcast", "hello")`` calls ``broadcast``."""

    async def connected(self, caller: SignalRInvocationContext) -> None:
        """Tell everybody who came."""
        await self.clients.all.new_connection({"userId": caller.user_id})

    async def disconnected(self, caller: SignalRInvocationContext) -> None:
        """Tell everybody who left."""
        await self.clients.all.connection_closed({"userId": caller.user_id})

    async def broadcast(self, caller: SignalRInvocationContext, text: str) -> None:
        """Send a text to everybody, the caller included."""
        await self.clients.all.new_message({"sender": caller.user_id, "text": text})


# With the setting UPSTREAM_ROUTE, events come to an HTTP function of that route, which checks signatures.
# Without it, they come to the webhook of the Functions host.
hub = Hub(upstream_route=os.environ.get("UPSTREAM_ROUTE") or None)

# In Azure, users are those whom App Service Authentication has verified, or anonymous while it is off. On a
# developer's machine, the page names the user.
hub.add_negotiate(anonymous=True)
