"""The service's data-plane REST API: send, group, look, close, from any Python code.

Source: https://learn.microsoft.com/azure/azure-signalr/signalr-reference-data-plane-rest-api.
"""

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

from serverless_signalr._rest.operations import (
    API_VERSION,
    LOCAL_HOSTS,
    Answer,
    CloseConnection,
    Command,
    JoinGroup,
    LeaveGroup,
    Operation,
    SendMessage,
    connection,
    group,
    json_body,
    message,
    names,
    refusal,
    segment,
    stream,
    user,
)
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import HubException, PartialSendError, ServiceError, ServiceUnavailableError
from serverless_signalr.protocol.names import check_hub_name

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from serverless_signalr._rest.pipeline import Pipeline

__all__ = [
    "CloseConnection",
    "Command",
    "GroupConnection",
    "JoinGroup",
    "LeaveGroup",
    "SendMessage",
    "ServiceClient",
]

MAX_PARALLEL = 16
_MAX_PAGE = 200


@dataclass(frozen=True, slots=True)
class GroupConnection:
    """Name a connection in a group; ``user_id`` is None for an anonymous one."""

    connection_id: str
    user_id: str | None = None


class ServiceClient:
    """Do with one hub's clients whatever the service can do.

    A client may be used from any number of tasks, threads and event loops, and kept as long as the process
    runs; all clients share one pool of connections for each event loop, see aclose.

    Wrong arguments raise ValueError or TypeError before anything is sent. Everything else is a ServiceError,
    see serverless_signalr.errors. What is idempotent is repeated after a failure up to ``retries`` times,
    with growing pauses that start at ``retry_delay`` or as long as the service asks for. Sends, invocations,
    stream items and ``execute`` are repeated only where they surely did not run, so that nobody receives
    them twice.

    The logger ``serverless_signalr.rest`` tells of repetitions at INFO, ``serverless_signalr.http`` of every
    request at DEBUG, without tokens and queries. Where azure-core is set up for tracing by the first request,
    each is a span.
    """

    def __init__(
        self,
        endpoint: Endpoint | str,
        hub: str,
        *,
        credential: "AsyncTokenCredential | None" = None,
        application: str | None = None,
        api_version: str = API_VERSION,
        connect_timeout: timedelta = timedelta(seconds=10),
        timeout: timedelta = timedelta(seconds=30),
        retries: int = 3,
        retry_delay: timedelta = timedelta(seconds=0.5),
        max_parallel: int = MAX_PARALLEL,
    ) -> None:
        """Take an endpoint or a connection string, and a credential of Entra ID where it has no access key.

        ``api_version`` is that of the REST API; an older one lacks the later operations. ``timeout`` is how
        long the service may be silent, for each attempt; ``max_parallel`` how many requests a send to several
        addressees makes at a time.
        """
        self._endpoint = Endpoint.parse(endpoint) if isinstance(endpoint, str) else endpoint
        self._credential = credential
        _check_access(self._endpoint, credential)
        self._hub = f"{self._endpoint.server_url}/api/hubs/{segment('hub name', check_hub_name(hub).lower())}"
        self._version = f"api-version={quote(api_version)}"
        self._query = self._version
        if application is not None:
            self._query = f"application={quote(_check_application(application))}&{self._version}"
        self._connect_timeout = connect_timeout.total_seconds()
        self._timeout = timeout.total_seconds()
        self._retries = retries
        self._retry_delay = retry_delay.total_seconds()
        self._max_parallel = max_parallel
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the client. The pool of the running loop is closed with the last client that used it.

        A client that lives as long as its process or its event loop need not be closed: the pool ends with
        the loop.
        """
        self._is_closed = True
        if "_pipeline" in self.__dict__:
            await self._pipeline.aclose()

    async def send_to_all(self, target: str, *arguments: object, excluded: Sequence[str] = ()) -> None:
        """Invoke ``target`` on every connection but the excluded ones.

        It is done when the service has accepted it, not when the clients have it. Arguments are what JSON can
        carry, and dates, bytes, enums, UUIDs and dataclasses, see serverless_signalr.protocol.values.
        """
        await self.run(_send("", message(target, arguments), excluded))

    async def send_to_user(self, user_id: str, target: str, *arguments: object) -> None:
        """Invoke ``target`` on every connection of a user. It is no error that there is none."""
        await self.run(_send(user(user_id), message(target, arguments)))

    async def send_to_users(self, user_ids: Sequence[str], target: str, *arguments: object) -> None:
        """Invoke ``target`` on every connection of several users, each of which is a request.

        All are tried. Raise PartialSendError, which has the error of each that failed.
        """
        await self._send_each("user_ids", user, user_ids, target, arguments)

    async def send_to_group(
        self, group_name: str, target: str, *arguments: object, excluded: Sequence[str] = ()
    ) -> None:
        """Invoke ``target`` on every connection in a group but the excluded ones."""
        await self.run(_send(group(group_name), message(target, arguments), excluded))

    async def send_to_groups(self, group_names: Sequence[str], target: str, *arguments: object) -> None:
        """Invoke ``target`` on several groups, each of which is a request; who is in two receives it twice.

        All are tried. Raise PartialSendError, which has the error of each that failed.
        """
        await self._send_each("group_names", group, group_names, target, arguments)

    async def send_to_connection(self, connection_id: str, target: str, *arguments: object) -> None:
        """Invoke ``target`` on a connection. It is no error that it is gone."""
        await self.run(_send(connection(connection_id), message(target, arguments)))

    async def send_to_connections(
        self, connection_ids: Sequence[str], target: str, *arguments: object
    ) -> None:
        """Invoke ``target`` on several connections, each of which is a request.

        All are tried. Raise PartialSendError, which has the error of each that failed.
        """
        await self._send_each("connection_ids", connection, connection_ids, target, arguments)

    async def add_connection_to_group(self, group_name: str, *, connection_id: str) -> None:
        """Put a connection into a group. It is no error that it is gone."""
        path = f"{group(group_name)}{connection(connection_id)}"
        await self.run(Operation("PUT", path, absent="Error.Connection.NotExisted"))

    async def remove_connection_from_group(self, group_name: str, *, connection_id: str) -> None:
        """Take a connection out of a group. It is no error that it is gone."""
        path = f"{group(group_name)}{connection(connection_id)}"
        await self.run(Operation("DELETE", path, absent="Error.Connection.NotExisted"))

    async def remove_connection_from_all_groups(self, *, connection_id: str) -> None:
        """Take a connection out of every group."""
        await self.run(Operation("DELETE", f"{connection(connection_id)}/groups"))

    async def add_user_to_group(self, group_name: str, *, user_id: str, ttl: timedelta | None = None) -> None:
        """Put a user's connections into a group, those to come for as long as ``ttl`` too.

        Without ``ttl`` that is a year, and of such groups the service remembers a user's latest 100. Zero
        means the connections of this moment only; anything else is rounded up to seconds.
        """
        query: list[tuple[str, str]] = []
        if ttl is not None:
            if ttl < timedelta(0):
                raise ValueError(f"ttl is {ttl.total_seconds():g} seconds, expected 0 or more")
            query.append(("ttl", str(math.ceil(ttl.total_seconds()))))
        await self.run(Operation("PUT", f"{user(user_id)}{group(group_name)}", query))

    async def remove_user_from_group(self, group_name: str, *, user_id: str) -> None:
        """Take a user's connections out of a group, and those to come."""
        await self.run(Operation("DELETE", f"{user(user_id)}{group(group_name)}"))

    async def remove_user_from_all_groups(self, *, user_id: str) -> None:
        """Take a user's connections out of every group, and those to come."""
        await self.run(Operation("DELETE", f"{user(user_id)}/groups"))

    async def is_user_in_group(self, group_name: str, *, user_id: str) -> bool:
        """Tell whether a user was put into a group. What its single connections joined does not count."""
        return await self._ask(f"{user(user_id)}{group(group_name)}", "Info.User.NotInGroup")

    async def connection_exists(self, connection_id: str) -> bool:
        """Tell whether a connection is there."""
        return await self._ask(connection(connection_id), "Warning.Connection.NotExisted")

    async def user_exists(self, user_id: str) -> bool:
        """Tell whether a user has a connection."""
        return await self._ask(user(user_id), "Warning.User.NotExisted")

    async def group_exists(self, group_name: str) -> bool:
        """Tell whether a group has a connection in it."""
        return await self._ask(group(group_name), "Warning.Group.NotExisted")

    async def close_connection(self, connection_id: str, reason: str | None = None) -> None:
        """End a connection; the client is told the reason. It is no error that it is gone."""
        query = [] if reason is None else [("reason", reason)]
        path = connection(connection_id)
        await self.run(Operation("DELETE", path, query, absent="Warning.Connection.NotExisted"))

    async def close_user_connections(
        self, user_id: str, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """End every connection of a user but the excluded ones."""
        await self.run(_close(user(user_id), excluded, reason))

    async def close_group_connections(
        self, group_name: str, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """End every connection in a group but the excluded ones."""
        await self.run(_close(group(group_name), excluded, reason))

    async def close_all_connections(self, excluded: Sequence[str] = (), reason: str | None = None) -> None:
        """End every connection of the hub but the excluded ones."""
        await self.run(_close("", excluded, reason))

    def list_group_connections(
        self, group_name: str, *, top: int | None = None, page_size: int | None = None
    ) -> AsyncIterator[GroupConnection]:
        """Iterate over the connections in a group, over ``top`` of them at most.

        They come in pages of ``page_size``, 1 to 200, each fetched when it is reached.
        """
        if top is not None and top < 1:
            raise ValueError(f"top is {top}, expected 1 or more")
        if page_size is not None and not 1 <= page_size <= _MAX_PAGE:
            raise ValueError(f"page_size is {page_size}, expected 1 to {_MAX_PAGE}")
        return self._list(f"{group(group_name)}/connections", top, page_size)

    async def invoke_connection(
        self, connection_id: str, target: str, *arguments: object, timeout: timedelta | None = None
    ) -> Any:
        """Invoke ``target`` on a connection and return what the client answers.

        ``timeout`` replaces the client's own: here it is the time that the client has.
        """
        path = f"{connection(connection_id)}/:invoke"
        operation = Operation("POST", path, body=message(target, arguments), is_repeatable=False)
        answer = await self.run(operation, timeout)
        return answer.json().get("result")

    async def send_stream_item(
        self, connection_id: str, stream_id: str, item: object, *, completed: bool = False
    ) -> None:
        """Send one item of a stream to a client; ``completed`` says that it is the last."""
        path = f"{stream(connection_id, stream_id)}/:send"
        query = [("completed", "true")] if completed else []
        await self.run(Operation("POST", path, query, json_body(item), is_repeatable=False))

    async def complete_stream(self, connection_id: str, stream_id: str, error: str | None = None) -> None:
        """End a stream to a client, with an error if one is given."""
        path = f"{stream(connection_id, stream_id)}/:complete"
        # The service's description calls it reason, Microsoft's own client sends error.
        query = [] if error is None else [("reason", error), ("error", error)]
        await self.run(Operation("POST", path, query, is_repeatable=False))

    async def stream_to_connection(
        self, connection_id: str, stream_id: str, items: Iterable[object] | AsyncIterable[object]
    ) -> None:
        """Send items to a client, one after the other, then the end of the stream.

        Where that fails, the client is told the end too: the message of a HubException, of anything else
        only that it happened. The exception is raised then.
        """
        try:
            if isinstance(items, AsyncIterable):
                async for item in items:
                    await self.send_stream_item(connection_id, stream_id, item)
            else:
                for item in items:
                    await self.send_stream_item(connection_id, stream_id, item)
        except (Exception, asyncio.CancelledError) as raised:
            told = str(raised) if isinstance(raised, HubException) else "The stream failed on the server."
            try:
                await self.complete_stream(connection_id, stream_id, told)
            except ServiceError as error:
                raised.add_note(f"the client waits for more, it could not be told: {error}")
            raise
        await self.complete_stream(connection_id, stream_id)

    async def execute(self, commands: Sequence[Command], filter: str | None = None) -> None:
        """Run commands, all or none, on every connection that passes an OData filter, or on all.

        Such a filter is ``startswith(userId, 'guest-')``.
        """
        query = [] if filter is None else [("filter", filter)]
        body = json_body([command.to_dict() for command in commands])
        await self.run(Operation("POST", "/:execute", query, body, is_repeatable=False))

    async def generate_token(
        self, user_id: str | None = None, lifetime: timedelta = timedelta(hours=1)
    ) -> str:
        """Return a token with which one client connects, for an identity that cannot sign one itself.

        The lifetime is rounded up to minutes.
        """
        query = [("minutesToExpire", str(max(1, math.ceil(lifetime / timedelta(minutes=1)))))]
        if user_id is not None:
            query.append(("userId", user_id))
        answer = await self.run(Operation("POST", "/:generateToken", query))
        token: str = answer.json()["token"]
        return token

    async def is_healthy(self) -> bool:
        """Tell whether the service answers, and says that it is well. It is asked once.

        It says so to everybody: that it takes the key or the identity, other operations show.
        """
        operation = Operation("HEAD", "/api/health")
        url = operation.url(self._endpoint.server_url, self._version)
        try:
            answer = await self._send(operation, url, self._timeout, 0)
        except ServiceUnavailableError:
            return False
        if answer.status < 500 and not operation.accepts(answer):
            raise self._refusal(operation, url, answer)
        return answer.status < 500

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Answer:
        """Carry out an operation that no method has, and return an answer that it may have.

        ``timeout`` replaces the client's own.
        """
        url = operation.url(self._hub, self._query)
        seconds = self._timeout if timeout is None else timeout.total_seconds()
        answer = await self._send(operation, url, seconds, self._retries)
        if not operation.accepts(answer):
            raise self._refusal(operation, url, answer)
        return answer

    @cached_property
    def _pipeline(self) -> "Pipeline":
        from serverless_signalr._rest.pipeline import Pipeline

        return Pipeline(
            self._endpoint,
            self._credential,
            connect_timeout=self._connect_timeout,
            retry_delay=self._retry_delay,
        )

    def _send(
        self, operation: Operation, url: str, timeout: float, retries: int
    ) -> Coroutine[Any, Any, Answer]:
        self._check_open()
        return self._pipeline.send(operation, url, timeout=timeout, retries=retries)

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("the client was closed: use it before, or make another")

    def _refusal(self, operation: Operation, url: str, answer: Answer) -> ServiceError:
        what = f"{operation.method} {urlsplit(url).path}"
        return refusal(what, answer, is_identity=self._credential is not None)

    async def _ask(self, path: str, absent: str) -> bool:
        return (await self.run(Operation("HEAD", path, absent=absent))).status != HTTPStatus.NOT_FOUND

    async def _send_each(
        self,
        kind: str,
        path: Callable[[str], str],
        addressees: Sequence[str],
        target: str,
        arguments: Sequence[object],
    ) -> None:
        body = message(target, arguments)
        # All are made before the first is sent: a wrong name is found before anybody has the message.
        operations = [(name, _send(path(name), body)) for name in names(kind, addressees)]
        waiting = iter(operations)
        failures: dict[str, ServiceError] = {}

        async def work() -> None:
            for name, operation in waiting:
                try:
                    await self.run(operation)
                except ServiceError as error:
                    failures[name] = error

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(self._max_parallel, len(operations))):
                workers.create_task(work())
        if failures:
            raise _partial(kind, failures, len(operations))

    async def _list(
        self, path: str, top: int | None, page_size: int | None
    ) -> AsyncIterator[GroupConnection]:
        fixed = [(name, str(value)) for name, value in (("top", top), ("maxpagesize", page_size)) if value]
        query, left = fixed, math.inf if top is None else top
        while True:
            page = (await self.run(Operation("GET", path, query))).json()
            for item in page["value"]:
                if not left:
                    return
                left -= 1
                yield GroupConnection(item["connectionId"], item.get("userId"))
            # The link's address is the one that the service knows itself by, which a proxy may change.
            token = _continuation(page.get("nextLink"))
            if token is None or not left:
                return
            query = [*fixed, ("continuationToken", token)]


def _send(path: str, body: bytes, excluded: Sequence[str] = ()) -> Operation:
    query = [("excluded", name) for name in names("excluded", excluded)]
    return Operation("POST", f"{path}/:send", query, body, is_repeatable=False)


def _close(path: str, excluded: Sequence[str], reason: str | None) -> Operation:
    query = [("excluded", name) for name in names("excluded", excluded)]
    if reason is not None:
        query.append(("reason", reason))
    return Operation("POST", f"{path}/:closeConnections", query)


def _continuation(link: str | None) -> str | None:
    query = parse_qsl(urlsplit(link or "").query)
    return next((value for name, value in query if name.lower() == "continuationtoken"), None)


def _partial(kind: str, failures: dict[str, ServiceError], tried: int) -> PartialSendError:
    shown = "; ".join(f"{name}: {error}" for name, error in list(failures.items())[:3])
    more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
    return PartialSendError(f"{len(failures)} of {tried} {kind} were not sent to: {shown}{more}", failures)


def _check_access(endpoint: Endpoint, credential: object) -> None:
    parts = urlsplit(endpoint.server_url)
    if credential is None and endpoint.access_key is None:
        raise ValueError(
            f"the connection to {endpoint.server_url} has no AccessKey: give a credential, such as "
            "azure.identity.aio.DefaultAzureCredential()"
        )
    if credential is not None and parts.scheme != "https" and parts.hostname not in LOCAL_HOSTS:
        raise ValueError(f"{endpoint.server_url} must start with https:// to be sent an identity's token")


def _check_application(name: str) -> str:
    try:
        return check_hub_name(name)
    except ValueError as error:
        raise ValueError(str(error).replace("the hub name", "the application name")) from None
