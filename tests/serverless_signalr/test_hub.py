"""A class as a hub: its functions, what becomes of a call, and what its clients connect with."""

import asyncio
import inspect
import json
import logging
import re
import traceback
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import azure.functions as func
import jwt
import pytest
from azure.functions.decorators.function_app import Function
from azure_functions_runtime.bindings import meta
from azure_functions_runtime.functions import Registry

from serverless_signalr import (
    Blueprint,
    ConnectionStringError,
    FunctionApp,
    HubException,
    SignalRInvocationContext,
)
from serverless_signalr._functions.authorization import requires
from serverless_signalr._hub.events import event
from serverless_signalr._hub.methods import Call
from serverless_signalr.hub import ServerlessHub
from signalr_local.worker import protos

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
CONNECTION = f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;"
SETTING = "AzureSignalRConnectionString"
AUDIENCE = "https://chat.service.signalr.net/client/?hub=chat"

type Define = Callable[[], type[ServerlessHub[Any]]]


class ChatClient(Protocol):
    async def new_message(self, text: str) -> None: ...


class Chat(ServerlessHub[ChatClient]):
    """What the page calls."""

    async def connected(self, caller: SignalRInvocationContext) -> None: ...

    async def disconnected(self) -> None:
        raise HubException("gone already")

    async def send_to_group(self, group_name: str, text: str) -> str:
        """Send to a group."""
        return f"{group_name}: {text}"

    @event("Exactly-This")
    async def named(self, caller: SignalRInvocationContext) -> list[object]:
        return [caller.user_id, caller.connection_id]

    async def fail(self) -> None:
        raise ValueError("secret")

    async def refuse(self) -> None:
        raise HubException("Not today.") from ValueError("secret")

    @requires(role="admin")
    async def delete_all(self) -> bool:
        return True

    def sync(self, number: int) -> int:
        return number + 1

    async def answer_with_an_object(self) -> object:
        return object()


@pytest.fixture(autouse=True)
def connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, CONNECTION)


def functions(*blueprints: func.Blueprint) -> dict[str, Function]:
    """Return what the worker finds in an app with these blueprints."""
    app = FunctionApp()
    for blueprint in blueprints:
        app.register_functions(blueprint)
    return {str(function.get_function_name()): function for function in app.get_functions()}


def trigger(function: Function) -> dict[str, Any]:
    """Return the one binding of a function as the host reads it."""
    [binding] = function.get_raw_bindings()
    found: dict[str, Any] = json.loads(binding)
    return found


# The name of the hub.


def test_hub_is_called_like_its_class_in_lower_case() -> None:
    class NewsRoom(ServerlessHub):
        pass

    assert NewsRoom.hub_name == "newsroom"


def test_hub_may_have_a_name_of_its_own() -> None:
    class NewsRoom(ServerlessHub, hub="News_Room.1"):
        pass

    assert NewsRoom.hub_name == "News_Room.1"


def test_hub_uses_the_setting_of_all_bindings() -> None:
    assert Chat.connection_setting == SETTING


def test_hub_may_use_a_setting_of_its_own() -> None:
    class Other(ServerlessHub, connection="Other"):
        pass

    assert (Other.connection_setting, ServerlessHub.connection_setting) == ("Other", SETTING)


def test_setting_of_the_base_class_holds() -> None:
    class Base(ServerlessHub, connection="Other"):
        pass

    class Sub(Base):
        pass

    assert Sub.connection_setting == "Other"


def name_with_a_blank() -> type[ServerlessHub[Any]]:
    class Hub(ServerlessHub, hub="my chat"):
        pass

    return Hub


def name_that_starts_with_a_digit() -> type[ServerlessHub[Any]]:
    class Hub(ServerlessHub, hub="1st"):
        pass

    return Hub


def name_that_is_empty() -> type[ServerlessHub[Any]]:
    class Hub(ServerlessHub, hub=""):
        pass

    return Hub


def name_that_is_too_long() -> type[ServerlessHub[Any]]:
    class Hub(ServerlessHub, hub="x" * 129):
        pass

    return Hub


@pytest.mark.parametrize(
    ("define", "name"),
    [
        pytest.param(name_with_a_blank, "my chat", id="blank"),
        pytest.param(name_that_starts_with_a_digit, "1st", id="digit-first"),
        pytest.param(name_that_is_empty, "", id="empty"),
        pytest.param(name_that_is_too_long, "x" * 129, id="long"),
    ],
)
def test_hub_with_a_name_that_the_service_refuses_is_refused(define: Define, name: str) -> None:
    with pytest.raises(ValueError, match=f"^the hub name '{name}' is not valid: "):
        define()


def test_unknown_keyword_of_the_class_is_refused() -> None:
    with pytest.raises(TypeError):

        class Hub(ServerlessHub, route="x"):
            pass


# The interface of the clients.


def test_clients_have_the_methods_of_their_interface() -> None:
    assert callable(Chat().clients.all.new_message)


def test_clients_without_an_interface_are_sent_anything() -> None:
    class Hub(ServerlessHub):
        pass

    assert callable(Hub().clients.all.send)


def test_interface_of_the_base_class_holds() -> None:
    class Sub(Chat):
        pass

    assert callable(Sub().clients.all.new_message)


class Base[T](ServerlessHub[T]):
    async def ping(self) -> None: ...


def test_interface_may_be_named_to_a_generic_base_class() -> None:
    class Sub(Base[ChatClient], hub="sub"):
        pass

    assert callable(Sub().clients.all.new_message)


def test_interface_may_be_named_to_one_of_several_base_classes() -> None:
    class Mixin:
        pass

    class Sub(Mixin, ServerlessHub[ChatClient], hub="sub"):
        pass

    assert callable(Sub().clients.all.new_message)


def test_interface_that_is_no_class_is_refused() -> None:
    with pytest.raises(TypeError, match="ChatClient"):

        class Sub(ServerlessHub["ChatClient"]):
            pass


def test_interface_that_cannot_be_sent_is_refused_with_the_class() -> None:
    class Sync(Protocol):
        def new_message(self) -> None: ...

    with pytest.raises(TypeError, match=r"^Sync\.new_message must be async"):

        class Sub(ServerlessHub[Sync]):
            pass


# The functions.


def test_every_event_is_a_function_named_after_hub_and_method() -> None:
    assert set(functions(Chat().blueprint)) == {
        "chat_connected",
        "chat_disconnected",
        "chat_send_to_group",
        "chat_named",
        "chat_fail",
        "chat_refuse",
        "chat_delete_all",
        "chat_sync",
        "chat_answer_with_an_object",
    }


@pytest.mark.parametrize(
    ("name", "category", "event"),
    [
        ("chat_connected", "connections", "connected"),
        ("chat_disconnected", "connections", "disconnected"),
        ("chat_send_to_group", "messages", "sendToGroup"),
        ("chat_named", "messages", "Exactly-This"),
        ("chat_sync", "messages", "sync"),
    ],
)
def test_function_is_triggered_by_its_event(name: str, category: str, event: str) -> None:
    assert trigger(functions(Chat().blueprint)[name]) == {
        "direction": "IN",
        "type": "signalRTrigger",
        "name": "invocation",
        "hubName": "chat",
        "category": category,
        "event": event,
        "connectionStringSetting": SETTING,
    }


class Odd(ServerlessHub, hub="My.Hub[1]", connection="Other"):
    async def send(self) -> None: ...


def test_trigger_has_hub_and_setting_of_the_class() -> None:
    [function] = functions(Odd().blueprint).values()
    binding = trigger(function)
    assert (binding["hubName"], binding["connectionStringSetting"]) == ("My.Hub[1]", "Other")


def test_name_of_a_function_is_one_that_the_host_accepts() -> None:
    [name] = functions(Odd().blueprint)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,127}", name)


@pytest.mark.parametrize("make", [Chat, Odd])
def test_functions_are_called_the_same_every_time(make: Callable[[], ServerlessHub[Any]]) -> None:
    assert list(functions(make().blueprint)) == list(functions(make().blueprint))


def test_blueprint_is_one_and_the_same() -> None:
    chat = Chat()
    assert chat.blueprint is chat.blueprint


def test_blueprint_takes_other_functions_too() -> None:
    blueprint = Chat().blueprint

    @blueprint.route("negotiate")
    def negotiate(req: func.HttpRequest) -> func.HttpResponse:
        raise NotImplementedError

    assert "negotiate" in functions(blueprint)


def test_hub_without_events_has_no_functions() -> None:
    class Quiet(ServerlessHub):
        pass

    app = FunctionApp()
    app.register_functions(Quiet().blueprint)
    assert app.get_functions() == []


def test_two_hubs_may_have_the_same_events() -> None:
    class One(ServerlessHub):
        async def send(self) -> None: ...

    class Two(ServerlessHub):
        async def send(self) -> None: ...

    assert set(functions(One().blueprint, Two().blueprint)) == {"one_send", "two_send"}


def test_same_hub_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="both listen to hub 'chat'"):
        functions(Chat().blueprint, Chat().blueprint)


def test_event_that_another_function_has_is_refused() -> None:
    blueprint = Blueprint()

    @blueprint.signalr_trigger("invocation", hub="chat", event="sendToGroup")
    def other(invocation: SignalRInvocationContext) -> None: ...

    with pytest.raises(ValueError, match="other and chat_send_to_group both listen to hub 'chat'"):
        functions(blueprint, Chat().blueprint)


def test_function_has_the_docstring_of_its_method() -> None:
    function = functions(Chat().blueprint)["chat_send_to_group"].get_user_function()
    assert inspect.getdoc(function) == "Send to a group."


@pytest.mark.parametrize("name", ["chat_connected", "chat_send_to_group", "chat_sync"])
def test_worker_accepts_the_function(name: str) -> None:
    meta.load_binding_registry()
    function = functions(Chat().blueprint)[name]
    assert Registry().add_indexed_function(function, protos).func is function.get_user_function()


# The calls.


def delivered(event: str, *arguments: object, category: str = "messages", claims: str = "") -> str:
    """Return what the trigger binding delivers."""
    headers = {"X-ASRS-User-Claims": claims} if claims else {}
    return json.dumps(
        {
            "Arguments": arguments,
            "Error": None,
            "Category": category,
            "Event": event,
            "Hub": "chat",
            "ConnectionId": "c1",
            "UserId": "ann",
            "Headers": headers,
            "Query": None,
            "Claims": None,
        }
    )


async def run(hub: ServerlessHub[Any], method: str, *arguments: object, **options: Any) -> object:
    """Call a method of a hub as the worker calls its function."""
    function: Any = functions(hub.blueprint)[f"{hub.hub_name}_{method}"].get_user_function()
    return await function(invocation=delivered(method, *arguments, **options))


async def test_call_is_answered_with_what_the_method_returns() -> None:
    assert await run(Chat(), "send_to_group", "g", "hi") == "g: hi"


async def test_method_learns_who_calls() -> None:
    assert await run(Chat(), "named") == ["ann", "c1"]


async def test_sync_method_is_answered_too() -> None:
    assert await run(Chat(), "sync", 1) == 2


async def test_wrong_call_is_told_what_fits() -> None:
    message = r"^sendToGroup\(groupName: string, text: string\) was called with 1 argument\.$"
    with pytest.raises(HubException, match=message):
        await run(Chat(), "send_to_group", "g")


async def test_hub_exception_reaches_the_caller() -> None:
    with pytest.raises(HubException, match=r"^Not today\.$"):
        await run(Chat(), "refuse")


async def test_other_exception_reaches_the_caller_as_a_general_sentence() -> None:
    with pytest.raises(HubException, match=r"^fail failed on the server\.$"):
        await run(Chat(), "fail")


async def test_result_that_cannot_be_sent_is_told_as_a_general_sentence() -> None:
    # Left to the worker, it would fail there, and the caller would see the worker's traceback.
    with pytest.raises(HubException, match=r"^answerWithAnObject failed on the server\.$"):
        await run(Chat(), "answer_with_an_object")


@pytest.mark.parametrize("method", ["fail", "refuse", "answer_with_an_object"])
async def test_caller_sees_neither_traceback_nor_cause(method: str) -> None:
    with pytest.raises(HubException) as raised:
        await run(Chat(), method)
    error = raised.value
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    assert shown.count("\n") == 1


async def test_other_exception_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "serverless_signalr"), pytest.raises(HubException):
        await run(Chat(), "fail")
    assert "ValueError: secret" in caplog.text


async def test_hub_exception_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(HubException):
        await run(Chat(), "refuse")
    assert [record for record in caplog.records if record.name == "serverless_signalr"] == []


async def test_caller_with_the_role_may_call() -> None:
    assert await run(Chat(), "delete_all", claims="name: ann, role: user, role: admin") is True


@pytest.mark.parametrize("claims", ["", "role: user", "name: admin"])
async def test_caller_without_the_role_may_not_call(claims: str) -> None:
    with pytest.raises(HubException, match=r"^deleteAll is not allowed: it requires the role admin\.$"):
        await run(Chat(), "delete_all", claims=claims)


@pytest.mark.parametrize("method", ["connected", "disconnected"])
async def test_exception_of_a_connection_stays_what_it_is(method: str) -> None:
    class Broken(ServerlessHub, hub="chat"):
        async def connected(self) -> None:
            raise ValueError("broken")

        async def disconnected(self) -> None:
            raise ValueError("broken")

    with pytest.raises(ValueError, match=r"^broken$"):
        await run(Broken(), method, category="connections")


async def test_cancelled_call_is_cancelled() -> None:
    started = asyncio.Event()

    class Slow(ServerlessHub, hub="chat"):
        async def wait(self) -> None:
            started.set()
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(run(Slow(), "wait"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_filters_surround_messages_and_connections() -> None:
    seen: list[str] = []

    async def note(invocation: SignalRInvocationContext, call: Call) -> object:
        seen.append(f"{invocation.category}/{invocation.event}")
        return await call()

    class Noted(ServerlessHub, hub="chat"):
        filters = (note,)

        async def connected(self) -> None: ...
        async def send(self) -> None: ...

    hub = Noted()
    await run(hub, "connected", category="connections")
    await run(hub, "send")
    assert seen == ["connections/connected", "messages/send"]


async def test_exception_of_a_filter_reaches_the_caller_as_a_general_sentence() -> None:
    async def fail(invocation: SignalRInvocationContext, call: Call) -> object:
        raise ValueError("secret")

    class Filtered(ServerlessHub, hub="chat"):
        filters = (fail,)

        async def send(self) -> None: ...

    with pytest.raises(HubException, match=r"^send failed on the server\.$"):
        await run(Filtered(), "send")


async def test_call_does_not_need_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    assert await run(Chat(), "send_to_group", "g", "hi") == "g: hi"


# Negotiation.


def claims_of(token: str) -> dict[str, Any]:
    """Return what a token says, once the service has accepted it."""
    found: dict[str, Any] = jwt.decode(token, KEY, algorithms=["HS256"], audience=AUDIENCE)
    return found


async def negotiated(**options: Any) -> dict[str, Any]:
    return claims_of((await Chat().negotiate(**options)).access_token)


async def test_client_is_sent_to_the_service() -> None:
    assert (await Chat().negotiate()).url == AUDIENCE


async def test_anonymous_token_says_nothing_of_a_user() -> None:
    assert set(await negotiated()) == {"aud", "iat", "nbf", "exp"}


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        pytest.param({}, 3600, id="default"),
        pytest.param({"lifetime": timedelta(minutes=5)}, 300, id="given"),
    ],
)
async def test_token_lives_for_its_lifetime(options: dict[str, Any], seconds: int) -> None:
    claims = await negotiated(**options)
    assert claims["exp"] - claims["nbf"] == seconds


@pytest.mark.parametrize(
    "user_id",
    [
        "ann",
        "Zoë 群",
        "ann@contoso.com",
        "contoso\\ann",
        "CN=bob, OU=x",
        "CN=bob,OU=x,DC=contoso",
        "Doe, Jane",
        "a: b",
        "a:b,c:d",
        ",",
    ],
)
async def test_user_id_is_in_the_token(user_id: str) -> None:
    assert (await negotiated(user_id=user_id))["asrs.s.uid"] == user_id


@pytest.mark.parametrize(
    "user_id",
    [
        pytest.param("x, role: admin", id="claim"),
        pytest.param("x,role: admin", id="without-a-blank"),
        pytest.param("x, y, role: admin", id="after-another-comma"),
        pytest.param(", role: admin", id="alone"),
        pytest.param("a: b, role: admin", id="after-what-is-dropped"),
        pytest.param("x, user: admin", id="claim-user"),
        pytest.param("x, a: b, a: c", id="two-values"),
        pytest.param("x\r\nX-ASRS-User-Claims:role", id="header"),
        pytest.param("x\n", id="line-end"),
    ],
)
async def test_user_id_that_would_pass_for_a_claim_is_refused(user_id: str) -> None:
    with pytest.raises(ValueError, match=r"^the user id "):
        await Chat().negotiate(user_id=user_id)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"name": "Ann"}, id="one"),
        pytest.param({"name": "Ann", "role": ["admin", "auditor"]}, id="several-values"),
        pytest.param({"https://contoso.com/claims/x": "a:b=c;d"}, id="url"),
        pytest.param({"role": []}, id="none"),
        pytest.param({"name": "Zoë 群"}, id="not-ascii"),
    ],
)
async def test_claims_are_in_the_token(claims: dict[str, Any]) -> None:
    found = await negotiated(claims=claims)
    assert {name: found[name] for name in claims} == claims


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        pytest.param({"name": "x, role: admin"}, "name", id="claim-in-a-value"),
        pytest.param({"name": "Doe, Jane"}, "name", id="comma"),
        pytest.param({"name": ["fine", "a, b"]}, "name", id="comma-in-one-of-several"),
        pytest.param({"name": "a: b"}, "name", id="colon-and-blank"),
        pytest.param({"name": "x "}, "name", id="blank-behind"),
        pytest.param({"name": ""}, "name", id="empty-value"),
        pytest.param({"a, role": "admin"}, "a, role", id="comma-in-a-type"),
        pytest.param({"a: b": "x"}, "a: b", id="colon-in-a-type"),
        pytest.param({" role": "x"}, " role", id="blank-before-a-type"),
        pytest.param({"name": "x\r\nX-ASRS-User-Id:admin"}, "name", id="header"),
        pytest.param({"name": "a\nb"}, "name", id="line-end"),
    ],
)
async def test_claim_that_would_arrive_as_another_is_refused(claims: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f"^the claim {name} cannot be carried: "):
        await Chat().negotiate(claims=claims)


@pytest.mark.parametrize("name", ["asrs.s.uid", "asrs.s.aeo", "asrs.u.role"])
async def test_claim_of_the_service_itself_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^the claim {re.escape(name)} "):
        await Chat().negotiate(claims={name: "admin"})


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        pytest.param({"user_id": " ann"}, ValueError, "blanks at an end", id="blank-before"),
        pytest.param({"user_id": ""}, ValueError, "the user id is empty", id="empty"),
        pytest.param({"claims": {"sub": "admin"}}, ValueError, "names another", id="sub"),
        pytest.param({"user_id": "ann", "claims": {"nameid": "admin"}}, ValueError, "another", id="nameid"),
        pytest.param({"claims": {"tenant": 5}}, TypeError, "the claim tenant is a int", id="number"),
        pytest.param({"lifetime": timedelta(0)}, ValueError, "the lifetime of a token is 0", id="no-time"),
        pytest.param({"lifetime": 60, "close_on_expiry": True}, TypeError, "a timedelta", id="seconds"),
    ],
)
async def test_negotiation_that_would_mislead_is_refused(
    options: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=reason):
        await Chat().negotiate(**options)


async def test_claim_with_a_meaning_in_the_token_is_prefixed() -> None:
    assert (await negotiated(claims={"iss": "mine"}))["asrs.u.iss"] == "mine"


async def test_claims_of_the_caller_are_left_as_they_are() -> None:
    claims = {"name": "Ann"}
    await Chat().negotiate(claims=claims, close_on_expiry=True, detailed_errors=True)
    assert claims == {"name": "Ann"}


async def test_connection_may_end_with_its_token() -> None:
    claims = await negotiated(close_on_expiry=True, lifetime=timedelta(minutes=5))
    assert claims["asrs.s.coae"] == "true"
    assert abs(int(claims["asrs.s.aeo"]) - claims["exp"]) <= 1


async def test_connection_may_be_told_details() -> None:
    assert (await negotiated(detailed_errors=True))["asrs.s.derror"] == "true"


@pytest.mark.parametrize("name", ["asrs.s.coae", "asrs.s.aeo", "asrs.s.derror"])
async def test_connection_is_told_nothing_it_was_not_asked_for(name: str) -> None:
    assert name not in await negotiated()


async def test_token_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="characters and may have 4,096: pass fewer claims"):
        await Chat().negotiate(claims={"x": "y" * 4096})


async def test_hub_with_its_own_setting_negotiates_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("Other", CONNECTION.replace("//chat.", "//other."))
    assert (await Odd().negotiate()).url == "https://other.service.signalr.net/client/?hub=my.hub[1]"


async def test_browsers_are_sent_to_the_endpoint_for_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, f"{CONNECTION}ClientEndpoint=https://proxy.contoso.com;")
    info = await Chat().negotiate()
    assert info.url == "https://proxy.contoso.com/client/?hub=chat"
    assert claims_of(info.access_token)["aud"] == AUDIENCE


async def test_setting_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    with pytest.raises(ConnectionStringError, match=f"^the app setting {SETTING} is not set"):
        await Chat().negotiate()


async def test_setting_that_is_wrong_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "Endpoint=https://chat.service.signalr.net;AccessKey=;Version=1.0;")
    with pytest.raises(ConnectionStringError) as raised:
        await Chat().negotiate()
    assert str(raised.value) == (
        f"the app setting {SETTING} is wrong: AccessKey in the connection string is empty"
    )


def test_managers_of_a_hub_without_a_setting_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    with pytest.raises(ConnectionStringError, match=f"^the app setting {SETTING} is not set"):
        _ = Chat().clients


@pytest.mark.parametrize("name", ["clients", "groups", "user_groups", "client_manager", "service"])
def test_manager_is_made_once(name: str) -> None:
    chat = Chat()
    assert getattr(chat, name) is getattr(chat, name)
