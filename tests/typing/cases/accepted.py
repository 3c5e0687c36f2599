# pyright: strict
"""A typed hub used as it is meant to be: mypy and pyright, both strict, have nothing to say."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol, assert_type

import azure.functions as func

from serverless_signalr import (
    ANSWER_TARGET,
    AnswerClient,
    AnswerState,
    Blueprint,
    FunctionApp,
    MemoryAnswerStore,
    Principal,
    ServiceClient,
    SignalRConnectionInfo,
    SignalRInvocationContext,
    SignalRUser,
    TableAnswerStore,
    add_answers,
    event,
    not_an_event,
    requires,
    requires_nothing,
    send_answer,
    stream_answer,
)
from serverless_signalr._hub.clients import AnyClient, Clients, target
from serverless_signalr._hub.managers import ClientManager, Groups, UserGroups
from serverless_signalr._hub.methods import Call
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.rest import GroupConnection


@dataclass
class Position:
    x: float
    y: float


class BoardClient(Protocol):
    async def moved(self, piece: str, to: Position, *, by: str | None = None) -> None: ...

    async def scores(self, *points: int) -> None: ...

    @target("Game-Over")
    async def game_over(self, winner: str = "nobody") -> None: ...

    async def ask_move(self, until: datetime) -> Position: ...


async def logged(invocation: SignalRInvocationContext, call: Call) -> object:
    return await call()


class Board(ServerlessHub[BoardClient], hub="board", connection="Boards"):
    filters = (logged,)

    async def connected(self, caller: SignalRInvocationContext) -> None:
        await self.groups.add("players", connection_id=caller.connection_id)

    @requires(role=["player", "referee"], claims={"department": "chess", "member": None})
    async def move(self, caller: SignalRInvocationContext, piece: str, to: Position) -> bool:
        await self.clients.all_except([caller.connection_id]).moved(piece, to, by=caller.user_id)
        return True

    @event("Resign")
    @requires(role="player")
    def give_up(self, *reasons: str) -> str:
        return ", ".join(reasons)

    @not_an_event
    async def tell(self, winner: str) -> None:
        await self.clients.all.game_over(winner)


class OpenBoard(Board):
    @event
    @requires_nothing
    async def move(self, caller: SignalRInvocationContext, piece: str, to: Position) -> bool:
        return await super().move(caller, piece, to)


class Base[T](ServerlessHub[T]):
    async def ping(self) -> None: ...


class Derived(Base[BoardClient], hub="derived"):
    pass


class Plain(ServerlessHub):
    pass


async def chooses_clients(board: Board) -> None:
    assert_type(board.clients, Clients[BoardClient])
    assert_type(board.clients.all, BoardClient)
    assert_type(board.clients.all_except(["c1", "c2"]), BoardClient)
    assert_type(board.clients.client("c1"), BoardClient)
    assert_type(board.clients.clients(["c1"]), BoardClient)
    assert_type(board.clients.group("g"), BoardClient)
    assert_type(board.clients.group_except("g", ["c1"]), BoardClient)
    assert_type(board.clients.groups(("g", "h")), BoardClient)
    assert_type(board.clients.user("ann"), BoardClient)
    assert_type(board.clients.users(["ann"]), BoardClient)


async def calls_clients(board: Board) -> None:
    await board.clients.all.moved("king", Position(1, 2))
    await board.clients.all.moved(piece="king", to=Position(1, 2), by="ann")
    await board.clients.all.scores()
    await board.clients.all.scores(1, 2, 3)
    await board.clients.group("g").game_over()
    assert_type(await board.clients.client("c1").ask_move(datetime.max), Position)


async def has_the_interface_of_a_generic_base(derived: Derived) -> None:
    assert_type(derived.clients.all, BoardClient)


async def has_no_interface(plain: Plain) -> None:
    assert_type(plain.clients.all, AnyClient)
    await plain.clients.user("ann").send("anything", 1, None, Position(1, 2))
    await plain.clients.client("c1").ask("anything", 1)


async def manages(board: Board, items: AsyncIterator[str]) -> None:
    assert_type(board.groups, Groups)
    assert_type(board.user_groups, UserGroups)
    assert_type(board.client_manager, ClientManager)
    await board.user_groups.add("g", user_id="ann", ttl=timedelta(minutes=1))
    assert_type(await board.user_groups.contains("g", user_id="ann"), bool)
    assert_type(await board.client_manager.connection_exists("c1"), bool)
    await board.client_manager.close_all(excluded=["c1"], reason="bye")
    await board.client_manager.stream("c1", "s1", items)
    await board.client_manager.stream("c1", "s1", ["one", 2])
    async for connection in board.client_manager.list_group("g"):
        assert_type(connection, GroupConnection)


async def negotiates(board: Board) -> SignalRConnectionInfo:
    claims = {"role": ["player"], "name": "Ann"}
    return await board.negotiate(
        user_id="ann", claims=claims, lifetime=timedelta(minutes=5), close_on_expiry=True
    )


async def calls_its_own_methods(board: Board, caller: SignalRInvocationContext) -> None:
    assert_type(await board.move(caller, "king", Position(1, 2)), bool)
    assert_type(board.give_up("tired"), str)
    await board.tell("ann")


def registers() -> Blueprint:
    assert_type(Board.hub_name, str)
    return Board(upstream_route="events").blueprint


def knows(req: func.HttpRequest) -> SignalRUser | None:
    return SignalRUser("ann", {"role": ["player"], "desk": "main"}) if req.params else None


async def asks(req: func.HttpRequest) -> Principal | None:
    return Principal.from_request(req)


def lets_in(board: Board) -> None:
    board.add_negotiate()
    board.add_negotiate("knows", user=knows, anonymous=True, lifetime=timedelta(minutes=5))
    board.add_negotiate("asks", user=asks, close_on_expiry=True)
    board.add_negotiate("named", user=lambda req: req.params.get("user"))
    app = FunctionApp(hub="board", connection="Boards")
    app.register_functions(board)
    app.register_functions(Blueprint(hub="board"))


async def calls_an_override(board: OpenBoard, caller: SignalRInvocationContext) -> None:
    assert_type(await board.move(caller, "king", Position(1, 2)), bool)


def takes_any_hub(hub: ServerlessHub[Any]) -> str:
    return hub.hub_name


takes_any_hub(Board())
takes_any_hub(Plain())


class ReaderClient(AnswerClient, Protocol):
    async def asked(self, question: str) -> None: ...


class Library(ServerlessHub[ReaderClient], hub="library"):
    pass


async def texts() -> AsyncIterator[str]:
    yield "text"


async def streams(library: Library, plain: Plain, service: ServiceClient) -> None:
    async with stream_answer(library.clients.user("ann"), store=MemoryAnswerStore()) as answer:
        await answer.write("text")
        await answer.write(None)
        await answer.done({"total_tokens": 1})
    assert_type(answer.is_cancelled, bool)
    assert_type(await send_answer(plain.clients.group("tea"), texts()), AnswerState)
    async with stream_answer(partial(service.send_to_user, "ann", ANSWER_TARGET)):
        pass
    add_answers(library, TableAnswerStore())
    add_answers(Blueprint(hub="library"), MemoryAnswerStore())
