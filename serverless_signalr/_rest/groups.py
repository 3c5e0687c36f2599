"""The operations of the REST client on groups and their members."""

from abc import ABC, abstractmethod
from datetime import timedelta
from http import HTTPStatus

from serverless_signalr._rest import addressees as to
from serverless_signalr._rest import sending
from serverless_signalr._rest.operations import Operation, Reach
from serverless_signalr._rest.responses import Response

__all__ = ["GroupOperations", "exists"]

_CONNECTION_GONE = "Error.Connection.NotExisted"


class GroupOperations(ABC):
    """The operations of a ServiceClient on groups and their members."""

    @abstractmethod
    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:
        """Carry out an operation, and return its response."""

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
        """Add a user's connections to a group, including those that the user opens within ``ttl``.

        Without ``ttl`` the membership lasts a year, and the service keeps only the latest 100 such groups of
        a user. A ``ttl`` of zero adds the present connections only. Other values are rounded up to seconds.
        """
        path = to.user_membership(group_name, user_id)
        await self.run(Operation("PUT", path, sending.ttl_query(ttl)))

    async def remove_user_from_group(self, group_name: str, *, user_id: str) -> None:
        """Remove a user from a group: present connections leave it, and later ones are not added."""
        await self.run(Operation("DELETE", to.user_membership(group_name, user_id)))

    async def remove_user_from_all_groups(self, *, user_id: str) -> None:
        """Remove a user from every group: present connections leave them, and later ones are not added."""
        await self.run(Operation("DELETE", f"{to.user(user_id).path}/groups"))

    async def is_user_in_group(self, group_name: str, *, user_id: str) -> bool:
        """Tell whether a user was added to a group. Groups that single connections joined do not count."""
        return await exists(self.run, to.user_membership(group_name, user_id), "Info.User.NotInGroup")

    async def group_exists(self, group_name: str) -> bool:
        """Tell whether a group has a connection in it."""
        return await exists(self.run, to.group(group_name).path, "Warning.Group.NotExisted")


async def exists(run: sending.Run, path: str, absent: str) -> bool:
    """Tell whether the service knows a path. ``absent`` is its error code for one that it does not know."""
    response = await run(Operation("HEAD", path, absent=absent, reach=Reach.ANY))
    return response.status != HTTPStatus.NOT_FOUND
