"""Members of a hub class: which of them are events, and which classes are refused."""

import functools
import re
from collections.abc import Callable
from typing import Any

import pytest

from serverless_signalr import SignalRInvocationContext
from serverless_signalr._hub.events import event, not_an_event
from serverless_signalr._hub.methods import hub_methods
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.upstream import Category


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

    @event
    async def marked_in(self) -> None: ...

    @event("renamed")
    async def renamed_in(self) -> None: ...


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

    @not_an_event
    @staticmethod
    def static() -> None: ...

    @classmethod
    @not_an_event
    def of_class(cls) -> None: ...

    @staticmethod
    def _private() -> None: ...

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
        pytest.param("marked_in", "markedIn", id="of-a-mixin-with-event"),
        pytest.param("renamed_in", "renamed", id="of-a-mixin-with-a-name"),
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
        "_private",
        "mixed_in",
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
    assert await method.run(Chat(), SignalRInvocationContext("chat", "messages", "call", "c1"), ()) == "chat"


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
            "Hub.connected takes text, but connected comes with no arguments: its one parameter is "
            "annotated SignalRInvocationContext",
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
