"""Routes: which paths a template takes, and the values that it finds in them."""

import pytest

from signalr_local.host.routes import Route, RouteError


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("", "/", {}),
        ("", "/a", None),
        ("api/hello", "/api/hello", {}),
        ("/api/hello/", "/api/hello", {}),
        ("api/hello", "/api/hello/", {}),
        ("api/hello", "/API/Hello", {}),
        ("api/hello", "/api/hello/more", None),
        ("api/hello", "/api/hell", None),
        ("api/a.c", "/api/abc", None),
        ("api/café", "/api/caf%C3%A9", {}),
        ("api/hello", "/api/%68ello", {}),
        ("api/{id}", "/api/7", {"id": "7"}),
        ("api/{id}", "/api", None),
        ("api/{id}", "/api/7/8", None),
        ("api/{ID}", "/API/Ann", {"ID": "Ann"}),
        ("{a}/x/{b}", "/1/x/2", {"a": "1", "b": "2"}),
        ("api/{id?}", "/api/7", {"id": "7"}),
        ("api/{id?}", "/api", {}),
        ("api/{id?}", "/api/", {}),
        ("{id?}", "/", {}),
        ("api/{id=5}", "/api", {"id": "5"}),
        ("api/{id=5}", "/api/6", {"id": "6"}),
        ("api/{id:int=5}", "/api", {"id": "5"}),
        ("api/{year?}/{month?}", "/api/2026", {"year": "2026"}),
        ("{*rest}", "/", {}),
        ("{*rest}", "/a/b", {"rest": "a/b"}),
        ("api/{*rest}", "/api", {}),
        ("api/{**rest}", "/api/a/b", {"rest": "a/b"}),
        ("{from}-{to}", "/a-b", {"from": "a", "to": "b"}),
        ("{from}-{to}", "/a-b-c", {"from": "a-b", "to": "c"}),
        ("{from}-{to}", "/ab", None),
        ("v{version}/x", "/v1/x", {"version": "1"}),
        ("{name}.{ext}", "/a.txt", {"name": "a", "ext": "txt"}),
        ("{name}.{ext?}", "/a.txt", {"name": "a", "ext": "txt"}),
        ("{name}.{ext?}", "/a", {"name": "a"}),
        ("{name}.{ext?}", "/a.b.txt", {"name": "a.b", "ext": "txt"}),
        ("v{number}.{ext?}", "/v1", {"number": "1"}),
    ],
)
def test_a_path_is_matched(template: str, path: str, values: dict[str, str] | None) -> None:
    assert Route(template).match(path, "GET") == values


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("a%20b", "a b"),
        ("a+b", "a+b"),
        ("%C3%A9", "é"),
        ("%ff", "\N{REPLACEMENT CHARACTER}"),
        ("a%2Fb", "a%2Fb"),
        ("a%2fb", "a%2Fb"),
        ("a%252Fb", "a%2Fb"),
        ("a%0Ab", "a\nb"),
        ("%3Fx%23", "?x#"),
    ],
)
@pytest.mark.parametrize("template", ["{value}", "{*value}"])
def test_values_are_decoded_but_for_a_slash(template: str, raw: str, value: str) -> None:
    assert Route(template).match(f"/{raw}", "GET") == {"value": value}


@pytest.mark.parametrize(
    ("constraint", "fitting", "unfitting"),
    [
        ("int", ["1", "-5"], ["a", "1.5", "1_000"]),
        ("long", ["99999999999"], ["x"]),
        ("bool", ["true", "False"], ["1", "yes"]),
        ("decimal", ["1", "1.5"], ["a"]),
        ("double", ["1e3"], ["a"]),
        ("float", ["-1.5"], ["a"]),
        ("guid", ["6f9619ff-8b86-d011-b42d-00c04fc964ff"], ["6f9619ff"]),
        ("alpha", ["abcDEF"], ["a1", "a-b", "é"]),
        ("required", ["a"], []),
        ("length(3)", ["abc"], ["ab", "abcd"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("minlength(2)", ["ab"], ["a"]),
        ("maxlength(2)", ["ab"], ["abc"]),
        ("min(5)", ["5", "6"], ["4", "a"]),
        ("max(5)", ["5", "-1"], ["6", "a"]),
        ("range(1,3)", ["1", "3"], ["0", "4", "a"]),
        ("regex(^a.c$)", ["abc"], ["ab", "xabc"]),
        (r"regex(^\d{{3}}$)", ["123"], ["12", "1234"]),
        ("datetime", ["2026-10-21"], ["soon"]),
        ("file", ["a.txt"], ["a"]),
        ("nonfile", ["a"], ["a.txt"]),
        ("INT", ["1"], ["a"]),
        ("int:min(5)", ["5"], ["4", "a"]),
    ],
)
def test_a_constraint_decides_whether_a_route_matches(
    constraint: str, fitting: list[str], unfitting: list[str]
) -> None:
    route = Route(f"items/{{value:{constraint}}}")
    for text in fitting:
        assert route.match(f"/items/{text}", "GET") == {"value": text}
    for text in unfitting:
        assert route.match(f"/items/{text}", "GET") is None


def test_a_constraint_lets_an_absent_optional_value_be() -> None:
    route = Route("items/{id:int?}")
    assert route.match("/items", "GET") == {}
    assert route.match("/items/a", "GET") is None


@pytest.mark.parametrize(
    ("methods", "method", "matches"),
    [
        (None, "GET", True),
        (None, "OPTIONS", True),
        (["GET"], "GET", True),
        (["get"], "GET", True),
        (["GET", "POST"], "POST", True),
        (["GET"], "POST", False),
        (["GET"], "HEAD", False),
    ],
)
def test_methods_restrict_a_route_that_lists_them(
    methods: list[str] | None, method: str, matches: bool
) -> None:
    assert (Route("a", methods).match("/a", method) is not None) == matches


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{*rest}/more", "the catch-all {*rest} must be the last segment of {*rest}/more"),
        ("{id}/{id}", "the route {id}/{id} has the parameter id twice"),
        ("{a}-{a}", "the route {a}-{a} has the parameter a twice"),
        ("{id:number}", "the route {id:number} has an unknown constraint: number"),
        ("a/{id", "the route a/{id has a segment that is no template: {id"),
        ("a/id}", "the route a/id} has a segment that is no template: id}"),
        ("{}", "the route {} has a segment that is no template: {}"),
        ("{a}{", "the route {a}{ has a segment that is no template: {a}{"),
        ("}{a}", "the route }{a} has a segment that is no template: }{a}"),
        ("{1a}", "the route {1a} has a segment that is no template: {1a}"),
        ("{user-id}", "the route {user-id} has a segment that is no template: {user-id}"),
        ("{id:regex([)}", "the route {id:regex([)} has a regex that is none: ["),
    ],
)
def test_a_wrong_template_is_named(template: str, message: str) -> None:
    with pytest.raises(RouteError) as raised:
        Route(template)
    assert str(raised.value).startswith(message)
