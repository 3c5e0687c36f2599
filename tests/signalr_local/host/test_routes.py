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
        ("~/api/hello", "/api/hello", {}),
        ("api/hello", "/api/hello/", {}),
        ("api/hello", "/API/Hello", {}),
        ("api/hello", "/api/hello/more", None),
        ("api/hello", "/api/hell", None),
        ("api/a.c", "/api/abc", None),
        ("api/café", "/api/café", {}),
        ("Api/hello", "/aPI/HELLO", {}),
        ("api/hello", "/api/hello/x", None),
        ("api/hello", "/api", None),
        ("", "//", None),
        ("api/hello", "/api/hello//", None),
        ("api/hello", "//api/hello", None),
        ("a/{x?}/y", "/a/y", None),
        ("{a}-{b}.{c?}", "/a-b-c.d", {"a": "a-b", "b": "c", "c": "d"}),
        ("{1x}/{x-y}", "/a/b", {"1x": "a", "x-y": "b"}),
        ("{{b}}", "/{b}", {}),
        ("{x:}", "/5", {"x": "5"}),
        ("{x=}", "/", {"x": ""}),
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
    ("constraint", "fitting", "unfitting"),
    [
        ("int", ["1", "-5", " 5", "2147483647"], ["a", "1.5", "1_000", "2147483648", "9" * 5000]),
        ("long", ["99999999999", "-9223372036854775808"], ["x", "9223372036854775808"]),
        ("bool", ["true", "False", " true"], ["1", "yes"]),
        ("decimal", ["1", "1.5", "1,5"], ["a", "1e5", "79228162514264337593543950336"]),
        ("double", ["1e3", "1,000.5", "NaN"], ["a"]),
        ("float", ["-1.5"], ["a"]),
        (
            "guid",
            ["6f9619ff-8b86-d011-b42d-00c04fc964ff", "6f9619ff8b86d011b42d00c04fc964ff"],
            ["6f9619ff", "6f9619ff-8b86d011-b42d-00cf4fc964ff"],
        ),
        ("alpha", ["abcDEF"], ["a1", "a-b", "é"]),
        ("required", ["a"], []),
        ("length(3)", ["abc"], ["ab", "abcd"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("minlength(2)", ["ab"], ["a"]),
        ("maxlength(2)", ["ab"], ["abc"]),
        ("min(5)", ["5", "6"], ["4", "a", "9" * 5000]),
        ("max(5)", ["5", "-1"], ["6", "a"]),
        ("range(1,3)", ["1", "3"], ["0", "4", "a"]),
        ("regex(^a.c$)", ["abc", "ABC"], ["ab", "xabc"]),
        ("regex(^(users|groups)$)", ["users", "groups"], ["user", "x", "(users"]),
        ("regex((?i:^x(y|z)$))", ["xy", "XZ"], ["x"]),
        ("regex([)", [], ["["]),
        (r"regex(^\d{{3}}$)", ["123"], ["12", "1234"]),
        (
            "datetime",
            ["2026-10-21", "Jan 2 2026", "2 January 2026", "12:30", "2026-01"],
            ["soon", "20260102", "2026-13-01"],
        ),
        ("file", ["a.txt"], ["a"]),
        ("nonfile", ["a"], ["a.txt"]),
        ("INT", ["1"], ["a"]),
        ("int:min(5)", ["5"], ["4", "a", "9" * 5000]),
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
        ("{*rest}/more", "A catch-all parameter can only appear as the last segment"),
        ("{id}/{ID}", "The route parameter name 'ID' appears more than one time"),
        ("{a}-{a}", "The route parameter name 'a' appears more than one time"),
        ("{id:number}", "The constraint entry 'id' - 'number' could not be resolved: there is no constraint"),
        ("{id: int}", "The constraint entry 'id' - ' int' could not be resolved"),
        (
            "{id:length(a)}",
            "The constraint entry 'id' - 'length' could not be resolved: the constraint length",
        ),
        ("{id:range(1)}", "The constraint entry 'id' - 'range' could not be resolved"),
        ("{id:min()}", "The constraint entry 'id' - 'min' could not be resolved"),
        ("{id:int(5)}", "The constraint entry 'id' - 'int' could not be resolved"),
        ("a/{id", "There is an incomplete parameter in the route template."),
        ("a/id}", "There is an incomplete parameter in the route template."),
        ("{a}{", "There is an incomplete parameter in the route template."),
        ("}{a}", "There is an incomplete parameter in the route template."),
        ("{}", "The route parameter name '' is invalid."),
        ("{x*}", "The route parameter name 'x*' is invalid."),
        ("{x/y}", "The route parameter name 'x/y' is invalid."),
        ("{x=5?}", "An optional parameter cannot have default value."),
        ("{*x?}", "A catch-all parameter cannot be marked optional."),
        ("{x}{y}", "A path segment cannot contain two consecutive parameters."),
        ("a-{*x}", "A path segment that contains more than one section"),
        ("{a?}-{b}", "The optional parameter 'a' must be at the end of its segment"),
        ("a//b", "The route template separator character '/' cannot appear consecutively."),
        ("a?b", "The literal section 'a?b' is invalid."),
    ],
)
def test_a_wrong_template_is_named(template: str, message: str) -> None:
    with pytest.raises(RouteError) as raised:
        Route(template)
    assert str(raised.value).startswith(message)


def test_an_empty_list_of_methods_matches_none() -> None:
    assert Route("a", []).match("/a", "GET") is None
