"""The list of connected people: every connection joins one group, whose members the service lists."""

from blueprints.hub import HUB
from blueprints.service import clients
from serverless_signalr import Blueprint

__all__ = ["PEOPLE", "bp"]

PEOPLE = "$people"
"""The group that every connection joins when it connects. Clients cannot join, leave or write to it."""

bp = Blueprint(hub=HUB)


@bp.signalr_trigger()
async def people() -> list[dict[str, str | None]]:
    """Return all connections with their user ids."""
    there = clients().list_group(PEOPLE)
    return [{"connectionId": one.connection_id, "userId": one.user_id} async for one in there]
