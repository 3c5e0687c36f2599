"""How azure-identity and azure-keyvault-secrets reach the network: through the event loop's one pool.

Only the call that needs them imports this module, like serverless_signalr._rest.pool.
"""

from typing import Any

from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import AsyncRetryPolicy
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport

from serverless_signalr._rest.pool import proxy, running_pool

__all__ = ["PoolTransport", "PromptRetryPolicy"]

_CONNECT_TIMEOUT = 3.0
_READ_TIMEOUT = 10.0

_LONGEST_WAIT = 5.0
"""Seconds. Who asks to wait longer is asked again later, not waited for: somebody waits for a token."""


class PoolTransport(AsyncHttpTransport[Any, Any]):
    """Send requests through the pool of whichever event loop runs, and own nothing.

    A credential or a client that has this transport may be dropped: the pool is closed with its loop.
    """

    async def open(self) -> None:
        """Do nothing: the pool opens itself."""

    async def close(self) -> None:
        """Do nothing: others use the pool."""

    async def __aexit__(self, *_: object) -> None:
        pass

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request and return the answer."""
        transport = AioHttpTransport(
            session=(await running_pool()).session,
            session_owner=False,
            connection_timeout=_CONNECT_TIMEOUT,
            read_timeout=_READ_TIMEOUT,
        )
        if through := proxy(request.url):
            options.setdefault("proxy", through)
        return await transport.send(request, **options)


class PromptRetryPolicy(AsyncRetryPolicy[Any, Any]):
    """Repeat what azure-core repeats, unless the answer asks for a pause that nobody would wait for."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Tell whether to send the request again."""
        asked = self.get_retry_after(response)
        return (asked is None or asked <= _LONGEST_WAIT) and super().is_retry(settings, response)
