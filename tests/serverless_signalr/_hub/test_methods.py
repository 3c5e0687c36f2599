"""Methods of a hub class: what a call hands them, and where they run."""

import asyncio
import functools
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypedDict
from uuid import UUID

import pytest

from serverless_signalr import HubException, SignalRInvocationContext
from serverless_signalr._functions.authorization import enforce, requirements, requires
from serverless_signalr._hub.events import HubEvent
from serverless_signalr._hub.methods import Filter, HubMethod, hub_methods
from serverless_signalr.hub import ServerlessHub


class Colour(Enum):
    RED = "red"


@dataclass
class Person:
    name: str
    age: int = 0


class Place(TypedDict):
    city: str


MOMENT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
UNIQUE = UUID("12345678-1234-5678-1234-567812345678")


def invocation(*arguments: object, **claims: tuple[str, ...]) -> SignalRInvocationContext:
    return SignalRInvocationContext("chat", "messages", "call", "c1", "ann", [*arguments], claims=claims)


async def call(function: Callable[..., Any], *arguments: object, filters: Sequence[Filter] = ()) -> object:
    """Call a function as a hub's method ``call``, with arguments as they come from JSON."""
    return await method_of(function, "call").run(object(), invocation(*arguments), filters)


def method_of(function: Callable[..., Any], event: str) -> HubMethod:
    """Return a function as a method of a hub."""
    enforce(function)
    return HubMethod.of(HubEvent(event, event, function, requirements(function)))


def events(hub: type) -> dict[str, str]:
    """Return the events of a hub by the names of their methods."""
    return {method.name: method.event for method in hub_methods(hub, ServerlessHub)}


# What a method receives.


def taking(annotation: Any) -> Callable[..., Any]:
    """Return a method with one parameter of that type, which it returns."""

    async def echo(self: object, value: Any) -> Any:
        return value

    echo.__annotations__["value"] = annotation
    return echo


@pytest.mark.parametrize(
    ("annotation", "given", "received"),
    [
        pytest.param(Any, {"a": [1, None]}, {"a": [1, None]}, id="any"),
        pytest.param(str, "1", "1", id="str"),
        pytest.param(int, 1, 1, id="int"),
        pytest.param(float, 1, 1.0, id="float"),
        pytest.param(bool, False, False, id="bool"),
        pytest.param(Person, {"name": "Ann", "age": 3}, Person("Ann", 3), id="dataclass"),
        pytest.param(Colour, "red", Colour.RED, id="enum"),
        pytest.param(str | None, None, None, id="optional-null"),
        pytest.param(Person | None, {"name": "Ann"}, Person("Ann"), id="optional-value"),
        pytest.param(list[Person], [{"name": "Ann"}], [Person("Ann")], id="list"),
        pytest.param(dict[str, Colour], {"a": "red"}, {"a": Colour.RED}, id="dict"),
        pytest.param(datetime, "2026-02-03T04:05:06Z", MOMENT, id="datetime"),
        pytest.param(date, "2026-02-03", date(2026, 2, 3), id="date"),
        pytest.param(UUID, str(UNIQUE), UNIQUE, id="uuid"),
        pytest.param(Place, {"city": "Bern"}, {"city": "Bern"}, id="typed-dict"),
        pytest.param(bytes, "AAE=", b"\x00\x01", id="bytes-of-json"),
        pytest.param(bytes, b"\x00\x01", b"\x00\x01", id="bytes-of-messagepack"),
        pytest.param(datetime, MOMENT, MOMENT, id="timestamp-of-messagepack"),
    ],
)
async def test_argument_arrives_as_its_annotation(annotation: Any, given: object, received: object) -> None:
    value = await call(taking(annotation), given)
    assert (value, type(value)) == (received, type(received))


@pytest.mark.parametrize(
    ("annotation", "shown", "given", "reason"),
    [
        pytest.param(int, "integer", "1", "expected integer, got string", id="text-as-number"),
        pytest.param(str, "string", None, "expected string, got null", id="null"),
        pytest.param(str | None, "string or null", 1, "expected string or null, got integer", id="optional"),
        pytest.param(Person, "Person", {"name": 1}, "expected string, got integer at $.name", id="dataclass"),
        pytest.param(Colour, "Colour", "blue", "invalid enum value 'blue'", id="enum"),
        pytest.param(list[int], "list", [1, "x"], "expected integer, got string at $[1]", id="list"),
        pytest.param(Place, "Place", {}, "object missing required field city", id="typed-dict"),
    ],
)
async def test_argument_that_does_not_fit_is_told_to_the_caller(
    annotation: Any, shown: str, given: object, reason: str
) -> None:
    message = f"call(value: {shown}) was called with a wrong value: {reason}."
    with pytest.raises(HubException, match=f"^{re.escape(message)}$"):
        await call(taking(annotation), given)


async def required(self: object, text: str, to: str) -> object:
    return text, to


async def optional(self: object, text: str, times: int = 2) -> object:
    return text, times


async def rest(self: object, *numbers: int) -> object:
    return numbers


async def optional_and_rest(self: object, text: str = "none", *numbers: int) -> object:
    return text, numbers


async def caller_first(self: object, caller: SignalRInvocationContext, text: str) -> object:
    return caller.user_id, text


async def caller_between(self: object, text: str, caller: SignalRInvocationContext, to: str) -> object:
    return text, caller.user_id, to


async def caller_last(self: object, text: str, caller: SignalRInvocationContext) -> object:
    return text, caller.user_id


async def caller_by_name(self: object, text: str = "none", *, caller: SignalRInvocationContext) -> object:
    return text, caller.user_id


async def caller_and_rest(self: object, caller: SignalRInvocationContext, *numbers: int) -> object:
    return caller.user_id, numbers


async def caller_alone(self: object, anything: SignalRInvocationContext) -> object:
    return anything.user_id, anything.arguments


def caller_of_a_sync_method(self: object, caller: SignalRInvocationContext, text: str = "none") -> object:
    return caller.user_id, text


@pytest.mark.parametrize(
    ("method", "given", "received"),
    [
        pytest.param(required, ["hi", "bob"], ("hi", "bob"), id="required"),
        pytest.param(optional, ["hi"], ("hi", 2), id="default"),
        pytest.param(optional, ["hi", 3], ("hi", 3), id="default-replaced"),
        pytest.param(rest, [], (), id="no-rest"),
        pytest.param(rest, [1, 2], (1, 2), id="rest"),
        pytest.param(optional_and_rest, [], ("none", ()), id="neither-default-nor-rest"),
        pytest.param(optional_and_rest, ["hi", 1, 2], ("hi", (1, 2)), id="default-and-rest"),
        pytest.param(caller_first, ["hi"], ("ann", "hi"), id="caller-first"),
        pytest.param(caller_between, ["hi", "bob"], ("hi", "ann", "bob"), id="caller-between"),
        pytest.param(caller_last, ["hi"], ("hi", "ann"), id="caller-last"),
        pytest.param(caller_by_name, [], ("none", "ann"), id="caller-by-name-without-argument"),
        pytest.param(caller_by_name, ["hi"], ("hi", "ann"), id="caller-by-name"),
        pytest.param(caller_and_rest, [1, 2], ("ann", (1, 2)), id="caller-and-rest"),
        pytest.param(caller_alone, [], ("ann", []), id="caller-alone"),
        pytest.param(caller_of_a_sync_method, [], ("ann", "none"), id="sync"),
    ],
)
async def test_arguments_are_bound_by_position(
    method: Callable[..., Any], given: list[object], received: object
) -> None:
    assert await call(method, *given) == received


@pytest.mark.parametrize(
    ("method", "given", "message"),
    [
        pytest.param(
            required, ["hi"], "call(text: string, to: string) was called with 1 argument.", id="few"
        ),
        pytest.param(
            required,
            ["a", "b", "c"],
            "call(text: string, to: string) was called with 3 arguments.",
            id="many",
        ),
        pytest.param(
            optional, [], "call(text: string, times?: integer) was called with 0 arguments.", id="none"
        ),
        pytest.param(caller_alone, [1], "call() was called with 1 argument.", id="for-a-method-without"),
        pytest.param(
            rest,
            [1, "x"],
            "call(...numbers: integer) was called with a wrong numbers: expected integer, got string.",
            id="wrong-in-the-rest",
        ),
    ],
)
async def test_call_that_does_not_fit_is_told_what_does(
    method: Callable[..., Any], given: list[object], message: str
) -> None:
    with pytest.raises(HubException, match=f"^{re.escape(message)}$"):
        await call(method, *given)


async def test_connected_needs_no_parameter() -> None:
    async def connected(self: object) -> str:
        return "seen"

    context = SignalRInvocationContext("chat", "connections", "connected", "c1")
    assert await method_of(connected, "connected").run(object(), context, ()) == "seen"


# Where it runs.


def thread() -> int:
    return threading.get_ident()


async def test_coroutine_runs_in_the_event_loop() -> None:
    async def where(self: object) -> int:
        return thread()

    assert await call(where) == thread()


async def test_sync_method_runs_in_a_thread() -> None:
    def where(self: object) -> int:
        return thread()

    assert await call(where) != thread()


async def test_sync_method_does_not_keep_others_waiting() -> None:
    released = threading.Event()

    def wait(self: object) -> bool:
        return released.wait(10)

    waiting = asyncio.create_task(call(wait))
    await call(taking(str), "meanwhile")
    released.set()
    assert await waiting is True


async def test_coroutine_behind_a_plain_decorator_is_awaited() -> None:
    async def echo(self: object, value: str) -> str:
        return value

    @functools.wraps(echo)
    def logged(*args: Any) -> Any:
        return echo(*args)

    assert await call(logged, "hi") == "hi"


async def test_exception_of_a_sync_method_is_raised() -> None:
    def fail(self: object) -> None:
        raise HubException("no")

    with pytest.raises(HubException, match=r"^no$"):
        await call(fail)


async def test_requirement_is_checked_before_the_arguments() -> None:
    @requires(role="admin")
    async def delete(self: object, id: int) -> None: ...

    with pytest.raises(HubException, match=r"^call is not allowed: it requires the role admin\.$"):
        await call(delete, "no number")
