"""The service's data-plane REST API: send, group, look, close, from any Python code.

Source: https://learn.microsoft.com/azure/azure-signalr/signalr-reference-data-plane-rest-api.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, Unpack, final

from serverless_signalr._rest import addressees as to
from serverless_signalr._rest import sending
from serverless_signalr._rest.addressees import Addressee, Addressees
from serverless_signalr._rest.background import run_sync
from serverless_signalr._rest.commands import CloseConnection, Command, JoinGroup, LeaveGroup, SendMessage
from serverless_signalr._rest.encoding import encode, message
from serverless_signalr._rest.lists import GroupConnection, connections_of
from serverless_signalr._rest.operations import Operation, Reach
from serverless_signalr._rest.options import ClientOptions, Options
from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.senders import Direct, Sender
from serverless_signalr._rest.substitute import current_substitute
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
_CONNECTION_GONE = "Error.Connection.NotExisted"


@final
class ServiceClient:
    """Everything that the service can do with the clients of one hub.

    A client may be used from any number of tasks, threads and event loops, and kept for as long as the
    process runs; all clients share one pool of sockets for each event loop, see aclose.

    Wrong arguments raise ValueError or TypeError before anything is sent. Everything else is a ServiceError,
    see serverless_signalr.errors. What is idempotent is repeated after a failure up to ``retries`` times,
    with growing pauses that start at ``retry_delay``, or as long as the service asks for. Sends, invocations,
    stream items and ``execute`` are repeated only where they surely did not run, so that nobody receives
    them twice.

    The logger ``serverless_signalr.rest`` tells of repetitions at INFO, ``serverless_signalr.http`` of all
    requests at DEBUG, without tokens and queries. Each is a span where azure-core's tracing is set up.
    """

    def __init__(
        self,
        endpoint: Endpoint | str,
        hub: str,
        *,
        credential: "AsyncTokenCredential | None" = None,
        **options: Unpack[ClientOptions],
    ) -> None:
        """Take an endpoint or a connection string, and a credential of Entra ID where it has no access key.

        Options are the name of an ``application``; the ``api_version``, of which an older one lacks the later
        operations; ``connect_timeout`` (10 s); ``timeout`` (30 s), for how long the service may be silent in
        each attempt; ``retries`` (3); ``retry_delay`` (0.5 s); ``max_parallel`` (16), how many requests a
        send to several addressees makes at a time.
        """
        checked = Options(**options)
        parsed = Endpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
        self._own: Sender = Direct(parsed, hub, credential, checked)
        self._hub: str | None = hub
        self._max_parallel = checked.max_parallel
        self._is_closed = False

    @classmethod
    def over(cls, sender: Sender, *, max_parallel: int, hub: str | None = None) -> Self:
        """Return a client whose operations a sender carries out.

        ``hub`` names the hub, so that a test can stand in for the service; without it, none can.
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
        """Close the client, and the pool of the running loop with the last client that used it.

        A client that lives as long as its process or its event loop need not be closed.
        """
        self._is_closed = True
        await self._own.aclose()

    async def send(self, addressee: Addressee | Addressees, target: str, *arguments: object) -> None:
        """Invoke ``target`` on the connections of an addressee.

        It is done when the service has accepted it, not when the clients have it. Arguments are what JSON can
        carry, and dates, bytes, enums, UUIDs and dataclasses, see serverless_signalr.protocol.values. Of
        several addressees all are tried. Raise PartialSendError, which has the error of each that failed.
        """
        body = message(target, arguments)
        if isinstance(addressee, Addressees):
            await sending.send_each(self.run, addressee, body, self._max_parallel)
        else:
            path = f"{addressee.path}/:send"
            await self.run(Operation("POST", path, addressee.query, body, is_repeatable=False))

    async def ask(
        self, addressee: Addressee, target: str, *arguments: object, timeout: timedelta | None = None
    ) -> Any:
        """Invoke ``target`` on one connection and return what its client answers."""
        path, body = f"{addressee.path}/:invoke", message(target, arguments)
        operation = Operation("POST", path, body=body, is_repeatable=False, reach=Reach.ANY)
        return (await self.run(operation, timeout)).json().get("result")

    async def send_to_all(self, target: str, *arguments: object, excluded: Sequence[str] = ()) -> None:
        """Invoke ``target`` on every connection but the excluded ones, see send."""
        await self.send(to.everybody(excluded), target, *arguments)

    async def send_to_user(self, user_id: str, target: str, *arguments: object) -> None:
        """Invoke ``target`` on every connection of a user. Having none is not an error."""
        await self.send(to.user(user_id), target, *arguments)

    async def send_to_users(self, user_ids: Sequence[str], target: str, *arguments: object) -> None:
        """Invoke ``target`` on every connection of several users, with a request for each."""
        await self.send(to.users(user_ids), target, *arguments)

    async def send_to_group(
        self, group_name: str, target: str, *arguments: object, excluded: Sequence[str] = ()
    ) -> None:
        """Invoke ``target`` on every connection in a group but the excluded ones."""
        await self.send(to.group(group_name, excluded), target, *arguments)

    async def send_to_groups(self, group_names: Sequence[str], target: str, *arguments: object) -> None:
        """Invoke ``target`` on several groups, with a request for each; who is in two receives it twice."""
        await self.send(to.groups(group_names), target, *arguments)

    async def send_to_connection(self, connection_id: str, target: str, *arguments: object) -> None:
        """Invoke ``target`` on a connection. A connection that is gone is not an error."""
        await self.send(to.connection(connection_id), target, *arguments)

    async def send_to_connections(
        self, connection_ids: Sequence[str], target: str, *arguments: object
    ) -> None:
        """Invoke ``target`` on several connections, with a request for each."""
        await self.send(to.connections(connection_ids), target, *arguments)

    async def invoke_connection(
        self, connection_id: str, target: str, *arguments: object, timeout: timedelta | None = None
    ) -> Any:
        """Invoke ``target`` on a connection and return what the client answers.

        ``timeout`` replaces the client's own: here it is the time that the client has.
        """
        return await self.ask(to.connection(connection_id), target, *arguments, timeout=timeout)

    async def add_connection_to_group(self, group_name: str, *, connection_id: str) -> None:
        """Add a connection to a group. A connection that is gone is not an error."""
        path = to.connection_membership(group_name, connection_id)
        await self.run(Operation("PUT", path, absent=_CONNECTION_GONE, reach=Reach.ANY))

    async def remove_connection_from_group(self, group_name: str, *, connection_id: str) -> None:
        """Remove a connection from a group. A connection that is gone is not an error."""
        path = to.connection_membership(group_name, connection_id)
        await self.run(Operation("DELETE", path, absent=_CONNECTION_GONE))

    async def remove_connection_from_all_groups(self, *, connection_id: str) -> None:
        """Remove a connection from every group."""
        await self.run(Operation("DELETE", f"{to.connection(connection_id).path}/groups"))

    async def add_user_to_group(self, group_name: str, *, user_id: str, ttl: timedelta | None = None) -> None:
        """Add a user's connections to a group, and for as long as ``ttl`` those that come later.

        Without ``ttl`` that is a year, and of such groups the service remembers a user's latest 100. Zero
        means the connections of this moment only; anything else is rounded up to seconds.
        """
        path = to.user_membership(group_name, user_id)
        await self.run(Operation("PUT", path, sending.ttl_query(ttl)))

    async def remove_user_from_group(self, group_name: str, *, user_id: str) -> None:
        """Remove a user's connections from a group, and those that come later."""
        await self.run(Operation("DELETE", to.user_membership(group_name, user_id)))

    async def remove_user_from_all_groups(self, *, user_id: str) -> None:
        """Remove a user's connections from every group, and those that come later."""
        await self.run(Operation("DELETE", f"{to.user(user_id).path}/groups"))

    async def is_user_in_group(self, group_name: str, *, user_id: str) -> bool:
        """Tell whether a user was added to a group. What single connections joined does not count."""
        return await self._exists(to.user_membership(group_name, user_id), "Info.User.NotInGroup")

    async def connection_exists(self, connection_id: str) -> bool:
        """Tell whether a connection exists."""
        return await self._exists(to.connection(connection_id).path, "Warning.Connection.NotExisted")

    async def user_exists(self, user_id: str) -> bool:
        """Tell whether a user has a connection."""
        return await self._exists(to.user(user_id).path, "Warning.User.NotExisted")

    async def group_exists(self, group_name: str) -> bool:
        """Tell whether a group has a connection in it."""
        return await self._exists(to.group(group_name).path, "Warning.Group.NotExisted")

    async def close_connection(self, connection_id: str, reason: str | None = None) -> None:
        """Close a connection; the client is told the reason. A connection that is gone is not an error."""
        path, absent = to.connection(connection_id).path, "Warning.Connection.NotExisted"
        await self.run(
            Operation("DELETE", path, sending.reason_query(reason), absent=absent, reach=Reach.ANY)
        )

    async def close_user_connections(
        self, user_id: str, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """Close every connection of a user but the excluded ones."""
        await self.run(sending.close_operation(to.user(user_id), excluded, reason))

    async def close_group_connections(
        self, group_name: str, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """Close every connection in a group but the excluded ones."""
        await self.run(sending.close_operation(to.group(group_name), excluded, reason))

    async def close_all_connections(self, excluded: Sequence[str] = (), reason: str | None = None) -> None:
        """Close every connection of the hub but the excluded ones."""
        await self.run(sending.close_operation(to.EVERYBODY, excluded, reason))

    def list_group_connections(
        self, group_name: str, *, top: int | None = None, page_size: int | None = None
    ) -> AsyncIterator[GroupConnection]:
        """Iterate over the connections in a group, over ``top`` of them at most.

        They come in pages of ``page_size``, 1 to 200, each fetched when it is reached.
        """
        if self._is_closed:
            raise RuntimeError(_CLOSED)
        return connections_of(self._sender, to.group(group_name).path, top, page_size)

    async def send_stream_item(
        self, connection_id: str, stream_id: str, item: object, *, completed: bool = False
    ) -> None:
        """Send one item of a stream to a client; ``completed`` says that it is the last."""
        await self.run(sending.send_stream_item(connection_id, stream_id, item, completed=completed))

    async def complete_stream(self, connection_id: str, stream_id: str, error: str | None = None) -> None:
        """End a stream to a client, with an error if one is given."""
        await self.run(sending.complete_stream(connection_id, stream_id, error))

    async def stream_to_connection(
        self, connection_id: str, stream_id: str, items: Iterable[object] | AsyncIterable[object]
    ) -> None:
        """Send items to a client, one after the other, then the end of the stream.

        Where that fails, the client is told the end too: the message of a HubException, of anything else
        only that it happened. The exception is raised then. An async generator is closed in any case.
        """
        await sending.send_items(self.run, connection_id, stream_id, items)

    async def execute(self, commands: Sequence[Command], filter: str | None = None) -> None:
        """Run commands, all or none, on each connection, or on those for which an OData filter holds."""
        query = [] if filter is None else [("filter", filter)]
        body = encode([command.to_dict() for command in commands])
        await self.run(Operation("POST", "/:execute", query, body, is_repeatable=False))

    async def generate_token(
        self, user_id: str | None = None, lifetime: timedelta = timedelta(hours=1)
    ) -> str:
        """Return a token with which one client connects, for an identity that cannot sign one itself.

        The lifetime is rounded up to minutes. Raise ValueError where there are several instances of the
        service: nothing would tell the client which of them the token is for.
        """
        query = sending.token_query(user_id, lifetime)
        response = await self.run(Operation("POST", "/:generateToken", query, reach=Reach.ONE))
        return str(response.json()["token"])

    async def is_healthy(self) -> bool:
        """Tell whether the service says that it is well, which it says to everybody. It is asked once."""
        if self._is_closed:
            raise RuntimeError(_CLOSED)
        return await self._sender.is_healthy()

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Carry out an operation that no method has, and return a response that it may have.

        ``timeout`` replaces the client's own.
        """
        if self._is_closed:
            raise RuntimeError(_CLOSED)
        return await self._sender.run(operation, timeout)

    async def _exists(self, path: str, absent: str) -> bool:
        operation = Operation("HEAD", path, absent=absent, reach=Reach.ANY)
        return (await self.run(operation)).status != HTTPStatus.NOT_FOUND

    @property
    def _sender(self) -> Sender:
        substitute = current_substitute()
        return self._own if substitute is None or self._hub is None else substitute.sender(self._hub)
