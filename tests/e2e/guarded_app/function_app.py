"""A hub, a mixin, an override and triggers, as somebody who is new to the library writes them."""

import os

from serverless_signalr import (
    Blueprint,
    FunctionApp,
    ServerlessHub,
    SignalRInvocationContext,
    event,
    not_an_event,
    requires,
    requires_nothing,
)


class Moderation:
    """Methods that several hubs share."""

    def reset_everything(self) -> str:
        return "reset"

    @event
    @requires(role="admin")
    async def ban(self, user_id: str) -> str:
        return f"banned {user_id}"


class Board(ServerlessHub, hub="board"):
    """The hub of a notice board."""

    @requires(role="admin")
    async def wipe(self) -> str:
        return "wiped"

    @requires(role="admin")
    async def count(self) -> int:
        return 0

    @requires(role="admin")
    def close(self) -> str:
        return "closed"

    async def purge(self) -> str:
        return "purged"

    async def post(self, caller: SignalRInvocationContext, text: str) -> str:
        return f"{caller.user_id}: {self.shorten(text)}"

    @not_an_event
    def shorten(self, text: str) -> str:
        return text[:20]

    def _secret(self) -> str:
        return "secret"


class AuditedBoard(Moderation, Board):
    """The same hub, with more around it."""

    async def wipe(self) -> str:
        return "audited, " + await super().wipe()

    @requires(role="admin")
    async def purge(self) -> str:
        return await super().purge()

    async def tidy(self) -> str:
        return f"tidied, {await super().wipe()}"

    @requires_nothing
    async def count(self) -> int:
        return await super().count() + 1


# With a route the events of the class come to one HTTP function, without it to SignalR triggers.
board = AuditedBoard(upstream_route=os.environ.get("UPSTREAM_ROUTE"))
board.add_negotiate()

bp = Blueprint(hub="board")


@bp.signalr_trigger()
@requires(role="admin")
def publish(text: str) -> str:
    return f"published {text}"


@requires(role="admin")
@bp.signalr_trigger()
async def archive(caller: SignalRInvocationContext, text: str) -> str:
    return f"{caller.user_id} archived {text}"


app = FunctionApp()
app.register_functions(board)
app.register_functions(bp)
