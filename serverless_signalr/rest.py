"""A client of the service's data-plane REST API, for any Python code.

Source: https://learn.microsoft.com/azure/azure-signalr/signalr-reference-data-plane-rest-api.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, Unpack, final

from serverless_signalr import _telemetry as telemetry
from serverless_signalr._rest import addressees as to
from serverless_signalr._rest import sending
from serverless_signalr._rest.addressees import Addressee, Addressees
from serverless_signalr._rest.authentication import AuthenticationOperations
from serverless_signalr._rest.background import run_sync
from serverless_signalr._rest.commands import CloseConnection, Command, JoinGroup, LeaveGroup, SendMessage
from serverless_signalr._rest.encoding import encode, message
from serverless_signalr._rest.groups import GroupOperations, exists
from serverless_signalr._rest.lists import GroupConnection, connections_of
from serverless_signalr._rest.operations import Operation, Reach
from serverless_signalr._rest.options import ClientOptions, Options
from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.senders import Direct, Sender
from serverless_signalr._rest.substitute import SUBSTITUTE
from serverless_signalr._telemetry import OPENTELEMETRY, modules
from serverless_signalr.endpoint import Endpoint

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

__all__ = [
    "CloseConnection",
    "Command",
    "GroupConnection",
    "JoinGroup",
    "LeaveGroup",
    "SendMessage",
    "ServiceClient",
    "run_sync",
]

_CLOSED = "the client was closed: use it before that, or make another"


@final
class ServiceClient(GroupOperations, AuthenticationOperations):
    """A REST client for everything that the service offers for the clients of one hub.

    A ServiceClient can be shared by any number of tasks, threads and event loops, and kept for the lifetime
    of the process. All of them share one pool of sockets per event loop, see aclose.

    Invalid arguments raise ValueError or TypeError before anything is sent. All other errors are
    ServiceErrors, see serverless_signalr.errors. Idempotent operations are retried up to ``retries`` times,
    after pauses that start at ``retry_delay`` and grow, or that the service asks for. Sends, invocations,
    stream items and ``execute`` are retried only if they certainly did not run, so that no client receives a
    message twice.

    The logger ``serverless_signalr.rest`` logs retries at INFO, and ``serverless_signalr.http`` logs all
    requests at DEBUG, without tokens and queries. Each operation is a span if the app has
    set up OpenTelemetry, and each request if azure-core's tracing is set up.
    """

    def __init__(
        self,
        endpoint: Endpoint | str,
        hub: str,
        *,
        credential: "AsyncTokenCredential | None" = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Take an endpoint or a connection string, and an Entra ID credential if it has no access key.

        The options are: the name of an ``application``; ``api_version``, where an older version lacks the
        later operations; ``connect_timeout`` (10 s); ``timeout`` (30 s), the longest silence of the service
        in each attempt; ``retries`` (3); ``retry_delay`` (0.5 s); and ``max_parallel`` (16), the number of
        concurrent requests of a send to several recipients.
        """
        checked = Options(**options)
        parsed = Endpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
        self._own: Sender = Direct(parsed, hub, credential, checked)
        self._hub: str | None = hub
        self._max_parallel = checked.max_parallel
        self._is_closed = False

    @classmethod
    def over(cls, sender: Sender, *, max_parallel: int, hub: str | None = None) -> Self:
        """Return a client that passes its operations to ``sender``.

        ``hub`` names the hub, so that a test can replace the service. Without it, no test can.
        """
        client = cls.__new__(cls)
        client._own, client._hub = sender, hub
        client._max_parallel, client._is_closed = max_parallel, False
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the client. The last client of the running event loop also closes the loop's pool.

        A client that lives as long as its process or its event loop does not need to be closed.
        """
        self._is_closed = True
        await self._own.aclose()

    async def send(self, addressee: Addressee | Addressees, target: str, *arguments: object) -> None:
        """Invoke ``target`` on the connections of one or several addressees.

        The call returns when the service has accepted the message, not when the clients have received it.
        Arguments may be JSON values, dates, bytes, enums, UUIDs and dataclasses, see
        serverless_signalr.protocol.values. All addressees are tried; PartialSendError holds the error of each
        that failed.
        """
        body = message(target, arguments)
        if isinstance(addressee, Addressees):
            await sending.send_each(self.run, addressee, target, body, self._max_parallel)
        else:
            path = f"{addressee.path}/:send"
            await self.run(Operation("POST", path, addressee.query, body, is_repeatable=False, target=target))

    async def ask(
        self, addressee: Addressee, target: str, *arguments: object, timeout: timedelta | None = None
    ) -> Any:
        """Invoke ``target`` on one connection and return the result of its client."""
        path, body = f"{addressee.path}/:invoke", message(target, arguments)
        operation = Operation("POST", path, body=body, is_repeatable=False, reach=Reach.ANY, target=target)
        return (await self.run(operation, timeout)).json().get("result")

    async def send_to_all(self, target: str, *arguments: object, excluded: Sequence[str] = ()) -> None:
        """Invoke ``target`` on every connection except the excluded ones, see send."""
        await self.send(to.everybody(excluded), target, *arguments)

    async def send_to_user(self, user_id: str, target: str, *arguments: object) -> None:
        """Invoke ``target`` on every connection of a user. A user without connections is not an error."""
        await self.send(to.user(user_id), target, *arguments)

    async def send_to_users(self, user_ids: Sequence[str], target: str, *arguments: object) -> None:
        """Invoke ``target`` on every connection of several users, with one request per user."""
        await self.send(to.users(user_ids), target, *arguments)

    async def send_to_group(
        self, group_name: str, target: str, *arguments: object, excluded: Sequence[str] = ()
    ) -> None:
        """Invoke ``target`` on every connection in a group except the excluded ones."""
        await self.send(to.group(group_name, excluded), target, *arguments)

    async def send_to_groups(self, group_names: Sequence[str], target: str, *arguments: object) -> None:
        """Invoke ``target`` on several groups, with one request per group.

        A connection that is in two of the groups receives it twice.
        """
        await self.send(to.groups(group_names), target, *arguments)

    async def send_to_connection(self, connection_id: str, target: str, *arguments: object) -> None:
        """Invoke ``target`` on a connection. A connection that is gone is not an error."""
        await self.send(to.connection(connection_id), target, *arguments)

    async def send_to_connections(
        self, connection_ids: Sequence[str], target: str, *arguments: object
    ) -> None:
        """Invoke ``target`` on several connections, with one request per connection."""
        await self.send(to.connections(connection_ids), target, *arguments)

    async def invoke_connection(
        self, connection_id: str, target: str, *arguments: object, timeout: timedelta | None = None
    ) -> Any:
        """Invoke ``target`` on a connection and return the result of its client.

        ``timeout`` replaces the ServiceClient's own. It limits the time in which the client must respond.
        """
        return await self.ask(to.connection(connection_id), target, *arguments, timeout=timeout)

    async def connection_exists(self, connection_id: str) -> bool:
        """Tell whether a connection exists."""
        return await exists(self.run, to.connection(connection_id).path, "Warning.Connection.NotExisted")

    async def user_exists(self, user_id: str) -> bool:
        """Tell whether a user has a connection."""
        return await exists(self.run, to.user(user_id).path, "Warning.User.NotExisted")

    async def close_connection(self, connection_id: str, reason: str | None = None) -> None:
        """Close a connection and send the client the reason. A connection that is gone is not an error."""
        path, absent = to.connection(connection_id).path, "Warning.Connection.NotExisted"
        await self.run(
            Operation("DELETE", path, sending.reason_query(reason), absent=absent, reach=Reach.ANY)
        )

    async def close_user_connections(
        self, user_id: str, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """Close every connection of a user except the excluded ones."""
        await self.run(sending.close_operation(to.user(user_id), excluded, reason))

    async def close_group_connections(
        self, group_name: str, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """Close every connection in a group except the excluded ones."""
        await self.run(sending.close_operation(to.group(group_name), excluded, reason))

    async def close_all_connections(self, excluded: Sequence[str] = (), reason: str | None = None) -> None:
        """Close every connection of the hub except the excluded ones."""
        await self.run(sending.close_operation(to.EVERYBODY, excluded, reason))

    def list_group_connections(
        self, group_name: str, *, top: int | None = None, page_size: int | None = None
    ) -> AsyncIterator[GroupConnection]:
        """Iterate over the connections in a group, up to ``top`` of them.

        Pages have ``page_size`` items, from 1 to 200, and are fetched as the iteration reaches them.
        """
        if self._is_closed:
            raise RuntimeError(_CLOSED)
        return connections_of(self._sender, to.group(group_name).path, top, page_size)

    async def send_stream_item(
        self, connection_id: str, stream_id: str, item: object, *, completed: bool = False
    ) -> None:
        """Send one item of a stream to a client. ``completed`` marks the last item."""
        await self.run(sending.send_stream_item(connection_id, stream_id, item, completed=completed))

    async def complete_stream(self, connection_id: str, stream_id: str, error: str | None = None) -> None:
        """End a stream to a client, with an error if one is given."""
        await self.run(sending.complete_stream(connection_id, stream_id, error))

    async def stream_to_connection(
        self, connection_id: str, stream_id: str, items: Iterable[object] | AsyncIterable[object]
    ) -> None:
        """Send items to a client one by one, then complete the stream.

        If an item raises, the stream ends with an error and the exception is raised again. The client
        receives the message of a HubException, and a generic message for anything else. An async generator
        is always closed.
        """
        await sending.send_items(self.run, connection_id, stream_id, items)

    async def execute(self, commands: Sequence[Command], filter: str | None = None) -> None:
        """Run all or none of the commands on each connection, or on those that match an OData filter."""
        query = [] if filter is None else [("filter", filter)]
        body = encode([command.to_dict() for command in commands])
        await self.run(Operation("POST", "/:execute", query, body, is_repeatable=False))

    async def generate_token(
        self, user_id: str | None = None, lifetime: timedelta = timedelta(hours=1)
    ) -> str:
        """Return an access token for one client, for an identity that cannot sign one itself.

        The lifetime is rounded up to minutes. Raise ValueError if there are several instances of the service,
        because nothing would tell the client which of them the token is for.
        """
        query = sending.token_query(user_id, lifetime)
        response = await self.run(Operation("POST", "/:generateToken", query, reach=Reach.ONE))
        return str(response.json()["token"])

    async def is_healthy(self) -> bool:
        """Tell whether the service reports that it is healthy. It is asked once.

        The health request needs no credentials, so the result says nothing about them.
        """
        if self._is_closed:
            raise RuntimeError(_CLOSED)
        return await self._sender.is_healthy()

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Carry out an operation that has no method of its own, and return its response.

        ``timeout`` replaces the client's own.
        """
        if self._is_closed:
            raise RuntimeError(_CLOSED)
        if OPENTELEMETRY in modules:
            with telemetry.sending(self._hub, operation.method, operation.path, operation.target):
                return await self._sender.run(operation, timeout)
        return await self._sender.run(operation, timeout)

    @property
    def _sender(self) -> Sender:
        substitute = SUBSTITUTE.get()
        return self._own if substitute is None or self._hub is None else substitute.sender(self._hub)
