# pyright: strict
"""A typed hub used wrongly: every line that ends in ``# error`` is one that mypy and pyright refuse."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol

from serverless_signalr import SignalRInvocationContext, send_answer, stream_answer
from serverless_signalr._functions.authorization import requires
from serverless_signalr._hub.clients import target
from serverless_signalr._hub.events import event
from serverless_signalr._hub.methods import Call
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.testing import message


class ChatClient(Protocol):
    async def new_message(self, text: str, *, loud: bool = False) -> None: ...

    async def scores(self, *points: int) -> None: ...

    async def ask_age(self) -> int: ...


class Chat(ServerlessHub[ChatClient], hub="chat"):
    async def broadcast(self, caller: SignalRInvocationContext, text: str) -> None:
        await self.clients.all.new_message(len(text))  # error


class Base[T](ServerlessHub[T]):
    pass


class Derived(Base[ChatClient]):
    pass


class Plain(ServerlessHub):
    pass


async def calls_clients_with_wrong_arguments(chat: Chat) -> None:
    await chat.clients.all.new_message(1)  # error
    await chat.clients.all.new_message(None)  # error
    await chat.clients.all_except(["c1"]).new_message(["hi"])  # error
    await chat.clients.client("c1").new_message()  # error
    await chat.clients.clients(["c1"]).new_message("hi", "there")  # error
    await chat.clients.group("g").new_message(message="hi")  # error
    await chat.clients.group_except("g", ["c1"]).new_message("hi", loud="very")  # error
    await chat.clients.groups(["g"]).new_message("hi", True)  # error
    await chat.clients.user("ann").scores(1, "2")  # error
    await chat.clients.users(["ann"]).scores([1, 2])  # error


async def calls_methods_that_clients_have_not(chat: Chat) -> None:
    await chat.clients.all.newMessage("hi")  # error
    await chat.clients.all.send("newMessage", "hi")  # error
    await chat.clients.user("ann").old_message("hi")  # error
    await chat.clients.new_message("hi")  # error


async def takes_a_result_for_something_else(chat: Chat) -> str:
    return await chat.clients.client("c1").ask_age()  # error


async def calls_a_generic_hub_wrongly(derived: Derived) -> None:
    await derived.clients.all.new_message(1)  # error


async def calls_a_plain_hub_wrongly(plain: Plain) -> None:
    await plain.clients.all.send(1)  # error
    await plain.clients.all.new_message("hi")  # error
    await plain.clients.client("c1").ask(1)  # error


async def chooses_clients_wrongly(chat: Chat) -> None:
    await chat.clients.user(5).new_message("hi")  # error
    await chat.clients.users([5]).new_message("hi")  # error
    await chat.clients.group().new_message("hi")  # error
    await chat.clients.all_except("c1", "c2").new_message("hi")  # error
    await chat.clients.all().new_message("hi")  # error


async def manages_wrongly(chat: Chat) -> None:
    await chat.groups.add("g")  # error
    await chat.groups.add("g", "c1")  # error
    await chat.groups.add("g", user_id="ann")  # error
    await chat.user_groups.add("g", user_id="ann", ttl=60)  # error
    await chat.client_manager.close_all(["c1"])  # error
    await chat.client_manager.close_user("ann", reason=5)  # error


async def negotiates_wrongly(chat: Chat) -> None:
    await chat.negotiate("ann")  # error
    await chat.negotiate(user_id=5)  # error
    await chat.negotiate(claims={"age": 5})  # error
    await chat.negotiate(lifetime=60)  # error
    await chat.negotiate(lifetime=timedelta(minutes=1), hub="other")  # error


async def calls_its_own_method_wrongly(chat: Chat, caller: SignalRInvocationContext) -> None:
    await chat.broadcast(caller, 5)  # error


async def wrong_filter(invocation: str, call: Call) -> object:
    return await call()


class Filtered(ServerlessHub):
    filters = (wrong_filter,)  # error


class Decorated(ServerlessHub):
    @requires("admin")  # error
    async def one(self) -> None: ...

    @requires(role=5)  # error
    async def two(self) -> None: ...

    @event(5)  # error
    async def three(self) -> None: ...


class Renamed(Protocol):
    @target(5)  # error
    async def one(self) -> None: ...


Chat(upstream_route=5)  # error
message(ChatClient.new_message, 5)  # error
message(ChatClient.new_message, "hi", quiet=True)  # error


async def numbers() -> AsyncIterator[int]:
    yield 1


async def streams(chat: Chat, plain: Plain) -> None:
    stream_answer(chat.clients.user("ann"))  # error
    stream_answer("ann")  # error
    async with stream_answer(plain.clients.user("ann")) as answer:
        await answer.write(b"bytes")  # error
    await send_answer(plain.clients.user("ann"), numbers())  # error
    await send_answer(plain.clients.user("ann"), ["text"])  # error
