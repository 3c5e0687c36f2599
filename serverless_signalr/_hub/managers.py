"""The members of a hub that manage groups, and check, list and close connections."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from datetime import timedelta

from serverless_signalr.rest import GroupConnection, ServiceClient

__all__ = ["ClientManager", "Groups", "UserGroups"]


class Groups:
    """The groups of connections. A connection that ends leaves all of its groups."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def add(self, group_name: str, *, connection_id: str) -> None:
        """Add a connection to a group. A connection that is gone is not an error."""
        await self._service.add_connection_to_group(group_name, connection_id=connection_id)

    async def remove(self, group_name: str, *, connection_id: str) -> None:
        """Remove a connection from a group."""
        await self._service.remove_connection_from_group(group_name, connection_id=connection_id)

    async def remove_from_all(self, *, connection_id: str) -> None:
        """Remove a connection from every group."""
        await self._service.remove_connection_from_all_groups(connection_id=connection_id)


class UserGroups:
    """The groups of users. A membership applies to the user's present and later connections."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def add(self, group_name: str, *, user_id: str, ttl: timedelta | None = None) -> None:
        """Add a user to a group for ``ttl``, or for up to a year without it.

        With a ``ttl`` of zero only the present connections are added. Source:
        https://learn.microsoft.com/azure/azure-signalr/signalr-concept-serverless-development-config.
        """
        await self._service.add_user_to_group(group_name, user_id=user_id, ttl=ttl)

    async def remove(self, group_name: str, *, user_id: str) -> None:
        """Remove a user from a group."""
        await self._service.remove_user_from_group(group_name, user_id=user_id)

    async def remove_from_all(self, *, user_id: str) -> None:
        """Remove a user from every group."""
        await self._service.remove_user_from_all_groups(user_id=user_id)

    async def contains(self, group_name: str, *, user_id: str) -> bool:
        """Tell whether a user was added to a group."""
        return await self._service.is_user_in_group(group_name, user_id=user_id)


class ClientManager:
    """The manager of client connections, which checks, lists and closes them, and streams to them."""

    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def connection_exists(self, connection_id: str) -> bool:
        """Tell whether a connection exists."""
        return await self._service.connection_exists(connection_id)

    async def user_exists(self, user_id: str) -> bool:
        """Tell whether a user has a connection."""
        return await self._service.user_exists(user_id)

    async def group_exists(self, group_name: str) -> bool:
        """Tell whether a group has a connection."""
        return await self._service.group_exists(group_name)

    async def close_connection(self, connection_id: str, reason: str | None = None) -> None:
        """Close a connection and send the client the reason. A connection that is gone is not an error."""
        await self._service.close_connection(connection_id, reason)

    async def close_user(
        self, user_id: str, *, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """Close every connection of a user except the excluded ones."""
        await self._service.close_user_connections(user_id, excluded=excluded, reason=reason)

    async def close_group(
        self, group_name: str, *, excluded: Sequence[str] = (), reason: str | None = None
    ) -> None:
        """Close every connection of a group except the excluded ones."""
        await self._service.close_group_connections(group_name, excluded=excluded, reason=reason)

    async def close_all(self, *, excluded: Sequence[str] = (), reason: str | None = None) -> None:
        """Close every connection of the hub except the excluded ones."""
        await self._service.close_all_connections(excluded=excluded, reason=reason)

    def list_group(self, group_name: str) -> AsyncIterator[GroupConnection]:
        """Iterate over the connections of a group. Pages are fetched as the iteration reaches them."""
        return self._service.list_group_connections(group_name)

    async def stream(
        self, connection_id: str, stream_id: str, items: Iterable[object] | AsyncIterable[object]
    ) -> None:
        """Send the items of a stream to a client one by one, then complete it.

        If an item raises, the stream ends with an error, see ``ServiceClient.stream_to_connection``.
        """
        await self._service.stream_to_connection(connection_id, stream_id, items)
