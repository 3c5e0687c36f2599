"""Requirements on functions: checked where a client calls, refused where nothing could check them."""

import functools
import inspect
import json
import re
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import (
    Blueprint,
    FunctionApp,
    HubException,
    ServerlessHub,
    SignalRInvocationContext,
    SignalROutput,
    requires,
    requires_nothing,
)

ADMIN = requires(role="admin")

type Define = Callable[[FunctionApp], Any]


def delivered(*arguments: object, role: str = "", category: str = "messages", event: str = "wipe") -> str:
    """Return what the trigger binding delivers."""
    headers = {"X-ASRS-User-Claims": f"role: {role}"} if role else {}
    fields = {"Hub": "chat", "Category": category, "Event": event, "ConnectionId": "c1"}
    return json.dumps({**fields, "Arguments": arguments, "Headers": headers})


def load(define: Define) -> Any:
    """Return the one function of an app as the worker calls it."""
    app = FunctionApp(hub="chat")
    define(app)
    [function] = app.get_functions()
    return function.get_user_function()


async def called(function: Any, text: str) -> object:
    result = function(invocation=text)
    return await result if inspect.isawaitable(result) else result


def below_the_trigger(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @ADMIN
    def wipe() -> str:
        return "wiped"


def above_the_trigger(app: FunctionApp) -> None:
    @ADMIN
    @app.signalr_trigger()
    def wipe() -> str:
        return "wiped"


def between_trigger_and_output(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @ADMIN
    @app.signalr_output("$return")
    def wipe() -> None: ...


def on_a_coroutine(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @ADMIN
    async def wipe(caller: SignalRInvocationContext) -> str:
        return "wiped"


def above_a_coroutine(app: FunctionApp) -> None:
    @ADMIN
    @app.signalr_trigger()
    async def wipe() -> str:
        return "wiped"


def traced[F: Callable[..., Any]](function: F) -> F:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def below_a_decorator(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @traced
    @ADMIN
    def wipe() -> str:
        return "wiped"


def above_a_callable_object(app: FunctionApp) -> None:
    class Wipe:
        def __call__(self) -> str:
            return "wiped"

    ADMIN(app.signalr_trigger(event="wipe")(Wipe()))


def of_a_blueprint(app: FunctionApp) -> None:
    blueprint = Blueprint(hub="chat")

    @ADMIN
    @blueprint.signalr_trigger()
    def wipe() -> str:
        return "wiped"

    app.register_functions(blueprint)


GUARDED = [
    below_the_trigger,
    above_the_trigger,
    between_trigger_and_output,
    on_a_coroutine,
    above_a_coroutine,
    below_a_decorator,
    above_a_callable_object,
    of_a_blueprint,
]


@pytest.mark.parametrize("define", GUARDED)
@pytest.mark.parametrize("role", ["", "user"])
async def test_caller_without_the_role_is_refused(define: Define, role: str) -> None:
    with pytest.raises(HubException, match=r"^wipe is not allowed: it requires the role admin\.$"):
        await called(load(define), delivered(role=role))


@pytest.mark.parametrize("define", GUARDED)
async def test_caller_with_the_role_may_call(define: Define) -> None:
    assert await called(load(define), delivered(role="admin")) in ("wiped", None)


def test_requirements_above_and_below_the_trigger_add_up() -> None:
    def define(app: FunctionApp) -> None:
        @ADMIN
        @app.signalr_trigger()
        @requires(claims={"desk": "main"})
        def wipe() -> None: ...

    with pytest.raises(HubException, match="it requires the claim desk with the value main"):
        load(define)(invocation=delivered(role="admin"))


def test_requirement_is_checked_before_the_arguments() -> None:
    def define(app: FunctionApp) -> None:
        @app.signalr_trigger()
        @ADMIN
        def wipe(number: int) -> None: ...

    with pytest.raises(HubException, match="it requires the role admin"):
        load(define)(invocation=delivered("no number"))


def test_connection_without_the_role_is_refused() -> None:
    def define(app: FunctionApp) -> None:
        @app.signalr_trigger()
        @ADMIN
        def connected() -> None: ...

    with pytest.raises(HubException, match=r"^connected is not allowed"):
        load(define)(invocation=delivered(category="connections", event="connected"))


# What is refused when the app is loaded.

UNCHECKED = "the function wipe has @requires but no signalr_trigger"


def on_an_http_function(app: FunctionApp) -> None:
    @app.route("wipe")
    @ADMIN
    def wipe(req: func.HttpRequest) -> str:
        return "wiped"


def above_an_http_function(app: FunctionApp) -> None:
    @ADMIN
    @app.route("wipe")
    def wipe(req: func.HttpRequest) -> str:
        return "wiped"


def on_an_http_function_with_an_output(app: FunctionApp) -> None:
    @app.route("wipe")
    @app.signalr_output()
    @ADMIN
    def wipe(req: func.HttpRequest, outbox: SignalROutput) -> str:
        return "wiped"


def on_a_generic_trigger(app: FunctionApp) -> None:
    @app.generic_trigger(
        "invocation", type="signalRTrigger", hub_name="chat", category="messages", event="wipe"
    )
    @ADMIN
    def wipe(invocation: str) -> str:
        return "wiped"


def on_disconnected(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @ADMIN
    def disconnected() -> None: ...


def without_wraps(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(text: str) -> Any:
        return function(text)

    return wrapper


class Decorated:
    """What a decorator makes that is a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, text: str) -> Any:
        return self._function(text)


def hidden(app: FunctionApp) -> None:
    @app.signalr_trigger(event="wipe")
    @without_wraps
    @ADMIN
    def wipe(text: str) -> str:
        return "wiped"


def hidden_below_another(app: FunctionApp) -> None:
    @app.signalr_trigger(event="wipe")
    @requires(role="user")
    @without_wraps
    @ADMIN
    def wipe(text: str) -> str:
        return "wiped"


def hidden_in_an_object(app: FunctionApp) -> None:
    @app.signalr_trigger(event="wipe")
    @Decorated
    @ADMIN
    def wipe(text: str) -> str:
        return "wiped"


def opened(app: FunctionApp) -> None:
    @app.signalr_trigger()
    @requires_nothing
    def wipe() -> None: ...


@pytest.mark.parametrize(
    ("define", "message"),
    [
        pytest.param(on_an_http_function, UNCHECKED, id="http"),
        pytest.param(above_an_http_function, UNCHECKED, id="above-http"),
        pytest.param(
            on_an_http_function_with_an_output,
            UNCHECKED,
            id="http-with-output",
        ),
        pytest.param(on_a_generic_trigger, UNCHECKED, id="generic"),
        pytest.param(
            on_disconnected,
            "the function disconnected has @requires, but a client that has disconnected cannot be refused",
            id="disconnected",
        ),
        *(
            pytest.param(define, "has a decorator that hides its @requires: use functools.wraps", id=name)
            for name, define in {
                "hidden": hidden,
                "hidden-below-another": hidden_below_another,
                "hidden-in-an-object": hidden_in_an_object,
            }.items()
        ),
        pytest.param(opened, "the function wipe has @requires_nothing", id="requires-nothing"),
    ],
)
def test_requirement_that_nothing_could_check_is_refused(define: Define, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        load(define)


def test_requirement_over_decorators_of_azure_functions_is_refused() -> None:
    app = func.FunctionApp()
    with pytest.raises(TypeError, match="import FunctionApp or Blueprint from serverless_signalr"):

        @ADMIN
        @app.route("wipe")
        def wipe(req: func.HttpRequest) -> None: ...


@pytest.mark.parametrize(
    "target",
    [
        type("Wipe", (), {}),
        staticmethod(len),
        classmethod(lambda cls: None),
        property(len),
        functools.partial(len),
        functools.partialmethod(len),
        functools.lru_cache(len),
        Decorated(len),
    ],
    ids=lambda target: type(target).__name__,
)
@pytest.mark.parametrize("decorator", [ADMIN, requires_nothing])
def test_what_is_not_a_function_cannot_be_guarded(target: Any, decorator: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"directly on the function|on each of its methods"):
        decorator(target)


def test_both_decorators_on_one_function_are_refused() -> None:
    def wipe() -> None: ...

    with pytest.raises(TypeError, match="both @requires and @requires_nothing"):
        requires_nothing(ADMIN(wipe))
    with pytest.raises(TypeError, match="both @requires and @requires_nothing"):
        ADMIN(requires_nothing(wipe))


async def test_guarded_function_that_nothing_checks_does_not_run() -> None:
    @ADMIN
    def helper() -> str:
        return "wiped"

    @ADMIN
    async def later() -> str:
        return "wiped"

    with pytest.raises(TypeError, match=r"helper has @requires, but nothing checks it here"):
        helper()
    with pytest.raises(TypeError, match=r"later has @requires, but nothing checks it here"):
        await later()


def test_guarded_function_looks_like_the_one_that_was_written() -> None:
    async def wipe(text: str) -> None:
        """Wipe."""

    guarded = ADMIN(wipe)
    assert inspect.iscoroutinefunction(guarded)
    assert inspect.signature(guarded) == inspect.signature(wipe)
    assert (guarded.__name__, guarded.__doc__) == ("wipe", "Wipe.")


class Vault(ServerlessHub, hub="vault"):
    @requires(role="admin")
    def wipe(self) -> str:
        return "wiped"


def calling_a_hub(app: FunctionApp) -> None:
    @app.signalr_trigger()
    def clean() -> str:
        return Vault().wipe()


def calling_a_hub_from_a_coroutine(app: FunctionApp) -> None:
    @app.signalr_trigger()
    async def clean() -> str:
        return Vault().wipe()


def calling_a_hub_when_a_client_connects(app: FunctionApp) -> None:
    @app.signalr_trigger(event="connected")
    def clean(invocation: SignalRInvocationContext) -> str:
        return Vault().wipe()


@pytest.mark.parametrize(
    "define", [calling_a_hub, calling_a_hub_from_a_coroutine, calling_a_hub_when_a_client_connects]
)
async def test_function_cannot_do_for_a_caller_what_the_caller_may_not(define: Define) -> None:
    function = load(define)
    with pytest.raises(HubException, match="clean is not allowed: it requires the role admin"):
        await called(function, delivered(role="user", event="clean"))
    assert await called(function, delivered(role="admin", event="clean")) == "wiped"


async def test_code_that_no_client_called_may_call_what_is_guarded() -> None:
    with pytest.raises(HubException):
        await called(load(calling_a_hub), delivered(role="user", event="clean"))
    assert Vault().wipe() == "wiped"
    app = FunctionApp()

    @app.timer_trigger("timer", schedule="0 * * * * *")
    @app.signalr_output("outbox", hub="vault")
    def nightly(timer: func.TimerRequest, outbox: SignalROutput) -> str:
        return Vault().wipe()

    [function] = app.get_functions()
    run: Any = function.get_user_function()
    assert run(timer=None, outbox=None) == "wiped"
