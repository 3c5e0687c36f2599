"""Classes that are refused, since a client could call or pretend what was not meant."""

import functools
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from serverless_signalr import FunctionApp, Principal, SignalRInvocationContext, requires
from serverless_signalr._hub.events import event, not_an_event
from serverless_signalr._hub.methods import hub_methods
from serverless_signalr.hub import ServerlessHub


def events(hub: type) -> dict[str, str]:
    """Return the events of a hub by the names of their methods."""
    return {method.name: method.event for method in hub_methods(hub, ServerlessHub)}


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


def has_no_self() -> type:
    class Hub(ServerlessHub):
        async def send() -> None: ...  # type: ignore[misc]

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
            has_an_event_twice, "Hub.send_all and to_everybody are both the event sendAll", id="event-twice"
        ),
        pytest.param(
            has_an_event_twice_but_for_case,
            "Hub.other and send_all are both the event sendAll",
            id="event-twice-but-for-case",
        ),
        pytest.param(has_no_self, "Hub.send has no parameter self", id="no-self"),
        pytest.param(
            takes_a_keyword,
            "Hub.send: the parameter loud: bool cannot take an argument: arguments are passed by position",
            id="keyword-only",
        ),
        pytest.param(takes_any_keyword, "Hub.send: the parameter **options: str cannot", id="keywords"),
        pytest.param(
            is_connected_with_arguments,
            "Hub.connected has the parameter text, but connected has no arguments: it may have one "
            "parameter, annotated SignalRInvocationContext",
            id="connected-with-arguments",
        ),
        pytest.param(
            is_disconnected_with_arguments,
            "Hub.disconnected has the parameter reason, but disconnected has no arguments",
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


MISSPELT = [
    "on_connected",
    "onConnected",
    "OnConnected",
    "on_connected_async",
    "OnConnectedAsync",
    "Connected",
]


@pytest.mark.parametrize("name", MISSPELT)
def test_name_that_is_meant_to_be_connected_is_refused(name: str) -> None:
    async def method(self: object, caller: SignalRInvocationContext) -> None: ...

    with pytest.raises(TypeError, match=rf"^Hub\.{name} would be the event .* is called connected$"):
        type("Hub", (ServerlessHub,), {name: method})


@pytest.mark.parametrize("name", ["Connected", "CONNECTED", "OnConnected", "onConnectedAsync"])
def test_event_that_is_meant_to_be_connected_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"^Hub.came would be the event {name}, .* is called connected$"):

        class Hub(ServerlessHub):
            @event(name)
            async def came(self) -> None: ...


@pytest.mark.parametrize("name", ["on_disconnected", "OnDisconnectedAsync", "Disconnected"])
def test_name_that_is_meant_to_be_disconnected_is_refused(name: str) -> None:
    async def method(self: object) -> None: ...

    with pytest.raises(TypeError, match=r"is called disconnected$"):
        type("Hub", (ServerlessHub,), {name: method})


# What is public and no method.


class Decorated:
    """What a decorator makes that is a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self) -> None: ...


async def plain(self: object) -> None: ...


OBJECTS = [
    pytest.param(Decorated(plain), "Decorated", id="class-based-decorator"),
    pytest.param(functools.partialmethod(plain), "partialmethod", id="partialmethod"),
    pytest.param(functools.partial(plain), "partial", id="partial"),
    pytest.param(functools.lru_cache(plain), "_lru_cache_wrapper", id="lru-cache"),
    pytest.param(functools.singledispatchmethod(plain), "singledispatchmethod", id="singledispatchmethod"),
    pytest.param(staticmethod(plain), "staticmethod", id="static-method"),
    pytest.param(classmethod(plain), "classmethod", id="class-method"),
    pytest.param(len, "builtin_function_or_method", id="builtin"),
]


@pytest.mark.parametrize(("member", "kind"), OBJECTS)
def test_public_member_that_is_not_a_plain_method_is_refused_by_name(member: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=rf"^Hub\.join is public but not a plain method \({kind}\)"):
        type("Hub", (ServerlessHub,), {"join": member})


@pytest.mark.parametrize(("member", "kind"), OBJECTS)
def test_private_member_may_be_anything(member: Any, kind: str) -> None:
    assert events(type("Hub", (ServerlessHub,), {"_join": member})) == {}


@pytest.mark.parametrize("make", [Decorated, functools.partialmethod, functools.lru_cache, staticmethod])
def test_member_that_is_marked_may_be_anything(make: Callable[[Any], Any]) -> None:
    async def join(self: object) -> None: ...

    assert events(type("Hub", (ServerlessHub,), {"join": not_an_event(make(join))})) == {}


def test_member_that_is_marked_an_event_must_be_a_method() -> None:
    class Mixin:
        @event
        @staticmethod
        def join() -> None: ...

    with pytest.raises(TypeError, match=r"^Mixin\.join is public but not a plain method"):

        class Hub(Mixin, ServerlessHub):
            pass


def test_private_event_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^Hub\._join has @event, but its name is private"):

        class Hub(ServerlessHub):
            @event("join")
            async def _join(self) -> None: ...


def test_mark_on_a_property_is_refused() -> None:
    with pytest.raises(TypeError, match="put them directly on a function"):
        not_an_event(property(len))  # type: ignore[type-var]


def test_mark_on_a_function_with_bindings_is_refused() -> None:
    with pytest.raises(TypeError, match="belong on hub methods"):
        event("wipe")(FunctionApp(hub="chat").signalr_trigger()(plain))


# What a client could pretend.


def has_an_unannotated_caller() -> type:
    class Hub(ServerlessHub):
        async def send(self, caller, text: str) -> None: ...  # type: ignore[no-untyped-def]

    return Hub


def has_an_unannotated_caller_of_connected() -> type:
    class Hub(ServerlessHub):
        async def connected(self, caller) -> None: ...  # type: ignore[no-untyped-def]

    return Hub


def has_unannotated_rest() -> type:
    class Hub(ServerlessHub):
        async def send(self, *texts) -> None: ...  # type: ignore[no-untyped-def]

    return Hub


def takes_a_principal() -> type:
    class Hub(ServerlessHub):
        async def send(self, caller: Principal) -> None: ...

    return Hub


def has_an_unknown_annotation() -> type:
    class Hub(ServerlessHub):
        async def send(self, what: "Later") -> None: ...  # type: ignore[name-defined] # noqa: F821

    return Hub


def is_a_generator() -> type:
    class Hub(ServerlessHub):
        async def count(self) -> Any:
            yield 1

    return Hub


def is_a_sync_generator() -> type:
    class Hub(ServerlessHub):
        def count(self) -> Any:
            yield 1

    return Hub


def is_a_guarded_generator() -> type:
    class Hub(ServerlessHub):
        @requires(role="admin")
        async def count(self) -> Any:
            yield 1

    return Hub


def takes_what_cannot_be_told_apart() -> type:
    class Hub(ServerlessHub):
        async def send(self, when: datetime | str) -> None: ...

    return Hub


@pytest.mark.parametrize(
    ("define", "message"),
    [
        pytest.param(
            has_an_unannotated_caller,
            "Hub.send: the parameter caller has no annotation, so clients would choose its value: annotate "
            "it SignalRInvocationContext to receive the invocation",
            id="unannotated",
        ),
        pytest.param(
            has_an_unannotated_caller_of_connected,
            "Hub.connected has the parameter caller, but connected has no arguments: it may have one "
            "parameter, annotated SignalRInvocationContext",
            id="unannotated-of-connected",
        ),
        pytest.param(has_unannotated_rest, "Hub.send: the parameter texts has no annotation", id="rest"),
        pytest.param(
            takes_a_principal,
            "Hub.send: the parameter caller cannot take an argument: clients would choose the Principal",
            id="principal",
        ),
        pytest.param(
            has_an_unknown_annotation,
            "Hub.send has an annotation that cannot be evaluated when the app is loaded: name 'Later' is not "
            "defined",
            id="forward-reference",
        ),
        pytest.param(is_a_generator, "Hub.count is a generator", id="async-generator"),
        pytest.param(is_a_sync_generator, "Hub.count is a generator", id="generator"),
        pytest.param(is_a_guarded_generator, "Hub.count is a generator", id="guarded-generator"),
        pytest.param(
            takes_what_cannot_be_told_apart,
            "Hub.send: the parameter when cannot take an argument: datetime and str look the same in JSON",
            id="union",
        ),
    ],
)
def test_parameter_that_clients_could_not_or_must_not_fill_is_refused(
    define: Callable[[], type], message: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        define()
