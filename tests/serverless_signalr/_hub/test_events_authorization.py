"""Requirements on hub methods: what overrides, mixins and base classes require together."""

import asyncio
import functools
import re
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from serverless_signalr import (
    Call,
    HubException,
    ServerlessHub,
    SignalRInvocationContext,
    event,
    not_an_event,
    requires,
    requires_nothing,
    run_sync,
)
from serverless_signalr._hub.events import hub_events

type Hub = type[ServerlessHub[Any]]
type Define = Callable[[], Hub]


class Base(ServerlessHub, hub="chat"):
    @requires(role="admin")
    async def wipe(self) -> str:
        return "wiped"


async def call(hub: Hub, *roles: str, name: str = "wipe") -> object:
    """Call an event of a hub with these roles."""
    [method] = [method for method in hub._methods if method.event == name]
    context = SignalRInvocationContext("chat", "messages", name, "c1", claims={"role": roles})
    made = hub()
    return await method.run(made, context, made.filters)


def overridden() -> Hub:
    class Sub(Base):
        async def wipe(self) -> str:
            return "audited, " + await super().wipe()

    return Sub


def overridden_twice() -> Hub:
    class Sub(overridden()):  # type: ignore[misc]
        async def wipe(self) -> str:
            return "wiped"

    return Sub


def overridden_by_a_mixin() -> Hub:
    class Audit:
        async def wipe(self) -> str:
            return "audited"

    class Sub(Audit, Base):
        pass

    return Sub


def overridden_where_a_mixin_requires() -> Hub:
    class Guarded:
        @requires(role="admin")
        async def wipe(self) -> str:
            return "wiped"

    class Open(ServerlessHub):
        async def wipe(self) -> str:
            return "wiped"

    class Sub(Open, Guarded):
        pass

    return Sub


def overridden_by_a_sync_method() -> Hub:
    class Sub(Base):
        def wipe(self) -> str:  # type: ignore[override]
            return "wiped"

    return Sub


def of_a_mixin() -> Hub:
    class Mixin:
        @event
        @requires(role="admin")
        async def wipe(self) -> str:
            return "wiped"

    class Sub(Mixin, ServerlessHub):
        pass

    return Sub


def under_the_event_that_its_base_names() -> Hub:
    class Named(ServerlessHub):
        @requires(role="admin")
        @event("wipe")
        async def clean(self) -> str:
            return "cleaned"

    class Sub(Named):
        async def clean(self) -> str:
            return await super().clean()

    return Sub


def below_a_decorator() -> Hub:
    def traced(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: Any) -> Any:
            return await function(*args)

        return wrapper

    class Sub(ServerlessHub):
        @traced
        @requires(role="admin")
        async def wipe(self) -> str:
            return "wiped"

    return Sub


def under_another_name() -> Hub:
    class Sub(ServerlessHub):
        @requires(role="admin")
        async def clean(self) -> str:
            return "wiped"

        wipe = clean

    return Sub


GUARDED = [
    overridden,
    overridden_twice,
    overridden_by_a_mixin,
    overridden_where_a_mixin_requires,
    overridden_by_a_sync_method,
    of_a_mixin,
    under_the_event_that_its_base_names,
    below_a_decorator,
    under_another_name,
]


@pytest.mark.parametrize("define", GUARDED)
async def test_caller_without_the_role_is_refused(define: Define) -> None:
    with pytest.raises(HubException, match=r"^wipe is not allowed: it requires the role admin\.$"):
        await call(define(), "user")


@pytest.mark.parametrize("define", GUARDED)
async def test_caller_with_the_role_may_call(define: Define) -> None:
    assert isinstance(await call(define(), "admin"), str)


class Tighter(Base):
    @requires(role="auditor")
    async def wipe(self) -> str:
        return await super().wipe()


@pytest.mark.parametrize(("roles", "missing"), [(["admin"], "auditor"), (["auditor"], "admin")])
async def test_override_adds_to_what_its_base_requires(roles: list[str], missing: str) -> None:
    with pytest.raises(HubException, match=f"it requires the role {missing}"):
        await call(Tighter, *roles)


async def test_override_may_be_called_with_what_both_require() -> None:
    assert await call(Tighter, "admin", "auditor") == "wiped"


async def test_override_may_require_nothing_where_it_says_so() -> None:
    class Open(Base):
        @requires_nothing
        async def wipe(self) -> str:
            return await super().wipe()

    assert await call(Open) == "wiped"


async def test_override_of_an_opened_method_may_require_again() -> None:
    class Open(Base):
        @requires_nothing
        async def wipe(self) -> str:
            return "wiped"

    class Closed(Open):
        @requires(role="user")
        async def wipe(self) -> str:
            return "wiped"

    with pytest.raises(HubException, match="it requires the role user"):
        await call(Closed)
    assert await call(Closed, "user") == "wiped"


async def test_base_class_still_requires_what_a_subclass_has_opened() -> None:
    class Open(Base):
        @requires_nothing
        async def wipe(self) -> str:
            return "wiped"

    assert await call(Open) == "wiped"
    with pytest.raises(HubException):
        await call(Base)


class Indirect(Base):
    async def clean(self) -> str:
        return await super().wipe()

    async def tidy(self) -> str:
        return await self.wipe()

    def sweep(self) -> str:
        return run_sync(self.wipe())

    async def delegate(self) -> str:
        return await asyncio.create_task(self.tidy())


@pytest.mark.parametrize("name", ["clean", "tidy", "sweep", "delegate"])
async def test_other_method_cannot_do_for_a_caller_what_the_caller_may_not(name: str) -> None:
    with pytest.raises(HubException, match=rf"^{name} is not allowed: it requires the role admin\.$"):
        await call(Indirect, "user", name=name)
    assert await call(Indirect, "admin", name=name) == "wiped"


async def test_filter_cannot_do_for_a_caller_what_the_caller_may_not() -> None:
    async def wiping(invocation: SignalRInvocationContext, call: Call) -> object:
        return await Base().wipe()

    class Filtered(ServerlessHub):
        filters = (wiping,)

        async def look(self) -> None: ...

    with pytest.raises(HubException, match="look is not allowed"):
        await call(Filtered, "user", name="look")


async def test_requirements_are_lifted_of_the_overridden_method_only() -> None:
    class Open(Base):
        @requires(role="admin")
        async def burn(self) -> str:
            return "burnt"

        @requires_nothing
        async def wipe(self) -> str:
            return await super().wipe() + await self.burn()

    with pytest.raises(HubException, match="wipe is not allowed: it requires the role admin"):
        await call(Open, "user")
    assert await call(Open, "admin") == "wipedburnt"


async def test_caller_is_forgotten_after_the_call() -> None:
    with pytest.raises(HubException):
        await call(Indirect, "user", name="clean")
    assert await Indirect().clean() == "wiped"


def test_guarded_method_may_be_closed() -> None:
    class Closed(Base):
        @not_an_event
        async def wipe(self) -> str:
            return await super().wipe()

    assert list(hub_events(Closed, ServerlessHub)) == []


async def test_guarded_method_can_be_called_in_a_test() -> None:
    assert await Base().wipe() == "wiped"


# What is refused when the class is defined.


def on_a_private_helper() -> Hub:
    class Hub(ServerlessHub):
        @requires(role="admin")
        async def _wipe(self) -> None: ...

    return Hub


def on_what_is_not_an_event() -> Hub:
    class Hub(ServerlessHub):
        @not_an_event
        @requires(role="admin")
        async def wipe(self) -> None: ...

    return Hub


def above_what_is_not_an_event() -> Hub:
    class Hub(ServerlessHub):
        @requires(role="admin")
        @not_an_event
        async def wipe(self) -> None: ...

    return Hub


def on_a_helper_of_a_mixin() -> Hub:
    class Mixin:
        @requires(role="admin")
        async def wipe(self) -> None: ...

    class Hub(Mixin, ServerlessHub):
        pass

    return Hub


def on_a_property() -> Hub:
    class Hub(ServerlessHub):
        @property
        @requires(role="admin")
        def wipe(self) -> str:
            return ""

    return Hub


def on_a_cached_property() -> Hub:
    class Hub(ServerlessHub):
        @functools.cached_property
        @requires(role="admin")
        def wipe(self) -> str:
            return ""

    return Hub


def on_a_private_static_method() -> Hub:
    class Hub(ServerlessHub):
        @staticmethod
        @requires(role="admin")
        def _wipe() -> None: ...

    return Hub


def on_the_constructor() -> Hub:
    class Hub(ServerlessHub):
        @requires(role="admin")
        def __init__(self) -> None: ...

    return Hub


def on_disconnected() -> Hub:
    class Hub(ServerlessHub):
        @requires(role="admin")
        async def disconnected(self) -> None: ...

    return Hub


def hidden() -> Hub:
    def traced(function: Callable[..., Any]) -> Callable[..., Any]:
        async def wrapper(self: object) -> Any:
            return await function(self)

        return wrapper

    class Hub(ServerlessHub):
        @traced
        @requires(role="admin")
        async def wipe(self) -> None: ...

    return Hub


def opened_without_a_reason() -> Hub:
    class Hub(Base):
        @requires_nothing
        async def wipe_all(self) -> None: ...

    return Hub


NOT_CHECKED = "has @requires or @requires_nothing but is not an event, so nothing would check it"


@pytest.mark.parametrize(
    ("define", "message"),
    [
        pytest.param(on_a_private_helper, f"Hub._wipe {NOT_CHECKED}", id="private"),
        pytest.param(on_what_is_not_an_event, f"Hub.wipe {NOT_CHECKED}", id="not-an-event"),
        pytest.param(above_what_is_not_an_event, f"Hub.wipe {NOT_CHECKED}", id="above-not-an-event"),
        pytest.param(on_a_helper_of_a_mixin, f"Mixin.wipe {NOT_CHECKED}", id="mixin"),
        pytest.param(on_a_property, f"Hub.wipe {NOT_CHECKED}", id="property"),
        pytest.param(on_a_cached_property, f"Hub.wipe {NOT_CHECKED}", id="cached-property"),
        pytest.param(on_a_private_static_method, f"Hub._wipe {NOT_CHECKED}", id="static"),
        pytest.param(on_the_constructor, f"Hub.__init__ {NOT_CHECKED}", id="constructor"),
        pytest.param(
            on_disconnected,
            "Hub.disconnected has @requires, but a client that has disconnected cannot be refused",
            id="disconnected",
        ),
        pytest.param(hidden, "Hub.wipe has a decorator that hides its @requires: use functools", id="hidden"),
        pytest.param(
            opened_without_a_reason,
            "Hub.wipe_all has @requires_nothing, but overrides no method with @requires: remove it",
            id="nothing-to-lift",
        ),
    ],
)
def test_requirement_that_nothing_would_check_is_refused(define: Define, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        define()


def closed_by_a_class_decorator(hub: Hub) -> Hub:
    hub.wipe = requires(role="admin")(hub.wipe)  # type: ignore[attr-defined]
    return hub


async def test_requirement_that_comes_after_the_class_is_checked_too() -> None:
    @closed_by_a_class_decorator
    class Late(ServerlessHub):
        async def wipe(self) -> str:
            return "wiped"

    _ = Late().blueprint
    with pytest.raises(HubException, match="it requires the role admin"):
        await call(Late)


def test_mock_that_a_method_holds_is_not_taken_for_a_guard() -> None:
    notes = Mock()

    class Noting(ServerlessHub):
        async def note(self) -> None:
            notes.note()

    assert [found.event for found in hub_events(Noting, ServerlessHub)] == ["note"]


def test_a_method_that_takes_over_an_event_must_require_what_it_required() -> None:
    with pytest.raises(
        TypeError, match=r"Sub\.clear takes over the event Wipe from Base\.wipe, which requires"
    ):

        class Sub(Base):
            @not_an_event
            async def wipe(self) -> str:
                return ""

            @event("Wipe")
            async def clear(self) -> str:
                return "wiped by anybody"


async def test_a_method_that_takes_over_an_event_with_its_requirement_is_guarded() -> None:
    class Sub(Base):
        @not_an_event
        async def wipe(self) -> str:
            return ""

        @event("wipe")
        @requires(role="admin")
        async def clear(self) -> str:
            return "wiped"

    assert await call(Sub, "admin") == "wiped"
    with pytest.raises(HubException, match="requires the role admin"):
        await call(Sub)
