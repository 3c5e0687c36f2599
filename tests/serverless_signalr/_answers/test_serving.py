"""The hub methods and HTTP routes by which clients resume and cancel, on hubs and on blueprints."""

import base64
import json
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr._answers.memory import MemoryAnswerStore
from serverless_signalr._answers.serving import add_answers
from serverless_signalr.bindings import Blueprint, FunctionApp
from serverless_signalr.hub import ServerlessHub
from tests.serverless_signalr._answers.streams import Clients, FakeClock, stream_to
from tests.serverless_signalr._hub import upstream_requests

CLAIMS = base64.b64encode(b'{"auth_typ":"aad","claims":[{"typ":"sub","val":"ann"}]}').decode()


class Chat(ServerlessHub, hub="chat"):
    async def ask(self, text: str) -> str:
        return text


def functions_of(*containers: Any) -> dict[str, Any]:
    app = FunctionApp()
    for container in containers:
        app.register_functions(container)
    return {str(function.get_function_name()): function for function in app.get_functions()}


def bindings_of(functions: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: function.get_trigger().get_dict_repr() for name, function in functions.items()}


def user_of_header(request: func.HttpRequest) -> str | None:
    if request.headers.get("x-bad"):
        raise PermissionError("no")
    user: str | None = request.headers.get("x-user")
    return user


async def request(
    function: Any, answer_id: str, user: str | None = "ann", **params: str
) -> func.HttpResponse:
    headers = {} if user is None else {"x-user": user}
    made = func.HttpRequest(
        "GET", "https://app/api", headers=headers, params=params, route_params={"id": answer_id}, body=b""
    )
    answer: func.HttpResponse = await function.get_user_function()(req=made)
    return answer


async def call(function: Any, event: str, *arguments: object, user: str | None = "ann") -> Any:
    text = json.dumps(
        {
            "Hub": "chat",
            "Category": "messages",
            "Event": event,
            "ConnectionId": "c",
            "UserId": user,
            "Arguments": list(arguments),
        }
    )
    return await function.get_user_function()(invocation=text)


@pytest.fixture(params=["hub", "hub with negotiate before", "hub with negotiate after", "blueprint", "app"])
def functions(request: pytest.FixtureRequest, store: MemoryAnswerStore) -> dict[str, Any]:
    if request.param == "blueprint":
        blueprint = Blueprint(hub="chat")
        add_answers(blueprint, store, user=user_of_header)
        return {f"chat_{name}": each for name, each in functions_of(blueprint).items()}
    if request.param == "app":
        app = FunctionApp(hub="chat")
        add_answers(app, store, user=user_of_header)
        return {f"chat_{each.get_function_name()}": each for each in app.get_functions()}
    hub = Chat()
    if "before" in request.param:
        hub.add_negotiate()
    add_answers(hub, store, user=user_of_header)
    if "after" in request.param:
        hub.add_negotiate()
    return functions_of(hub)


def test_methods_and_routes_are_functions_of_the_app(functions: dict[str, Any]) -> None:
    shown = bindings_of(functions)
    assert shown["chat_resume_answer"]["event"] == "resumeAnswer"
    assert shown["chat_cancel_answer"]["event"] == "cancelAnswer"
    assert shown["chat_resume_answer"]["hubName"] == "chat"
    routes = {(each["route"], tuple(map(str, each["methods"]))) for each in shown.values() if "route" in each}
    assert {("answers/{id}", ("GET",)), ("answers/{id}/cancel", ("POST",))} <= routes


async def test_methods_resume_and_cancel(
    functions: dict[str, Any], clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        await answer.write("One ")
        await time.advance(1)
        found = await call(functions["chat_resume_answer"], "resumeAnswer", "a", 0)
        assert json.loads(found) if isinstance(found, str) else found
        assert (await call(functions["chat_cancel_answer"], "cancelAnswer", "a", user="bob")) in (
            False,
            "false",
        )
        assert (await call(functions["chat_cancel_answer"], "cancelAnswer", "a")) in (True, "true")
        await time.advance(20)
    assert answer.is_cancelled


async def test_routes_resume_and_cancel(
    functions: dict[str, Any], clients: Clients, time: FakeClock, store: MemoryAnswerStore
) -> None:
    resume, cancel = functions_by_route(functions)
    async with stream_to(clients, time, id="a", store=store, owner="ann") as answer:
        await answer.write("One ")
        await time.advance(1)
        found = await request(resume, "a", since="0")
        assert (found.status_code, found.headers["Cache-Control"]) == (200, "no-store")
        assert json.loads(found.get_body())["pieces"][0]["text"] == "One "
        assert (await request(cancel, "a")).status_code == 202
        await time.advance(20)
    assert answer.is_cancelled


@pytest.mark.parametrize(
    ("user", "answer_id", "params", "status"),
    [
        (None, "a", {}, 401),
        ("bob", "a", {}, 404),
        ("ann", "b", {}, 404),
        ("ann", "a b", {}, 400),
        ("ann", "a", {"since": "-1"}, 400),
        ("ann", "a", {"since": "9" * 10}, 400),
        ("ann", "a", {"since": "٣"}, 400),
    ],
)
async def test_route_refuses(
    functions: dict[str, Any],
    clients: Clients,
    time: FakeClock,
    store: MemoryAnswerStore,
    user: str | None,
    answer_id: str,
    params: dict[str, str],
    status: int,
) -> None:
    resume, cancel = functions_by_route(functions)
    async with stream_to(clients, time, id="a", store=store, owner="ann"):
        found = await request(resume, answer_id, user, **params)
        assert found.status_code == status
        assert json.loads(found.get_body())["status"] == status
        assert found.headers["Cache-Control"] == "no-store"
        if not params:
            assert (await request(cancel, answer_id, user)).status_code == status


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"x-ms-client-principal-id": "ann"}, {}),
        ({"x-ms-client-principal": CLAIMS}, {}),
        ({"x-ms-client-principal": CLAIMS, "x-ms-client-principal-id": "ann"}, {}),
        ({"X-User": "ann", "Authorization": "Bearer ann", "Cookie": "user=ann"}, {}),
        ({}, {"user": "ann"}),
    ],
    ids=["id", "claims", "both", "others", "query"],
)
async def test_identity_that_callers_can_make_up_is_none_in_azure(
    store: MemoryAnswerStore, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], query: dict[str, str]
) -> None:
    monkeypatch.setenv("WEBSITE_HOSTNAME", "app.azurewebsites.net")
    monkeypatch.setenv("AZURE_FUNCTIONS_ENVIRONMENT", "Production")
    blueprint = Blueprint(hub="chat")
    add_answers(blueprint, store)
    await store.create("a", "ann", None)
    for function in functions_by_route(functions_of(blueprint)):
        made = func.HttpRequest(
            "GET", "https://app/api", headers=headers, params=query, route_params={"id": "a"}, body=b""
        )
        assert (await function.get_user_function()(req=made)).status_code == 401


async def test_caller_whom_the_app_refuses_is_nobody(functions: dict[str, Any]) -> None:
    resume, _ = functions_by_route(functions)
    made = func.HttpRequest(
        "GET", "https://app/api", headers={"x-bad": "1", "x-user": "ann"}, route_params={"id": "a"}, body=b""
    )
    assert (await resume.get_user_function()(req=made)).status_code == 401


def functions_by_route(functions: dict[str, Any]) -> tuple[Any, Any]:
    by_route = {each.get_trigger().get_dict_repr().get("route"): each for each in functions.values()}
    return by_route["answers/{id}"], by_route["answers/{id}/cancel"]


@pytest.mark.parametrize("negotiates_first", [True, False])
async def test_events_of_a_hub_behind_an_http_upstream_come_through_it(
    store: MemoryAnswerStore, monkeypatch: pytest.MonkeyPatch, negotiates_first: bool
) -> None:
    monkeypatch.setenv(upstream_requests.SETTING, upstream_requests.CONNECTION)
    hub = Chat(upstream_route="upstream")
    if negotiates_first:
        hub.add_negotiate()
    add_answers(hub, store)
    await store.create("a", "ann", None)
    functions = functions_of(hub)
    assert "chat_resume_answer" not in functions
    made = upstream_requests.request_for(
        upstream_requests.call("cancelAnswer", "a"), "cancelAnswer", user_id="ann"
    )
    answer = await functions["chat_upstream"].get_user_function()(req=made)
    assert b'"result":true' in answer.get_body()


def test_two_hubs_have_their_own_methods(store: MemoryAnswerStore) -> None:
    class Other(ServerlessHub, hub="other"):
        pass

    one, two = Chat(), Other()
    add_answers(one, store)
    add_answers(two, store, route="other/answers")
    assert {"chat_resume_answer", "other_resume_answer"} <= set(functions_of(one, two))
    assert Chat()._methods == Chat._methods


def test_hub_that_has_the_method_already_is_refused(store: MemoryAnswerStore) -> None:
    class Own(ServerlessHub, hub="own"):
        async def cancel_answer(self, answer_id: str) -> None: ...

    with pytest.raises(TypeError, match="Own already has the event cancelAnswer"):
        add_answers(Own(), store)


def test_second_time_is_refused(store: MemoryAnswerStore) -> None:
    hub = Chat()
    add_answers(hub, store)
    with pytest.raises(TypeError, match="already has the event resumeAnswer"):
        add_answers(hub, store)


@pytest.mark.parametrize("container", [Chat, object(), None, func.Blueprint])
def test_what_is_no_hub_is_refused(container: Any, store: MemoryAnswerStore) -> None:
    with pytest.raises(TypeError, match="add_answers takes a hub"):
        add_answers(container, store)


def test_route_may_be_left_out_and_moved(store: MemoryAnswerStore) -> None:
    without, moved = Chat(), Chat()
    add_answers(without, store, route=None)
    add_answers(moved, store, route="/v2/replies/")
    assert [each for each in bindings_of(functions_of(without)).values() if "route" in each] == []
    shown = bindings_of(functions_of(moved)).values()
    assert {each["route"] for each in shown if "route" in each} == {
        "v2/replies/{id}",
        "v2/replies/{id}/cancel",
    }


class Purgeable(MemoryAnswerStore):
    purged = 0

    async def purge(self) -> int:
        self.purged += 1
        return 3


async def test_store_that_must_be_cleaned_up_gets_a_timer() -> None:
    store = Purgeable(single_instance=True)
    hub, without = Chat(), Chat()
    add_answers(hub, store, purge="0 0 3 * * *")
    add_answers(without, store, purge=None)
    functions = functions_of(hub)
    assert bindings_of(functions)["chat_answers_purge"]["schedule"] == "0 0 3 * * *"
    await functions["chat_answers_purge"].get_user_function()(timer=None)
    assert store.purged == 1
    assert "chat_answers_purge" not in functions_of(without)
