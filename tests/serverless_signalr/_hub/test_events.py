"""Members of a hub class: which of them are events, and under which name."""

import functools
from collections.abc import Callable
from typing import Any, NewType

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

    Names = list[str]
    Id = NewType("Id", str)


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
        "Names",
        "Id",
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


# Names and marks.


class Named(ServerlessHub):
    @event("foo")
    async def bar(self) -> None: ...

    @not_an_event
    async def helper(self) -> None: ...

    @event
    async def marked(self) -> None: ...


def test_override_inherits_the_name_of_the_event() -> None:
    class Sub(Named):
        async def bar(self) -> None: ...

    assert events(Sub)["bar"] == "foo"


def test_override_may_name_the_event_anew() -> None:
    class Sub(Named):
        @event("other")
        async def bar(self) -> None: ...

    assert events(Sub)["bar"] == "other"


def test_override_may_take_its_own_name_back() -> None:
    class Sub(Named):
        @event
        async def bar(self) -> None: ...

    assert events(Sub)["bar"] == "bar"


def test_override_of_what_is_not_an_event_is_not_one() -> None:
    class Sub(Named):
        async def helper(self) -> None: ...

    assert "helper" not in events(Sub)


def test_override_may_become_an_event() -> None:
    class Sub(Named):
        @event
        async def helper(self) -> None: ...

    assert events(Sub)["helper"] == "helper"


def test_override_by_a_mixin_keeps_the_event() -> None:
    class Mixin:
        async def bar(self) -> None: ...

    class Sub(Mixin, Named):
        pass

    assert events(Sub)["bar"] == "foo"


def test_event_may_be_closed_by_an_attribute() -> None:
    class Sub(Named):
        marked = None  # type: ignore[assignment]

    assert "marked" not in events(Sub)


def test_objects_of_a_mixin_are_not_looked_at() -> None:
    class Mixin:
        cached = functools.lru_cache(len)

        @staticmethod
        def static() -> None: ...

    class Sub(Mixin, ServerlessHub):
        pass

    assert events(Sub) == {}
