"""The functions of an app: one app or blueprint each, and one function for an event."""

from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import Blueprint, FunctionApp, SignalRInvocationContext


def say(text: str) -> None: ...


def test_event_has_one_function() -> None:
    bp = Blueprint(hub="chat")
    bp.signalr_trigger()(say)
    with pytest.raises(ValueError, match=r"^the functions say and also both listen to hub 'chat', .*'Say'"):

        @bp.signalr_trigger(event="Say")
        def also(text: str) -> None: ...


def test_event_has_one_function_across_blueprints() -> None:
    one, two = Blueprint(hub="chat"), Blueprint(hub="Chat")
    one.signalr_trigger()(say)
    two.signalr_trigger()(say)
    app = FunctionApp()
    app.register_functions(one)
    with pytest.raises(ValueError, match="both listen to hub 'chat', category 'messages', event 'say'"):
        app.register_functions(two)


def test_event_of_another_hub_or_category_is_another_event() -> None:
    bp = Blueprint(hub="chat")
    bp.signalr_trigger()(say)

    @bp.signalr_trigger(hub="news", event="say")
    def elsewhere(text: str) -> None: ...

    @bp.signalr_trigger(event="connected")
    def arrives(invocation: SignalRInvocationContext) -> None: ...

    @bp.signalr_trigger(event="disconnected")
    def leaves(invocation: SignalRInvocationContext) -> None: ...

    app = FunctionApp()
    app.register_functions(bp)
    assert len(app.get_functions()) == 4


@pytest.mark.parametrize("make", [Blueprint, func.Blueprint])
def test_function_has_the_decorators_of_one_app(make: Callable[[], Any]) -> None:
    one, two = Blueprint(hub="chat"), make()
    other = two.timer_trigger("timer", schedule="0 * * * * *")(say)
    with pytest.raises(TypeError, match="the function say has decorators of two apps or blueprints"):
        one.signalr_output()(other)


def test_function_that_comes_after_the_registration_is_refused() -> None:
    bp = Blueprint(hub="chat")
    FunctionApp().register_functions(bp)
    with pytest.raises(TypeError, match=r"already registered, .* register it after its last function"):
        bp.signalr_trigger()(say)
