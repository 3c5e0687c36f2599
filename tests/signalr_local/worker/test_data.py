"""Values of bindings: from a frame to the worker library, and back."""

from http.cookies import SimpleCookie
from typing import Any

import pytest
from azure_functions_runtime.bindings.datumdef import Datum

from signalr_local.worker import data

REQUEST = {
    "type": "http",
    "method": "POST",
    "url": "http://localhost:7071/api/a?b=c",
    "headers": {"x-mine": "1"},
    "query": {"b": "c"},
    "params": {},
}


def response(**fields: Any) -> Datum:
    """Return what the worker library makes of an HttpResponse."""
    value: dict[str, Any] = {
        "status_code": Datum("202", "string"),
        "headers": {"content-type": Datum("text/plain", "string")},
        "cookies": None,
        "body": Datum(b"abc", "bytes"),
    }
    return Datum(value | fields, "http")


def cookie(text: str) -> Any:
    jar: Any = SimpleCookie()
    jar.load(text)
    return jar


def test_a_request_has_the_library_s_form() -> None:
    datum = data.to_datum(REQUEST, b"\x00")
    assert datum.type == "http"
    assert (datum.value["method"].value, datum.value["method"].type) == ("POST", "string")
    assert datum.value["url"].value == REQUEST["url"]
    assert {name: item.value for name, item in datum.value["headers"].items()} == {"x-mine": "1"}
    assert {name: item.value for name, item in datum.value["query"].items()} == {"b": "c"}
    assert datum.value["params"] == {}
    assert (datum.value["body"].value, datum.value["body"].type) == (b"\x00", "bytes")


@pytest.mark.parametrize("kind", ["json", "string"])
def test_a_text_stays_one(kind: str) -> None:
    datum = data.to_datum({"type": kind, "value": '{"a": 1}'}, b"ignored")
    assert (datum.value, datum.type) == ('{"a": 1}', kind)


@pytest.mark.parametrize(
    ("datum", "value"),
    [
        (Datum("a", "string"), {"type": "string", "value": "a"}),
        (Datum("", "string"), {"type": "string", "value": ""}),
        (Datum(b"abc", "bytes"), {"type": "bytes", "value": "YWJj"}),
        (Datum('{"a": true}', "json"), {"type": "json", "value": {"a": True}}),
        (Datum({"a": 1}, "dict"), {"type": "json", "value": {"a": 1}}),
        (Datum([1], "list"), {"type": "json", "value": [1]}),
        (Datum(1, "int"), {"type": "json", "value": 1}),
        (Datum(1.5, "double"), {"type": "json", "value": 1.5}),
        (Datum(None, None), None),
        (None, None),
    ],
)
def test_a_value_is_carried(datum: Datum | None, value: dict[str, Any] | None) -> None:
    assert data.from_datum(datum) == (value, b"")


@pytest.mark.parametrize(
    ("datum", "fields", "body"),
    [
        (response(), {}, b"abc"),
        (response(headers={}), {"headers": {}}, b"abc"),
        (response(body=Datum("é", "string")), {}, "é".encode()),
        (response(body=Datum(None, None)), {}, b""),
        (
            response(cookies=[cookie("a=1; Path=/"), cookie("b=2")]),
            {"cookies": ["a=1; Path=/", "b=2"]},
            b"abc",
        ),
    ],
    ids=["plain", "no-headers", "text", "no-body", "cookies"],
)
def test_a_response_is_carried_beside_its_body(datum: Datum, fields: dict[str, Any], body: bytes) -> None:
    header = {"type": "http", "status": 202, "headers": {"content-type": "text/plain"}, "cookies": []}
    assert data.from_datum(datum) == (header | fields, body)


def test_a_value_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(TypeError, match="a binding of the type stream cannot be carried to the host"):
        data.from_datum(Datum(b"", "stream"))
