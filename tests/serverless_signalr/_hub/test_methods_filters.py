"""Filters: what surrounds the events of a hub."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import pytest

from serverless_signalr import HubException, ServerlessHub, SignalRInvocationContext
from serverless_signalr._functions.authorization import enforce, requirements
from serverless_signalr._hub.events import HubEvent
from serverless_signalr._hub.methods import Call, Filter, HubMethod


class Colour(Enum):
    RED = "red"


def invocation(*arguments: object, **claims: tuple[str, ...]) -> SignalRInvocationContext:
    return SignalRInvocationContext("chat", "messages", "call", "c1", "ann", [*arguments], claims=claims)


async def call(function: Callable[..., Any], *arguments: object, filters: Sequence[Filter] = ()) -> object:
    """Call a function as a hub's method ``call``, with arguments as they come from JSON."""
    return await method_of(function, "call").run(object(), invocation(*arguments), filters)


def method_of(function: Callable[..., Any], event: str) -> HubMethod:
    """Return a function as a method of a hub."""
    enforce(function)
    return HubMethod.of(HubEvent(event, event, function, requirements(function)))


def taking(annotation: Any) -> Callable[..., Any]:
    """Return a method with one parameter of that type, which it returns."""

    async def echo(self: object, value: Any) -> Any:
        return value

    echo.__annotations__["value"] = annotation
    return echo


def noting(name: str, notes: list[str]) -> Filter:
    async def note(invocation: SignalRInvocationContext, call: Call) -> object:
        notes.append(f"before {name}")
        result = await call()
        notes.append(f"after {name}")
        return result

    return note


async def test_first_filter_is_outermost() -> None:
    notes: list[str] = []
    await call(taking(str), "x", filters=[noting("one", notes), noting("two", notes)])
    assert notes == ["before one", "before two", "after two", "after one"]


async def test_filter_sees_who_calls_and_with_what() -> None:
    seen: list[SignalRInvocationContext] = []

    async def look(invocation: SignalRInvocationContext, call: Call) -> object:
        seen.append(invocation)
        return await call()

    await call(taking(str), "x", filters=[look])
    assert seen == [invocation("x")]


async def test_filter_sees_the_result() -> None:
    seen: list[object] = []

    async def look(invocation: SignalRInvocationContext, call: Call) -> object:
        seen.append(await call())
        return seen[0]

    await call(taking(Colour), "red", filters=[look])
    assert seen == [Colour.RED]


async def test_filter_may_replace_the_result() -> None:
    async def shout(invocation: SignalRInvocationContext, call: Call) -> object:
        return str(await call()).upper()

    assert await call(taking(str), "hi", filters=[shout]) == "HI"


@pytest.fixture
def ran() -> list[str]:
    """Collect what ran."""
    return []


@pytest.fixture
def method(ran: list[str]) -> Callable[..., Any]:
    """Return a method that notes that it ran."""

    async def run(self: object) -> None:
        ran.append("method")

    return run


async def refuse(invocation: SignalRInvocationContext, call: Call) -> object:
    raise HubException(f"{invocation.user_id} may not.")


async def test_filter_that_refuses_is_what_the_caller_hears(method: Callable[..., Any]) -> None:
    with pytest.raises(HubException, match=r"^ann may not\.$"):
        await call(method, filters=[refuse])


async def test_method_does_not_run_where_a_filter_refuses(method: Callable[..., Any], ran: list[str]) -> None:
    with pytest.raises(HubException):
        await call(method, filters=[refuse])
    assert ran == []


async def test_method_does_not_run_where_a_filter_answers(method: Callable[..., Any], ran: list[str]) -> None:
    async def answer(invocation: SignalRInvocationContext, call: Call) -> object:
        return "cached"

    assert (await call(method, filters=[answer]), ran) == ("cached", [])


async def test_inner_filter_does_not_run_where_an_outer_one_refuses(ran: list[str]) -> None:
    with pytest.raises(HubException):
        await call(taking(str), "x", filters=[refuse, noting("inner", ran)])
    assert ran == []


async def test_filter_sees_what_the_method_raises() -> None:
    seen: list[str] = []

    async def fail(self: object) -> None:
        raise ValueError("broken")

    async def look(invocation: SignalRInvocationContext, call: Call) -> object:
        try:
            return await call()
        except ValueError as error:
            seen.append(str(error))
            raise

    with pytest.raises(ValueError, match="broken"):
        await call(fail, filters=[look])
    assert seen == ["broken"]


async def test_filter_sees_a_call_that_does_not_fit() -> None:
    seen: list[str] = []

    async def look(invocation: SignalRInvocationContext, call: Call) -> object:
        try:
            return await call()
        except HubException as error:
            seen.append(str(error))
            raise

    with pytest.raises(HubException):
        await call(taking(int), filters=[look])
    assert seen == ["call(value: integer) was called with 0 arguments."]


async def test_filter_may_call_again() -> None:
    tries: list[int] = []

    async def fail_once(self: object) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        return len(tries)

    async def again(invocation: SignalRInvocationContext, call: Call) -> object:
        try:
            return await call()
        except ConnectionError:
            return await call()

    assert await call(fail_once, filters=[again]) == 2


@pytest.mark.parametrize("kind", [list, tuple])
def test_filters_under_another_name_are_refused(kind: Callable[[object], object]) -> None:
    async def refuse(invocation: SignalRInvocationContext, call: Call) -> object:
        raise HubException("No.")

    with pytest.raises(TypeError, match=r"^Open\.filter would filter nothing: .* called filters$"):
        type("Open", (ServerlessHub,), {"filter": kind([refuse])})
