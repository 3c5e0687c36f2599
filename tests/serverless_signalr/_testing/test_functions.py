"""The functions of an app, as a host finds them."""

from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import Blueprint
from serverless_signalr._testing.functions import bindings, functions_of, hub_of
from serverless_signalr.testing import call, fire
from tests.serverless_signalr._testing.apps import Room, room_app


async def test_timer_that_does_not_exist_names_those_that_do() -> None:
    with pytest.raises(LookupError, match="no timer function is named tock; the timer functions are tick"):
        await fire(room_app(), "tock")


async def test_class_in_place_of_a_hub_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Room is a class: pass Room\(\)"):
        await call(Room, "say", "hi")


async def test_what_is_not_an_app_is_refused() -> None:
    with pytest.raises(TypeError, match="not an app"):
        await call("app", "say", "hi")


async def test_event_of_two_hubs_asks_which() -> None:
    class Annex(Room, hub="annex"):
        pass

    app = room_app()
    app.register_functions(Annex())
    with pytest.raises(
        LookupError, match="several hubs have the event say, choose one with hub=…: room, annex"
    ):
        await call(app, "say", "hi")
    assert (await call(app, "say", "hi", hub="annex")).messages[0].hub == "annex"


def app_with(*templates: str) -> Any:
    app = func.FunctionApp()
    for number, template in enumerate(templates):

        def answer(req: func.HttpRequest) -> str:
            return ""

        answer.__name__ = f"f{number}"
        app.route(route=template, methods=["GET"])(answer)
    return app


@pytest.mark.parametrize(
    ("template", "path", "params"),
    [
        ("a/b", "/A/B", {}),
        ("rooms/{name}", "/rooms/a%20b", {"name": "a b"}),
        ("rooms/{name}", "/rooms/a%2Fb", {"name": "a%2Fb"}),
        ("rooms/{id:int}", "/rooms/-7", {"id": "-7"}),
        ("rooms/{id:int}", "/rooms/x", None),
        ("rooms/{id:guid}", "/rooms/8f14e45f-ceea", None),
        ("rooms/{name?}", "/rooms", {}),
        ("rooms/{name=main}", "/rooms/b", {"name": "b"}),
        ("files/{*path}", "/files/a/b.txt", {"path": "a/b.txt"}),
        ("files/{name}.{extension}", "/files/a.txt", {"name": "a", "extension": "txt"}),
        ("rooms", "/rooms/a", None),
    ],
)
def test_route_matches_as_in_the_host(template: str, path: str, params: dict[str, str] | None) -> None:
    functions = functions_of(app_with(template))
    if params is None:
        with pytest.raises(LookupError):
            functions.route("GET", path)
    else:
        assert functions.route("GET", path)[1] == params


def test_text_comes_before_a_parameter_and_a_parameter_before_the_rest() -> None:
    functions = functions_of(app_with("{*rest}", "rooms/{name}", "rooms/main"))
    found = [
        functions.route("GET", path)[0].get_function_name() for path in ("/rooms/main", "/rooms/a", "/b")
    ]
    assert found == ["f2", "f1", "f0"]


def test_function_that_is_added_later_is_found() -> None:
    bp = Blueprint(hub="chat")
    assert functions_of(bp).events == []

    @bp.signalr_trigger()
    def say(text: str) -> None: ...

    assert functions_of(bp).events == ["say"]


def test_names_of_hubs_and_events_may_be_app_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB", "chat")
    monkeypatch.setenv("EVENT", "say")
    bp = Blueprint(hub="%HUB%")

    @bp.signalr_trigger(event="%EVENT%")
    def anything(text: str) -> None: ...

    functions = functions_of(bp)
    assert (functions.hubs, functions.events) == (["chat"], ["say"])
    assert functions.event("SAY", "chat") is not None
    assert functions.event("say", "other") is None


def test_bindings_are_all_but_the_trigger() -> None:
    function = functions_of(room_app()).event("say", None)
    assert function is not None
    assert [(binding.name, hub_of(binding)) for binding in bindings(function)] == [("outbox", "room")]


def test_upstream_of_a_hub_is_found_by_its_name() -> None:
    functions = functions_of(Room(upstream_route="events"))
    found = functions.upstream_of("ROOM")
    assert found is not None
    assert found.get_function_name() == "room_upstream"
    assert functions.upstream_of("other") is None
    assert functions_of(Room()).upstream is None
