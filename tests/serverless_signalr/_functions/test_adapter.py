"""A function written with typed bindings, called as the worker calls it."""

import inspect
import json
import logging
import traceback
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from azure_functions_runtime.bindings.out import Out

from serverless_signalr import (
    HubException,
    SignalRConnectionInfo,
    SignalREndpoint,
    SignalRGroupAction,
    SignalRInvocationContext,
    SignalRMessage,
    SignalRNegotiation,
    SignalROutput,
)
from serverless_signalr._functions.adapter import Bound, adapt

MESSAGE = Bound("invocation", "signalRTrigger", "messages", "sendNews")
DEFAULT = Bound("invocation", "signalRTrigger", "messages", "sendNews", is_default=True)
CONNECTED = Bound("invocation", "signalRTrigger", "connections", "connected")
OUTBOX = Bound("outbox", "signalR")
RETURN = Bound("$return", "signalR")


def invocation(*arguments: object, event: str = "sendNews", category: str = "messages") -> str:
    """Return what the trigger binding delivers."""
    return json.dumps(
        {
            "Arguments": arguments,
            "Error": None,
            "Category": category,
            "Event": event,
            "Hub": "chat",
            "ConnectionId": "c1",
            "UserId": "ann",
            "Headers": {},
            "Query": None,
            "Claims": None,
        }
    )


def report(error: BaseException) -> str:
    """Return what the worker makes of a failed function, and the extension sends to the caller."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


# What the worker sees.


def with_everything(invocation: SignalRInvocationContext, outbox: SignalROutput, text: str) -> None: ...


def with_blob(invocation: SignalRInvocationContext, blob: str, text: str) -> None: ...


def with_context(invocation: SignalRInvocationContext, context: Any) -> None: ...


def without_invocation(text: str, *more: int) -> str:
    return text


@pytest.mark.parametrize(
    ("function", "typed", "others", "names"),
    [
        pytest.param(with_everything, [MESSAGE, OUTBOX], [], ["invocation", "outbox"], id="arguments"),
        pytest.param(with_blob, [MESSAGE], ["blob"], ["invocation", "blob"], id="other-binding"),
        pytest.param(with_context, [MESSAGE], [], ["invocation", "context"], id="worker-context"),
        pytest.param(without_invocation, [DEFAULT], [], ["invocation"], id="unused-trigger"),
    ],
)
def test_worker_sees_a_parameter_for_each_binding(
    function: Callable[..., Any], typed: list[Bound], others: list[str], names: list[str]
) -> None:
    assert list(inspect.signature(adapt(function, "f", typed, others)).parameters) == names


def test_worker_sees_only_annotations_that_are_not_ours() -> None:
    adapted = adapt(with_blob, "f", [MESSAGE], ["blob"])
    assert adapted.__annotations__ == {"blob": str}


def test_worker_sees_name_and_docstring_of_the_function() -> None:
    def named(invocation: SignalRInvocationContext) -> None:
        """Say what it does."""

    adapted = adapt(named, "f", [MESSAGE], [])
    assert (adapted.__name__, adapted.__doc__) == ("named", "Say what it does.")


async def test_coroutine_function_stays_one() -> None:
    async def later(invocation: SignalRInvocationContext, text: str) -> str:
        return f"{invocation.user_id}: {text}"

    adapted = adapt(later, "f", [MESSAGE], [])
    assert inspect.iscoroutinefunction(adapted)
    assert await adapted(invocation=invocation("hi")) == "ann: hi"


# What the function receives.


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        pytest.param(
            "signalRConnectionInfo",
            '{"url": "https://a", "accessToken": "t"}',
            SignalRConnectionInfo("https://a", "t"),
            id="connection-info",
        ),
        pytest.param("signalRNegotiation", '{"endpoints": []}', SignalRNegotiation([]), id="negotiation"),
        pytest.param(
            "signalREndpoints",
            '[{"endpointType": "Primary", "name": "", "endpoint": "https://a", "online": true}]',
            [SignalREndpoint("Primary", "", "https://a", True)],
            id="endpoints",
        ),
    ],
)
def test_input_is_delivered_as_its_type(kind: str, text: str, value: object) -> None:
    def function(req: object, given):  # type: ignore[no-untyped-def]
        return given

    assert adapt(function, "f", [Bound("given", kind)], ["req"])(req=None, given=text) == value


def test_trigger_is_delivered_as_the_invocation() -> None:
    def function(invocation: SignalRInvocationContext) -> tuple[str, list[Any]]:
        return invocation.connection_id, invocation.arguments

    adapted = adapt(function, "f", [MESSAGE], [])
    assert adapted(invocation=invocation(1, "x")) == ["c1", [1, "x"]]


@pytest.mark.parametrize(
    ("given", "received"),
    [
        pytest.param(["g", "hi"], ["c1", "g", "hi", 1, []], id="required"),
        pytest.param(["g", "hi", 2], ["c1", "g", "hi", 2, []], id="optional"),
        pytest.param(["g", "hi", 2, True, None], ["c1", "g", "hi", 2, [True, None]], id="rest"),
    ],
)
def test_arguments_of_the_call_are_those_of_the_function(given: list[object], received: list[object]) -> None:
    def function(
        invocation: SignalRInvocationContext, group_name: str, text: str, times: int = 1, *more: Any
    ) -> tuple[object, ...]:
        return invocation.connection_id, group_name, text, times, more

    assert adapt(function, "f", [MESSAGE], [])(invocation=invocation(*given)) == received


def test_arguments_come_before_bindings_as_well_as_after() -> None:
    def function(text: str, blob: str, invocation: SignalRInvocationContext, number: int) -> list[object]:
        return [text, blob, invocation.user_id, number]

    adapted = adapt(function, "f", [MESSAGE], ["blob"])
    assert adapted(invocation=invocation("hi", 2), blob="b") == ["hi", "b", "ann", 2]


def test_function_that_does_not_take_the_invocation_gets_the_arguments() -> None:
    assert adapt(without_invocation, "f", [DEFAULT], [])(invocation=invocation("hi", 1, 2)) == "hi"


def test_function_that_takes_only_the_invocation_accepts_any_number_of_arguments() -> None:
    def function(invocation: SignalRInvocationContext) -> int:
        return len(invocation.arguments)

    assert adapt(function, "f", [MESSAGE], [])(invocation=invocation(1, 2, 3)) == 3


def test_call_that_does_not_fit_is_answered_in_the_clients_words() -> None:
    adapted = adapt(with_everything, "f", [MESSAGE, OUTBOX], [])
    with pytest.raises(HubException, match=r"^sendNews\(text: string\) was called with 2 arguments\.$"):
        adapted(invocation=invocation("hi", 2), outbox=Out())


# What becomes of its outputs.


def test_outputs_are_handed_on_as_objects_in_order() -> None:
    def function(outbox: SignalROutput) -> None:
        outbox.add_to_group("g", connection_id="c")
        outbox.send("news", "2026-02-03T04:05:06Z", group_name="g")

    out = Out()
    adapt(function, "f", [DEFAULT, OUTBOX], [])(invocation=invocation(), outbox=out)
    assert out.get() == [
        {"action": "add", "groupName": "g", "connectionId": "c"},
        {"target": "news", "arguments": ["2026-02-03T04:05:06Z"], "groupName": "g"},
    ]


def test_output_that_collected_nothing_is_not_set() -> None:
    out = Out()
    adapt(with_everything, "f", [MESSAGE, OUTBOX], [])(invocation=invocation("hi"), outbox=out)
    assert out.get() is None


def test_nothing_is_sent_where_the_function_raises() -> None:
    def function(outbox: SignalROutput) -> None:
        outbox.send("news")
        raise HubException("no")

    out = Out()
    with pytest.raises(HubException):
        adapt(function, "f", [DEFAULT, OUTBOX], [])(invocation=invocation(), outbox=out)
    assert out.get() is None


def test_two_outputs_are_kept_apart() -> None:
    def function(outbox: SignalROutput, other: SignalROutput) -> None:
        outbox.send("one")
        other.send("two")

    outs = {"outbox": Out(), "other": Out()}
    adapt(function, "f", [DEFAULT, OUTBOX, Bound("other", "signalR")], [])(invocation=invocation(), **outs)
    assert [out.get() for out in outs.values()] == [
        [{"target": "one", "arguments": []}],
        [{"target": "two", "arguments": []}],
    ]


@pytest.mark.parametrize(
    ("returned", "encoded"),
    [
        pytest.param(SignalRMessage(target="t"), [{"target": "t", "arguments": []}], id="message"),
        pytest.param(
            SignalRGroupAction(action="removeAll", user_id="u"),
            [{"action": "removeAll", "userId": "u"}],
            id="group-action",
        ),
        pytest.param(
            [SignalRMessage(target="a"), SignalRMessage(target="b")],
            [{"target": "a", "arguments": []}, {"target": "b", "arguments": []}],
            id="list",
        ),
        pytest.param([], [], id="empty-list"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_return_value_is_the_output_where_it_is_bound(returned: object, encoded: object) -> None:
    def function(invocation: SignalRInvocationContext) -> object:
        return returned

    assert adapt(function, "f", [MESSAGE, RETURN], [])(invocation=invocation()) == encoded


def test_return_value_is_made_of_what_json_has() -> None:
    def function(invocation: SignalRInvocationContext) -> object:
        return {"when": date(2026, 1, 2), "ok": True}

    answer = adapt(function, "f", [MESSAGE], [])(invocation=invocation())
    assert answer == {"when": "2026-01-02", "ok": True}


@pytest.mark.parametrize(
    "value",
    [object(), float("nan"), [float("inf")], {"a": object()}],
    ids=["object", "nan", "infinity-in-a-list", "object-in-an-object"],
)
def test_return_value_that_cannot_be_sent_reaches_the_client_as_a_general_error(value: object) -> None:
    def function(invocation: SignalRInvocationContext) -> object:
        return value

    with pytest.raises(HubException, match=r"^sendNews failed on the server\.$"):
        adapt(function, "f", [MESSAGE], [])(invocation=invocation())


def test_return_value_of_a_connection_event_is_left_as_it_is() -> None:
    value = object()

    def function(invocation: SignalRInvocationContext) -> object:
        return value

    came = invocation(event="connected", category="connections")
    assert adapt(function, "f", [CONNECTED], [])(invocation=came) is value


# What a client sees of an exception.


def fail(invocation: SignalRInvocationContext) -> None:
    raise LookupError("the secret")


def test_exception_meant_for_the_client_reaches_it_without_traceback() -> None:
    def function(invocation: SignalRInvocationContext) -> None:
        raise HubException("no such room")

    with pytest.raises(HubException) as raised:
        adapt(function, "f", [MESSAGE], [])(invocation=invocation())
    assert report(raised.value) == "serverless_signalr.errors.HubException: no such room\n"


def test_other_exception_reaches_the_client_as_a_general_one() -> None:
    with pytest.raises(HubException) as raised:
        adapt(fail, "f", [MESSAGE], [])(invocation=invocation())
    assert report(raised.value) == "serverless_signalr.errors.HubException: sendNews failed on the server.\n"


async def test_other_exception_of_a_coroutine_reaches_the_client_as_a_general_one() -> None:
    async def function(invocation: SignalRInvocationContext) -> None:
        raise LookupError("the secret")

    with pytest.raises(HubException) as raised:
        await adapt(function, "f", [MESSAGE], [])(invocation=invocation())
    assert report(raised.value) == "serverless_signalr.errors.HubException: sendNews failed on the server.\n"


def test_other_exception_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "serverless_signalr"), pytest.raises(HubException):
        adapt(fail, "sendNewsFunction", [MESSAGE], [])(invocation=invocation())
    assert "sendNews failed" in caplog.text
    assert "LookupError: the secret" in caplog.text


def test_exception_that_no_client_waits_for_is_left_to_the_worker() -> None:
    with pytest.raises(LookupError):
        adapt(fail, "f", [CONNECTED], [])(invocation=invocation(event="connected", category="connections"))


@pytest.mark.parametrize("category", ["connections", "Connections"])
def test_category_is_compared_as_the_host_does(category: str) -> None:
    trigger = Bound("invocation", "signalRTrigger", category, "connected")
    with pytest.raises(TypeError, match="the parameter text of the function f belongs to no binding"):
        adapt(unbound, "f", [trigger], [])


# What is refused when the app is indexed.


def unbound(invocation: SignalRInvocationContext, text: str) -> None: ...


def no_outbox(invocation: SignalRInvocationContext) -> None: ...


def wrong_annotation(invocation: dict[str, Any]) -> None: ...


def wrong_output(invocation: SignalRInvocationContext, outbox: str) -> None: ...


def keyword_argument(invocation: SignalRInvocationContext, *, text: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "typed", "message"),
    [
        pytest.param(
            unbound, [CONNECTED], "the parameter text of the function f belongs to no binding", id="unbound"
        ),
        pytest.param(
            no_outbox,
            [MESSAGE, OUTBOX],
            "the function f has no parameter outbox for its signalR binding",
            id="no-parameter",
        ),
        pytest.param(
            wrong_annotation,
            [MESSAGE],
            "the parameter invocation of the function f is annotated dict[str, typing.Any], "
            "the signalRTrigger binding delivers SignalRInvocationContext",
            id="annotation-of-input",
        ),
        pytest.param(
            wrong_output,
            [MESSAGE, OUTBOX],
            "the parameter outbox of the function f is annotated str, "
            "the signalR binding delivers SignalROutput",
            id="annotation-of-output",
        ),
        pytest.param(
            keyword_argument,
            [MESSAGE],
            "the function f: the parameter text: str cannot take an argument: arguments are passed by "
            "position",
            id="keyword-argument",
        ),
    ],
)
def test_function_that_does_not_fit_its_bindings_is_refused(
    function: Callable[..., Any], typed: list[Bound], message: str
) -> None:
    with pytest.raises(TypeError) as raised:
        adapt(function, "f", typed, [])
    assert str(raised.value) == message
