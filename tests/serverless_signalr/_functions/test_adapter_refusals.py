"""Functions that are refused when the app is loaded, since a client could pretend what was not meant."""

import re
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import (
    FunctionApp,
    Principal,
    SignalRInvocationContext,
    SignalROutput,
    event,
    not_an_event,
)

type Define = Callable[[FunctionApp], Any]


def first_parameter_without_annotation(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(caller, text: str) -> None: ...  # type: ignore[no-untyped-def]


def argument_without_annotation(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(caller: SignalRInvocationContext, text) -> None: ...  # type: ignore[no-untyped-def]


def rest_without_annotation(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(*texts) -> None: ...  # type: ignore[no-untyped-def]


def trigger_that_names_no_parameter(app: FunctionApp) -> None:
    @app.signalr_trigger("invocation")
    def send(invocatoin: Any, text: str) -> None: ...


def invocation_under_another_name(app: FunctionApp) -> None:
    @app.signalr_trigger("invocation")
    def send(caller: SignalRInvocationContext, text: str) -> None: ...


def two_invocations(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(one: SignalRInvocationContext, two: SignalRInvocationContext) -> None: ...


def second_invocation(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(invocation: SignalRInvocationContext, two: SignalRInvocationContext) -> None: ...


def optional_invocation(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(caller: SignalRInvocationContext | None, text: str) -> None: ...


def text_where_the_invocation_comes(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(invocation: str) -> None: ...


def principal(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(caller: Principal, text: str) -> None: ...


def missing_output(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(outbox: SignalROutput, text: str) -> None: ...


def missing_output_of_connected(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def connected(outbox: SignalROutput) -> None: ...


def missing_output_of_an_http_function(app: FunctionApp) -> None:
    @app.route("send")
    def send(req: func.HttpRequest, outbox: SignalROutput) -> None: ...


def missing_output_in_a_text(app: FunctionApp) -> None:
    @app.route("send")
    def send(req: func.HttpRequest, outbox: "SignalROutput") -> None: ...


def generator(app: FunctionApp) -> None:
    @app.signalr_trigger()
    async def count() -> Any:
        yield 1


def forward_reference(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(text: "Later") -> None: ...  # type: ignore[name-defined] # noqa: F821


def union_of_texts(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def send(text: bytes | str) -> None: ...


def misspelt_function(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def on_connected() -> None: ...


def misspelt_event(app: FunctionApp) -> None:
    @app.signalr_trigger(event="Connected")
    def came() -> None: ...


def marked_with_event(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @event("other")
    def send() -> None: ...


def marked_as_not_an_event(app: FunctionApp) -> None:
    @app.route("send")
    @not_an_event
    def send(req: func.HttpRequest) -> None: ...


@pytest.mark.parametrize(
    ("define", "message"),
    [
        pytest.param(
            first_parameter_without_annotation,
            "the function send: the parameter caller has no annotation, so clients would choose its value",
            id="first-parameter",
        ),
        pytest.param(
            argument_without_annotation, "the function send: the parameter text has no", id="argument"
        ),
        pytest.param(rest_without_annotation, "the function send: the parameter texts has no", id="rest"),
        *(
            pytest.param(
                define,
                "the function send has no parameter invocation, the arg_name of its signalr_trigger: give "
                "the parameter for the invocation this name, or leave out arg_name",
                id=name,
            )
            for name, define in {
                "misspelt": trigger_that_names_no_parameter,
                "another-name": invocation_under_another_name,
            }.items()
        ),
        pytest.param(two_invocations, "the function send takes the invocation twice: one, two", id="two"),
        pytest.param(
            second_invocation,
            "the function send: the parameter two cannot take an argument: clients would choose the "
            "SignalRInvocationContext themselves",
            id="second",
        ),
        pytest.param(
            optional_invocation,
            "the parameter caller cannot take an argument: clients would choose",
            id="optional",
        ),
        pytest.param(
            text_where_the_invocation_comes,
            "the parameter invocation of the function send is annotated str, the signalRTrigger binding "
            "delivers SignalRInvocationContext",
            id="text",
        ),
        pytest.param(
            principal,
            "the parameter caller cannot take an argument: clients would choose the Principal",
            id="principal",
        ),
        pytest.param(
            missing_output,
            "the function send: the parameter outbox cannot take an argument: a SignalROutput comes from a "
            "binding, not from clients: put @….signalr_output() above the function",
            id="output",
        ),
        pytest.param(
            missing_output_of_connected,
            "the parameter outbox of the function connected belongs to no binding: put "
            "@….signalr_output('outbox') above the function",
            id="output-of-connected",
        ),
        *(
            pytest.param(
                define,
                "the function send has no binding for its parameter outbox: put "
                "@….signalr_output('outbox') above it",
                id=name,
            )
            for name, define in {
                "output-of-http": missing_output_of_an_http_function,
                "output-as-text": missing_output_in_a_text,
            }.items()
        ),
        pytest.param(generator, "the function count is a generator", id="generator"),
        pytest.param(
            forward_reference,
            "the function send has an annotation that cannot be evaluated when the app is loaded: name ",
            id="forward-reference",
        ),
        pytest.param(
            union_of_texts,
            "the function send: the parameter text cannot take an argument: bytes and str look the same",
            id="union",
        ),
        pytest.param(
            misspelt_function,
            "the function on_connected would be the event onConnected, which every client could call and no "
            "connection raises: the event of a connection is called connected",
            id="on-connected",
        ),
        *(
            pytest.param(define, "the function send has @event or @not_an_event, which are for hub", id=name)
            for name, define in {"event": marked_with_event, "not-an-event": marked_as_not_an_event}.items()
        ),
        pytest.param(
            misspelt_event, "the function came would be the event Connected, which", id="event-connected"
        ),
    ],
)
def test_function_is_refused_with_the_sentence_that_helps(define: Define, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        load(define)


def load(define: Define) -> None:
    """Load an app as the worker does."""
    app = FunctionApp(hub="chat")
    define(app)
    app.get_functions()
