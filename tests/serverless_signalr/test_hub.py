"""A class as a hub: its name, its functions, and the interface of its clients."""

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function
from azure_functions_runtime.bindings import meta
from azure_functions_runtime.functions import Registry

from serverless_signalr import (
    Blueprint,
    ConnectionStringError,
    FunctionApp,
    SignalRInvocationContext,
)
from serverless_signalr.hub import ServerlessHub
from signalr_local.worker import protos
from tests.serverless_signalr.hubs import SETTING, Chat, ChatClient, functions

pytestmark = pytest.mark.usefixtures("service_setting")

type Define = Callable[[], type[ServerlessHub[Any]]]


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


def test_derived_class_is_the_same_hub_where_that_is_named() -> None:
    class Room(ServerlessHub, hub="chat"):
        pass

    class LoudRoom(Room):
        pass

    class LouderRoom(LoudRoom):
        pass

    assert (LoudRoom.hub_name, LouderRoom.hub_name) == ("chat", "chat")


def test_derived_class_may_name_another_hub() -> None:
    class Room(ServerlessHub, hub="chat"):
        pass

    class OtherRoom(Room, hub="other"):
        pass

    assert (OtherRoom.hub_name, Room.hub_name) == ("other", "chat")


def test_derived_class_of_a_hub_without_a_name_is_called_like_itself() -> None:
    class Room(ServerlessHub):
        pass

    class LoudRoom(Room):
        pass

    assert (Room.hub_name, LoudRoom.hub_name) == ("room", "loudroom")


def test_private_class_can_be_a_base_class() -> None:
    class _Base(ServerlessHub):
        async def send(self) -> None: ...

    class Room(_Base):
        pass

    assert (Room.hub_name, list(functions(Room().blueprint))) == ("room", ["room_send"])


def test_private_class_may_be_a_hub_with_a_name() -> None:
    class _Room(ServerlessHub, hub="chat"):
        pass

    assert _Room().hub_name == "chat"


def test_private_class_without_a_name_cannot_be_used() -> None:
    class _Base(ServerlessHub):
        pass

    with pytest.raises(TypeError, match=r"^_Base is a base class for hubs: derive a hub from it"):
        _Base()


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


def test_keyword_that_belongs_to_the_instance_is_told_so() -> None:
    with pytest.raises(TypeError, match=r"Pub has the keyword upstream_route.*Pub\(upstream_route=…\)"):

        class Pub(ServerlessHub, upstream_route="upstream"): ...


def test_keyword_may_be_that_of_a_mixin() -> None:
    class Painted:
        color = ""

        def __init_subclass__(cls, *, color: str = "", **rest: Any) -> None:
            super().__init_subclass__(**rest)
            cls.color = color

    class Pub(ServerlessHub, Painted, color="red", hub="pub"): ...

    assert (Pub.color, Pub.hub_name) == ("red", "pub")


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

    with pytest.raises(TypeError, match=r"^Sync\.new_message must be a coroutine function"):

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


def test_hub_registers_on_a_plain_function_app() -> None:
    app = func.FunctionApp()
    chat = Chat()
    app.register_functions(chat)  # type: ignore[arg-type]
    names = {function.get_function_name() for function in app.get_functions()}
    assert names == set(functions(Chat().blueprint))


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


# The managers.


def test_managers_of_a_hub_without_a_setting_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SETTING)
    with pytest.raises(ConnectionStringError, match=f"^the app setting {SETTING} is not set"):
        _ = Chat().clients


@pytest.mark.parametrize("name", ["clients", "groups", "user_groups", "client_manager", "service"])
def test_manager_is_made_once(name: str) -> None:
    chat = Chat()
    assert getattr(chat, name) is getattr(chat, name)


def test_hub_may_be_a_frozen_dataclass() -> None:
    @dataclass(frozen=True)
    class Desk(ServerlessHub, hub="desk"):
        name: str

        async def ask(self) -> str:
            return self.name

    assert list(functions(Desk("front").blueprint)) == ["desk_ask"]


def test_class_whose_base_keeps_its_creation_from_the_hub_is_refused() -> None:
    class Base(ServerlessHub, hub="base"):
        def __init_subclass__(cls, **keywords: Any) -> None: ...

    class Sub(Base):
        async def ask(self) -> None: ...

    with pytest.raises(TypeError, match=r"^Sub has no events, .* super\(\).__init_subclass__"):
        FunctionApp().register_functions(Sub())
