"""An app in decorator style behind the HTTP upstream: the same functions, and what they put out is sent."""

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import azure.functions as func
import pytest

from serverless_signalr import (
    Blueprint,
    FunctionApp,
    HubException,
    SignalREndpoint,
    SignalRGroupAction,
    SignalRInvocationContext,
    SignalRMessage,
    SignalROutput,
)
from serverless_signalr._functions.authorization import requires
from tests.serverless_signalr._hub.upstream_requests import (
    CONNECTION,
    KEY,
    MESSAGEPACK,
    OTHER_KEY,
    SETTING,
    call,
    packed_call,
    request_for,
)
from tests.serverless_signalr.azure_fakes.cloud import Cloud

type Post = Callable[..., Any]

INDEXED: WeakKeyDictionary[FunctionApp, Any] = WeakKeyDictionary()

OTHER_CONNECTION = f"Endpoint=https://backup.service.signalr.net;AccessKey={OTHER_KEY};Version=1.0;"


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> None:
    cloud.service.keys.add(KEY)
    cloud.backup.keys.add(OTHER_KEY)
    monkeypatch.setenv(SETTING, CONNECTION)


def upstream_of(app: FunctionApp) -> Any:
    """Return the function of an app that receives events; a worker asks for the functions once."""
    if app not in INDEXED:
        found = {function.get_function_name(): function for function in app.get_functions()}
        INDEXED[app] = found["signalr_upstream"]
    return INDEXED[app]


async def post(app: FunctionApp, body: bytes, event: str, **options: Any) -> func.HttpResponse:
    """Send an event as the service does."""
    function = upstream_of(app).get_user_function()
    answer: func.HttpResponse = await function(request_for(body, event, **options))
    return answer


def answered(response: func.HttpResponse) -> Any:
    assert response.status_code == 200
    return json.loads(response.get_body().rstrip(b"\x1e"))


@pytest.fixture
def bp() -> Blueprint:
    return Blueprint(hub="chat")


@pytest.fixture
def app(bp: Blueprint) -> FunctionApp:
    """Return an app with an upstream, whose functions are those that a test adds to the blueprint."""
    app = FunctionApp()
    app.add_signalr_upstream()
    return app


def ready(app: FunctionApp, bp: Blueprint) -> FunctionApp:
    app.register_functions(bp)
    return app


def test_the_function_is_an_anonymous_post_at_the_route(app: FunctionApp, bp: Blueprint) -> None:
    trigger = upstream_of(ready(app, bp)).get_trigger()
    assert (trigger.route, trigger.auth_level) == ("upstream", func.AuthLevel.ANONYMOUS)
    assert [method.value for method in trigger.methods] == ["POST"]


@pytest.mark.parametrize("route", [None, ""])
def test_without_a_route_nothing_is_added(route: str | None) -> None:
    app = FunctionApp()
    app.add_signalr_upstream(route)
    assert app.get_functions() == []


def test_two_upstreams_are_refused(app: FunctionApp) -> None:
    with pytest.raises(TypeError, match="call add_signalr_upstream once"):
        app.add_signalr_upstream("other")


def test_triggers_stay_triggers_of_the_host(app: FunctionApp, bp: Blueprint) -> None:
    @bp.signalr_trigger()
    def echo(value: str) -> str:
        return value

    functions: Any = ready(app, bp).get_functions()
    types = {item.get_function_name(): item.get_trigger().type for item in functions}
    assert types == {"signalr_upstream": "httpTrigger", "echo": "signalRTrigger"}


async def test_a_call_is_answered_with_what_the_function_returns(app: FunctionApp, bp: Blueprint) -> None:
    @bp.signalr_trigger()
    async def add(one: int, other: int) -> int:
        return one + other

    answer = await post(ready(app, bp), call("add", 1, 2), "add")
    assert answered(answer) == {"type": 3, "invocationId": "1", "result": 3}


async def test_a_function_that_is_not_async_does_not_keep_others_waiting(
    app: FunctionApp, bp: Blueprint
) -> None:
    threads = []

    @bp.signalr_trigger()
    def where() -> None:
        threads.append(threading.current_thread())

    await post(ready(app, bp), call("where"), "where")
    assert threads != [threading.current_thread()]


async def test_who_calls_is_known(app: FunctionApp, bp: Blueprint) -> None:
    seen: list[SignalRInvocationContext] = []

    @bp.signalr_trigger()
    def look(caller: SignalRInvocationContext) -> None:
        seen.append(caller)

    await post(ready(app, bp), call("look", 5), "look", user_id="ann")
    [caller] = seen
    assert (caller.connection_id, caller.user_id, caller.event, caller.arguments) == (
        "c1",
        "ann",
        "look",
        [5],
    )


async def test_messagepack_is_answered_in_messagepack(app: FunctionApp, bp: Blueprint) -> None:
    @bp.signalr_trigger()
    def echo(value: Any) -> Any:
        return value

    answer = await post(ready(app, bp), packed_call("echo", "x"), "echo", content_type=MESSAGEPACK)
    assert b"\xa1x" in answer.get_body()


async def test_an_output_is_sent_in_order_before_the_call_is_answered(
    app: FunctionApp, bp: Blueprint, cloud: Cloud
) -> None:
    @bp.signalr_trigger()
    @bp.signalr_output()
    def tell(outbox: SignalROutput) -> str:
        outbox.add_to_group("friends", connection_id="c1")
        outbox.send("all", 1)
        outbox.send("one", 2, connection_id="c1")
        outbox.send("user", 3, user_id="ann")
        outbox.send("group", 4, group_name="friends")
        outbox.remove_from_group("friends", connection_id="c1")
        outbox.add_to_group("friends", user_id="ann")
        outbox.remove_from_group("friends", user_id="ann")
        outbox.remove_from_all_groups("ann")
        return "told"

    answer = await post(ready(app, bp), call("tell"), "tell")
    assert answered(answer)["result"] == "told"
    sent = [(line.partition("?")[0]).replace("/api/hubs/chat", "") for line in cloud.service.requests]
    assert sent == [
        "PUT /groups/friends/connections/c1",
        "POST /:send",
        "POST /connections/c1/:send",
        "POST /users/ann/:send",
        "POST /groups/friends/:send",
        "DELETE /groups/friends/connections/c1",
        "PUT /users/ann/groups/friends",
        "DELETE /users/ann/groups/friends",
        "DELETE /users/ann/groups",
    ]
    assert [body["target"] for body in cloud.service.bodies] == ["all", "one", "user", "group"]
    assert [body["arguments"] for body in cloud.service.bodies] == [[1], [2], [3], [4]]


async def test_what_is_returned_to_an_output_is_sent_and_answers_the_call_as_through_the_host(
    app: FunctionApp, bp: Blueprint, cloud: Cloud
) -> None:
    @bp.signalr_trigger()
    @bp.signalr_output("$return")
    def tell(text: str) -> list[SignalRMessage | SignalRGroupAction]:
        return [
            SignalRMessage(target="news", arguments=[text]),
            SignalRGroupAction(action="removeAll", user_id="ann"),
        ]

    answer = await post(ready(app, bp), call("tell", "x"), "tell")
    assert [body["target"] for body in cloud.service.bodies] == ["news"]
    assert answered(answer)["result"] == [
        {"target": "news", "arguments": ["x"]},
        {"action": "removeAll", "userId": "ann"},
    ]


async def test_an_output_goes_to_the_hub_and_the_service_of_its_binding(
    app: FunctionApp, bp: Blueprint, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Other", OTHER_CONNECTION)

    @bp.signalr_trigger()
    @bp.signalr_output(hub="news", connection="Other")
    def tell(outbox: SignalROutput) -> None:
        outbox.send("news")

    await post(ready(app, bp), call("tell"), "tell")
    assert cloud.service.requests == []
    assert [line.partition("?")[0] for line in cloud.backup.requests] == ["POST /api/hubs/news/:send"]


async def test_nothing_is_sent_if_the_function_fails(app: FunctionApp, bp: Blueprint, cloud: Cloud) -> None:
    @bp.signalr_trigger()
    @bp.signalr_output()
    def tell(outbox: SignalROutput) -> None:
        outbox.send("news")
        raise HubException("Not now.")

    answer = await post(ready(app, bp), call("tell"), "tell")
    assert answered(answer)["error"] == "Not now."
    assert cloud.service.requests == []


async def test_any_other_exception_is_kept_from_the_client(
    app: FunctionApp, bp: Blueprint, caplog: pytest.LogCaptureFixture
) -> None:
    @bp.signalr_trigger()
    def fail() -> None:
        raise RuntimeError("secret")

    answer = await post(ready(app, bp), call("fail"), "fail")
    assert answered(answer)["error"] == "fail failed on the server."
    assert "secret" in caplog.text


async def test_a_send_that_the_service_refuses_fails_the_call(
    app: FunctionApp, bp: Blueprint, cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    @bp.signalr_trigger()
    @bp.signalr_output()
    def tell(outbox: SignalROutput) -> None:
        outbox.send("one")
        outbox.send("two")

    cloud.service.fail(400)
    answer = await post(ready(app, bp), call("tell"), "tell")
    assert answered(answer)["error"] == "tell failed on the server."
    assert len(cloud.service.requests) == 1


async def test_chosen_endpoints_are_refused_with_the_reason(
    app: FunctionApp, bp: Blueprint, caplog: pytest.LogCaptureFixture
) -> None:
    @bp.signalr_trigger()
    @bp.signalr_output()
    def tell(outbox: SignalROutput) -> None:
        endpoint = SignalREndpoint("Primary", "a", "https://a.service.signalr.net", True)
        outbox.append(SignalRMessage(target="x", endpoints=[endpoint]))

    await post(ready(app, bp), call("tell"), "tell")
    assert "leave out endpoints behind the HTTP upstream" in caplog.text


async def test_connections_come_and_go(app: FunctionApp, bp: Blueprint, cloud: Cloud) -> None:
    @bp.signalr_trigger()
    @bp.signalr_output()
    def connected(caller: SignalRInvocationContext, outbox: SignalROutput) -> None:
        outbox.send("came", caller.connection_id)

    @bp.signalr_trigger()
    @bp.signalr_output()
    def disconnected(caller: SignalRInvocationContext, outbox: SignalROutput) -> None:
        outbox.send("went", caller.error)

    app = ready(app, bp)
    for event, body in (("connected", b'{"type":10}'), ("disconnected", b'{"type":11,"error":"lost"}')):
        answer = await post(app, body, event, category="connections")
        assert answer.status_code == 200
    assert [(body["target"], body["arguments"]) for body in cloud.service.bodies] == [
        ("came", ["c1"]),
        ("went", ["lost"]),
    ]


async def test_a_role_is_required_here_too(app: FunctionApp, bp: Blueprint) -> None:
    @bp.signalr_trigger()
    @requires(role="admin")
    def delete_all() -> str:
        return "gone"

    app = ready(app, bp)
    refused = await post(app, call("deleteAll"), "deleteAll")
    allowed = await post(app, call("deleteAll"), "deleteAll", claims={"role": ("admin",)})
    assert "error" in answered(refused)
    assert answered(allowed)["result"] == "gone"


async def test_calls_run_at_the_same_time(app: FunctionApp, bp: Blueprint) -> None:
    both = asyncio.Event()
    waiting = []

    @bp.signalr_trigger()
    async def wait() -> None:
        waiting.append(1)
        if len(waiting) == 2:
            both.set()
        await both.wait()

    app = ready(app, bp)
    async with asyncio.timeout(30):
        await asyncio.gather(post(app, call("wait"), "wait"), post(app, call("wait"), "wait"))


# Who may send events.


@pytest.mark.parametrize(
    "options", [{"keys": ["x"]}, {"headers": {"X-ASRS-Signature": None}}], ids=["other key", "unsigned"]
)
async def test_a_request_that_the_service_did_not_sign_is_refused(
    app: FunctionApp, bp: Blueprint, options: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ran = []

    @bp.signalr_trigger()
    def echo() -> None:
        ran.append(1)

    answer = await post(ready(app, bp), call("echo"), "echo", **options)
    assert (answer.status_code, answer.get_body(), ran) == (401, b"", [])
    assert "an upstream request for the app was refused" in caplog.text


async def test_a_service_speaks_for_its_own_hubs_only(
    app: FunctionApp, bp: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Other", OTHER_CONNECTION)
    other = Blueprint(hub="news", connection="Other")

    @bp.signalr_trigger()
    def echo() -> str:
        return "chat"

    @other.signalr_trigger(event="echo")
    def echo_news() -> str:
        return "news"

    app.register_functions(bp)
    app.register_functions(other)
    news = {"X-ASRS-Hub": "news"}
    assert answered(await post(app, call("echo"), "echo"))["result"] == "chat"
    right = await post(app, call("echo"), "echo", headers=news, keys=[OTHER_KEY])
    assert answered(right)["result"] == "news"
    assert (await post(app, call("echo"), "echo", keys=[OTHER_KEY])).status_code == 401
    assert (await post(app, call("echo"), "echo", headers=news, keys=[KEY])).status_code == 401


async def test_within_a_hub_each_function_listens_to_its_own_service(
    app: FunctionApp, bp: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Other", OTHER_CONNECTION)

    @bp.signalr_trigger()
    def one() -> str:
        return "one"

    @bp.signalr_trigger(connection="Other")
    def two() -> str:
        return "two"

    app = ready(app, bp)
    assert (await post(app, call("one"), "one", keys=[OTHER_KEY])).status_code == 404
    assert answered(await post(app, call("two"), "two", keys=[OTHER_KEY]))["result"] == "two"


async def test_an_event_that_nothing_listens_to_is_404_with_a_word_in_the_log(
    app: FunctionApp, bp: Blueprint, caplog: pytest.LogCaptureFixture
) -> None:
    @bp.signalr_trigger()
    def echo() -> None: ...

    answer = await post(ready(app, bp), call("other"), "other")
    assert answer.status_code == 404
    assert "nothing listens to hub 'chat', category 'messages', event 'other'; there are messages/echo" in (
        caplog.text
    )


# What only the host can do is refused when the app is loaded.


async def test_names_may_be_app_settings(
    app: FunctionApp, bp: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Hub__Name", "chat")

    @bp.signalr_trigger(hub="%hub:name%")
    def echo() -> str:
        return "here"

    assert answered(await post(ready(app, bp), call("echo"), "echo"))["result"] == "here"


def test_an_app_setting_that_is_missing_is_named(app: FunctionApp, bp: Blueprint) -> None:
    @bp.signalr_trigger(hub="%NOWHERE%")
    def echo() -> None: ...

    with pytest.raises(ValueError, match="the function echo: the app setting NOWHERE is not set"):
        ready(app, bp).get_functions()


def test_two_functions_that_turn_out_to_have_one_event_are_refused(
    app: FunctionApp, bp: Blueprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB", "chat")

    @bp.signalr_trigger()
    def echo() -> None: ...

    @bp.signalr_trigger(hub="%HUB%", event="echo")
    def again() -> None: ...

    with pytest.raises(ValueError, match="the functions echo and again both listen to hub 'chat'"):
        ready(app, bp).get_functions()


def test_a_binding_that_only_the_host_fills_is_refused(app: FunctionApp, bp: Blueprint) -> None:
    @bp.signalr_trigger()
    @bp.queue_output(arg_name="orders", queue_name="orders", connection="Storage")
    def order(orders: func.Out[str]) -> None: ...

    with pytest.raises(TypeError, match="the function order has the binding orders") as caught:
        ready(app, bp).get_functions()
    assert "only the host can fill" in str(caught.value)


def test_a_trigger_of_another_kind_is_refused(app: FunctionApp) -> None:
    @app.generic_trigger(
        "invocation", type="signalRTrigger", hub_name="chat", category="messages", event="echo"
    )
    def echo(invocation: str) -> None: ...

    with pytest.raises(
        TypeError, match="the function echo declares its SignalR trigger with generic_trigger"
    ):
        app.get_functions()


def test_the_context_of_the_worker_is_refused(app: FunctionApp, bp: Blueprint) -> None:
    @bp.signalr_trigger()
    def echo(context: func.Context) -> None: ...

    with pytest.raises(TypeError, match="the function echo takes the worker's context"):
        ready(app, bp).get_functions()


async def test_functions_that_are_no_triggers_are_left_alone(app: FunctionApp, bp: Blueprint) -> None:
    @bp.route("messages")
    @bp.signalr_output()
    def send(req: func.HttpRequest, outbox: SignalROutput) -> str:
        return "sent"

    names = {item.get_function_name() for item in ready(app, bp).get_functions()}
    assert names == {"signalr_upstream", "send"}
