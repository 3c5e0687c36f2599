"""Methods of a hub class: which of them are events, and how a call runs them."""

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
from serverless_signalr._hub.authorization import requires
from serverless_signalr._hub.methods import Call, Filter, HubMethod, event, hub_methods, not_an_event
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.upstream import Category


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
    return await HubMethod.of("call", function).run(object(), invocation(*arguments), filters)


def events(hub: type) -> dict[str, str]:
    """Return the events of a hub by the names of their methods."""
    return {method.name: method.event for method in hub_methods(hub, ServerlessHub)}


# Which methods are events.


class Base(ServerlessHub, hub="base"):
    async def inherited(self) -> None: ...

    async def overridden(self) -> str:
        return "base"


class Mixin:
    async def mixed_in(self) -> None: ...


def traced[F: Callable[..., Any]](function: F) -> F:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


class Chat(Mixin, Base):
    text = "an attribute"

    async def connected(self) -> None: ...
    async def disconnected(self) -> None: ...
    async def broadcast(self) -> None: ...
    async def send_to_group(self) -> None: ...
    async def trailing_(self) -> None: ...
    async def camelCase(self) -> None: ...  # noqa: N802 - what a C# user writes

    @event("Exactly-This")
    async def named(self) -> None: ...

    def plain(self) -> None: ...

    async def overridden(self) -> str:
        return "chat"

    @traced
    async def wrapped(self) -> None: ...

    @not_an_event
    async def helper(self) -> None: ...

    async def _underscored(self) -> None: ...

    async def __mangled(self) -> None: ...

    @event("never")
    async def _named_and_underscored(self) -> None: ...

    @staticmethod
    def static() -> None: ...

    @classmethod
    def of_class(cls) -> None: ...

    @property
    def a_property(self) -> str:
        return ""

    @functools.cached_property
    def cached(self) -> str:
        return ""

    class Nested:
        pass


@pytest.mark.parametrize(
    ("method", "name"),
    [
        pytest.param("broadcast", "broadcast", id="one-word"),
        pytest.param("send_to_group", "sendToGroup", id="snake-case"),
        pytest.param("trailing_", "trailing", id="trailing-underscore"),
        pytest.param("camelCase", "camelCase", id="camel-case"),
        pytest.param("named", "Exactly-This", id="named"),
        pytest.param("plain", "plain", id="sync"),
        pytest.param("inherited", "inherited", id="of-a-base-class"),
        pytest.param("mixed_in", "mixedIn", id="of-a-mixin"),
        pytest.param("overridden", "overridden", id="overridden"),
        pytest.param("wrapped", "wrapped", id="decorated"),
        pytest.param("connected", "connected", id="connected"),
        pytest.param("disconnected", "disconnected", id="disconnected"),
    ],
)
def test_public_method_is_an_event(method: str, name: str) -> None:
    assert events(Chat)[method] == name


@pytest.mark.parametrize(
    "method",
    [
        "helper",
        "_underscored",
        "_Chat__mangled",
        "_named_and_underscored",
        "static",
        "of_class",
        "a_property",
        "cached",
        "text",
        "Nested",
    ],
)
def test_anything_else_is_no_event(method: str) -> None:
    assert method not in events(Chat)


@pytest.mark.parametrize("method", [name for name in dir(ServerlessHub) if not name.startswith("_")])
def test_member_of_every_hub_is_no_event(method: str) -> None:
    assert method not in events(Chat)


def test_class_without_methods_has_no_events() -> None:
    class Empty(ServerlessHub):
        pass

    assert events(Empty) == {}


@pytest.mark.parametrize(
    ("method", "category"),
    [
        ("connected", Category.CONNECTIONS),
        ("disconnected", Category.CONNECTIONS),
        ("broadcast", Category.MESSAGES),
    ],
)
def test_category_is_what_the_event_is_about(method: str, category: Category) -> None:
    [found] = [item for item in hub_methods(Chat, ServerlessHub) if item.name == method]
    assert found.category is category


def test_method_may_be_connected_under_another_name() -> None:
    class Other(ServerlessHub):
        @event("connected")
        async def came(self, caller: SignalRInvocationContext) -> None: ...

    [method] = hub_methods(Other, ServerlessHub)
    assert (method.name, method.event, method.category) == ("came", "connected", Category.CONNECTIONS)


async def test_method_of_the_subclass_runs() -> None:
    [method] = [item for item in hub_methods(Chat, ServerlessHub) if item.name == "overridden"]
    assert await method.run(Chat(), invocation(), ()) == "chat"


def test_member_that_is_no_event_may_be_overridden() -> None:
    class Own(ServerlessHub):
        @not_an_event
        async def negotiate(self, **options: Any) -> Any:
            return await super().negotiate(**options)

    assert events(Own) == {}


def test_empty_event_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the event of a hub method must not be empty$"):
        event("")


# What a class must not have.


def hides_a_method() -> type:
    class Hub(ServerlessHub):
        async def groups(self) -> None: ...  # type: ignore[override]

    return Hub


def hides_with_a_longer_name() -> type:
    class Hub(ServerlessHub):
        async def client_manager(self) -> None: ...  # type: ignore[override]

    return Hub


def hides_with_an_event() -> type:
    class Hub(ServerlessHub):
        @event("join")
        async def negotiate(self) -> None: ...  # type: ignore[override]

    return Hub


def has_an_event_twice() -> type:
    class Hub(ServerlessHub):
        async def send_all(self) -> None: ...

        @event("sendAll")
        async def to_everybody(self) -> None: ...

    return Hub


def has_an_event_twice_but_for_case() -> type:
    class Hub(ServerlessHub):
        @event("SENDALL")
        async def other(self) -> None: ...

        async def send_all(self) -> None: ...

    return Hub


def takes_a_keyword() -> type:
    class Hub(ServerlessHub):
        async def send(self, text: str, *, loud: bool) -> None: ...

    return Hub


def takes_any_keyword() -> type:
    class Hub(ServerlessHub):
        async def send(self, **options: str) -> None: ...

    return Hub


def is_connected_with_arguments() -> type:
    class Hub(ServerlessHub):
        async def connected(self, caller: SignalRInvocationContext, text: str) -> None: ...

    return Hub


def is_disconnected_with_arguments() -> type:
    class Hub(ServerlessHub):
        async def disconnected(self, reason: str) -> None: ...

    return Hub


def takes_two_invocations() -> type:
    class Hub(ServerlessHub):
        async def send(self, one: SignalRInvocationContext, two: SignalRInvocationContext) -> None: ...

    return Hub


def may_take_an_invocation() -> type:
    class Hub(ServerlessHub):
        async def send(self, caller: SignalRInvocationContext | None = None) -> None: ...

    return Hub


def takes_a_list_of_invocations() -> type:
    class Hub(ServerlessHub):
        async def send(self, callers: list[SignalRInvocationContext]) -> None: ...

    return Hub


@pytest.mark.parametrize(
    ("define", "message"),
    [
        pytest.param(
            hides_a_method,
            'Hub.groups hides ServerlessHub.groups: give it another name, and @event("groups") for its event',
            id="hides-a-member",
        ),
        pytest.param(
            hides_with_a_longer_name,
            "Hub.client_manager hides ServerlessHub.client_manager: give it another name, and "
            '@event("clientManager") for its event',
            id="hides-a-member-of-two-words",
        ),
        pytest.param(
            hides_with_an_event, "Hub.negotiate hides ServerlessHub.negotiate", id="hides-negotiate"
        ),
        pytest.param(
            has_an_event_twice, "Hub.send_all and to_everybody both are the event sendAll", id="event-twice"
        ),
        pytest.param(
            has_an_event_twice_but_for_case,
            "Hub.other and send_all both are the event sendAll",
            id="event-twice-but-for-case",
        ),
        pytest.param(
            takes_a_keyword,
            "Hub.send: the parameter loud: bool cannot take an argument: a call binds them by position",
            id="keyword-only",
        ),
        pytest.param(takes_any_keyword, "Hub.send: the parameter **options: str cannot", id="keywords"),
        pytest.param(
            is_connected_with_arguments,
            "Hub.connected takes text, but connected comes with no arguments: its one parameter is a "
            "SignalRInvocationContext",
            id="connected-with-arguments",
        ),
        pytest.param(
            is_disconnected_with_arguments,
            "Hub.disconnected takes reason, but disconnected comes with no arguments",
            id="disconnected-with-arguments",
        ),
        pytest.param(
            takes_two_invocations, "Hub.send takes the invocation twice: one, two", id="two-invocations"
        ),
        # From what a client sends msgspec would make an invocation of any user with any claims.
        pytest.param(may_take_an_invocation, "Hub.send: the parameter caller", id="optional-invocation"),
        pytest.param(
            takes_a_list_of_invocations, "Hub.send: the parameter callers", id="list-of-invocations"
        ),
    ],
)
def test_class_with_a_method_that_cannot_be_called_is_refused(
    define: Callable[[], type], message: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        define()


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


async def unannotated(self, first, second=2):  # type: ignore[no-untyped-def]
    return first, second


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
        pytest.param(unannotated, ["x"], ("x", 2), id="unannotated"),
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
    assert await HubMethod.of("connected", connected).run(object(), context, ()) == "seen"


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


# Filters.


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


# Who may call, see test_authorization.py.


async def test_requirement_is_checked_before_the_arguments() -> None:
    @requires(role="admin")
    async def delete(self: object, id: int) -> None: ...

    with pytest.raises(HubException, match=r"^call is not allowed: it requires the role admin\.$"):
        await call(delete, "no number")
