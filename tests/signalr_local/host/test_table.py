"""The table of functions: which are taken up, which are refused and why, and how they are found."""

from typing import Any

import pytest

from signalr_local.host.functions import Function
from signalr_local.host.settings import Settings
from signalr_local.host.table import FunctionTable

SETTINGS = {
    "AzureSignalRConnectionString": "Endpoint=http://localhost;AccessKey=k",
    "Broken": "https://chat.service.signalr.net",
    "HUB": "chat",
}


def http(name: str, route: str | None = None, methods: list[str] | None = None, **trigger: Any) -> Function:
    binding = {"type": "httpTrigger", "direction": "IN", "name": "req", **trigger}
    if route is not None:
        binding["route"] = route
    if methods is not None:
        binding["methods"] = methods
    return Function(name, name, binding)


def event(
    name: str, event: str = "send", category: str = "messages", hub: str = "chat", **trigger: Any
) -> Function:
    binding = {
        "type": "signalRTrigger",
        "direction": "IN",
        "name": "invocation",
        "hubName": hub,
        "category": category,
        "event": event,
        **trigger,
    }
    return Function(name, name, binding)


def build(*functions: Function, prefix: str = "api", **settings: str) -> FunctionTable:
    return FunctionTable.build(functions, prefix, Settings({**SETTINGS, **settings}))


def test_a_function_is_read_from_what_the_worker_lists() -> None:
    trigger = {"type": "httpTrigger", "direction": "IN", "name": "req", "methods": ["get"]}
    info = {"type": "signalRConnectionInfo", "direction": "IN", "name": "info"}
    answer = {"type": "http", "direction": "OUT", "name": "$return"}
    item = {"id": "1", "name": "negotiate", "bindings": [answer, info, trigger]}
    function = Function.from_metadata(item)
    assert function == Function("1", "negotiate", trigger, (info,), (answer,))
    assert function.is_http
    assert not function.is_signalr
    assert function.route == "negotiate"
    assert function.methods == ["GET"]


def test_types_of_bindings_have_no_case() -> None:
    function = Function.from_metadata(
        {"id": "1", "name": "a", "bindings": [{"type": "SIGNALRTRIGGER", "direction": "in", "name": "i"}]}
    )
    assert function.is_signalr


def test_functions_come_in_the_order_of_their_names() -> None:
    table = build(http("b"), event("C"), http("A"))
    assert [function.name for function in table.functions] == ["A", "b", "C"]


def test_the_first_route_in_the_order_of_names_wins() -> None:
    table = build(http("zero", "items/new"), http("any", "items/{id}"))
    found = table.by_request("/api/items/new", "GET")
    assert found is not None
    assert (found[0].name, found[1]) == ("any", {"id": "new"})


def test_a_request_goes_to_the_function_that_has_its_method() -> None:
    table = build(http("read", "item", ["GET"]), http("write", "item", ["POST"]))
    for method, name in (("GET", "read"), ("POST", "write")):
        found = table.by_request("/api/item", method)
        assert found is not None
        assert found[0].name == name
    assert table.by_request("/api/item", "PUT") is None


@pytest.mark.parametrize(
    ("prefix", "route", "path"),
    [
        ("api", "a", "/api/a"),
        ("", "a", "/a"),
        ("", "/", "/"),
        ("", "{*rest}", "/"),
        ("v1/api", "a", "/v1/api/a"),
        ("api", None, "/api/name"),
    ],
)
def test_the_prefix_comes_before_the_route(prefix: str, route: str | None, path: str) -> None:
    assert build(http("name", route), prefix=prefix).by_request(path, "GET") is not None


@pytest.mark.parametrize(
    "key", [("chat", "messages", "send"), ("CHAT", "Messages", "SEND")], ids=["as-declared", "other-case"]
)
def test_an_event_is_found_whatever_its_case(key: tuple[str, str, str]) -> None:
    function = build(event("a", "Send", hub="Chat")).by_event(*key)
    assert function is not None
    assert function.name == "a"


def test_hub_and_event_may_be_settings() -> None:
    table = build(event("a", "%EVENT%", "%CATEGORY%", "%HUB%"), EVENT="Connected", CATEGORY="Connections")
    assert table.events == [("chat", "connections", "connected")]


def test_an_event_that_nobody_listens_to_has_no_function() -> None:
    assert build(event("a")).by_event("other", "messages", "send") is None


@pytest.mark.parametrize("name", ["a", "Z9", "get_all", "get-all", "a" * 128])
def test_a_name_is_valid(name: str) -> None:
    assert build(http(name, "route")).errors == {}


@pytest.mark.parametrize("name", ["1a", "_a", "a.b", "a b", "é", "host", "HOST", "a" * 129])
def test_a_name_that_azure_refuses_is_an_error(name: str) -> None:
    table = build(http(name, "route"), http("fine"))
    assert table.errors[name].startswith(f"'{name}' is not a valid function name: it starts with a letter")
    assert [function.name for function in table.functions] == ["fine"]


@pytest.mark.parametrize("name", ["connection_info", "1a", "", "a-b", "$result", "a" * 129])
def test_a_binding_name_that_azure_refuses_is_an_error(name: str) -> None:
    output = {"type": "signalR", "direction": "OUT", "name": name, "hubName": "chat"}
    function = Function("a", "a", http("a").trigger, (), (output,))
    assert (
        build(function)
        .errors["a"]
        .startswith(f"The binding name {name} is invalid. Please assign a valid name to the binding: ")
    )


def test_a_binding_without_a_hub_is_an_error() -> None:
    output = {"type": "signalR", "direction": "OUT", "name": "outbox"}
    table = build(Function("a", "a", http("a").trigger, (), (output,)))
    assert table.errors["a"] == "The signalR binding outbox names no hub (hubName)."


@pytest.mark.parametrize("name", ["outbox", "Outbox2", "$return", "a" * 128])
def test_a_binding_name_is_valid(name: str) -> None:
    output = {"type": "signalR", "direction": "OUT", "name": name, "hubName": "chat"}
    assert build(Function("a", "a", http("a").trigger, (), (output,))).errors == {}


def function_without_trigger() -> Function:
    return Function("a", "a", {})


def function_with_queue() -> Function:
    return Function("a", "a", {"type": "queueTrigger", "direction": "IN", "name": "message"})


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (function_without_trigger(), "The function has no trigger."),
        (
            function_with_queue(),
            "The binding type queueTrigger does not run in the local runtime; the function runs in Azure ",
        ),
        (
            event("a", "joined", "connections"),
            "Event joined is not supported in connections: it is connected or disconnected.",
        ),
        (event("a", ""), "The SignalR trigger has no event."),
        (event("a", hub="1chat"), "the hub name '1chat' is not valid: "),
        (event("a", hub="%MISSING%"), "'%MISSING%' does not resolve to a value."),
        (
            event("a", connectionStringSetting="Other"),
            "the app setting Other is not set, expected the connection string of the service ",
        ),
        (
            event("a", connectionStringSetting="Broken"),
            "the app setting Broken is invalid: it holds an address",
        ),
    ],
)
def test_a_function_that_cannot_run_is_an_error(function: Function, error: str) -> None:
    table = build(function)
    assert table.errors["a"].startswith(error)
    assert table.functions == []
    assert table.events == []


@pytest.mark.parametrize("route", ["admin", "admin/things", "Runtime/webhooks", "/admin"])
def test_routes_of_the_host_are_taken(route: str) -> None:
    table = build(http("a", route), prefix="")
    assert table.errors["a"].startswith("The specified route conflicts with one or more built in routes: ")
    assert build(http("a", route), prefix="v1").errors.keys() == {"a"}


def test_a_function_may_be_called_as_the_host_s_own_routes() -> None:
    assert build(http("admin")).errors == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (http("one", "item"), http("two", "ITEM/")),
        (http("one", "item", ["GET", "PUT"]), http("two", "item", ["PUT"])),
        (http("one", "item", ["GET"]), http("two", "item")),
    ],
    ids=["all-methods", "one-method", "some-of-all"],
)
def test_the_later_of_two_functions_with_one_route_is_an_error(one: Function, other: Function) -> None:
    assert build(other, one).errors == {
        "two": "The route specified conflicts with the route defined by function 'one'."
    }


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        (
            [event("two", "SEND"), event("one")],
            "one and two listen to one event (Duplicated key parameter hub: chat, category: messages, "
            "event: SEND)",
        ),
        (
            [event("a", category="others")],
            "a: Category others is not supported, write connections or messages",
        ),
        ([http("a", "{id")], "The route of a ({id): There is an incomplete parameter in the route template."),
        ([http("a", "/x")], "The route of a (/x): The route template separator character '/' cannot appear"),
        ([http("a", "x?y=1")], "The route of a (x?y=1): The literal section 'x?y=1' is invalid."),
        ([http("a", "x"), http("A", "y")], "The functions a and A differ in case only"),
    ],
)
def test_what_takes_the_whole_app_down_in_azure_is_told(functions: list[Function], message: str) -> None:
    [told] = build(*functions).fatal
    assert told.startswith(message)
    assert told.endswith("In Azure the whole app does not start.")


@pytest.mark.parametrize(
    ("route", "advice"),
    [
        ("/x", 'Write route="x".'),
        ("a//b/", 'Write route="a/b".'),
        ("/", "Leave out the route: the function's name is taken."),
        (
            "/{*route}",
            'Set extensions.http.routePrefix to "" in host.json, or leave out the slash at the beginning.',
        ),
        ("x?y=1", "Leave out the query: functions read it from req.params."),
    ],
)
def test_what_to_write_instead_of_a_route_is_told(route: str, advice: str) -> None:
    [told] = build(http("a", route)).fatal
    assert f" {advice} In Azure" in told


@pytest.mark.parametrize(("prefix", "slim"), [("/api/", "api"), ("api/", "api"), ("/", ""), ("a//b", "a/b")])
def test_a_route_prefix_that_takes_the_whole_app_down_is_told_once(prefix: str, slim: str) -> None:
    [told] = build(http("a", "x"), http("b", "y"), prefix=prefix).fatal
    assert told.startswith(f'The routePrefix in host.json is "{prefix}": The route template separator')
    assert told.endswith(
        f'Write extensions.http.routePrefix: "{slim}". In Azure the whole app does not start.'
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ('["message"]', "parameterNames must be a list of texts, got str"),
        (["message", "MESSAGE"], "Elements in ParameterNames should be ignore case unique."),
    ],
)
def test_parameter_names_are_a_list_without_repetition(names: object, message: str) -> None:
    assert message in build(event("a", parameterNames=names)).errors["a"]


def test_only_the_functions_of_the_list_run() -> None:
    functions = [http("Hello"), http("other")]
    table = FunctionTable.build(functions, "api", Settings(SETTINGS), ("hello", "nosuch"))
    assert ([item.name for item in table.functions], table.left_out) == (["Hello"], ["other"])


@pytest.mark.parametrize("kind", ["fooTrigger", "signalrtriggers"])
def test_a_binding_that_nobody_knows_is_named(kind: str) -> None:
    table = build(Function("a", "a", {"type": kind, "direction": "IN", "name": "x"}))
    assert table.errors["a"].startswith(f"The binding type(s) '{kind}' are not registered.")


@pytest.mark.parametrize(
    ("setting", "value", "disabled"),
    [
        ("AzureWebJobs.a.Disabled", "true", True),
        ("AzureWebJobs.a.Disabled", "1", True),
        ("azurewebjobs.A.disabled", "True", True),
        ("AzureWebJobs_a_Disabled", "true", True),
        ("AzureWebJobs.a.Disabled", "false", False),
        ("AzureWebJobs.a.Disabled", "0", False),
        ("AzureWebJobs.b.Disabled", "true", False),
    ],
)
def test_a_setting_disables_a_function(setting: str, value: str, disabled: bool) -> None:
    table = build(http("a"), **{setting: value})
    assert table.disabled == (["a"] if disabled else [])
    assert (table.by_request("/api/a", "GET") is None) == disabled


def test_a_disabled_function_leaves_its_route_to_another() -> None:
    table = build(http("a", "item"), http("b", "item"), **{"AzureWebJobs.a.Disabled": "1"})
    found = table.by_request("/api/item", "GET")
    assert found is not None
    assert found[0].name == "b"
    assert table.errors == {}
