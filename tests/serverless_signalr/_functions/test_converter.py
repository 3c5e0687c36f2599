"""Values of a SignalR trigger as the worker carries them."""

import json
from datetime import date
from typing import Any

import azure.functions as func
import pytest
from azure.functions.meta import Datum

from serverless_signalr._functions import converter


@pytest.fixture
def registered() -> Any:
    converter.register()
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    return registry.get(converter.TRIGGER_TYPE)


@pytest.mark.parametrize(
    ("value", "kind", "encoded"),
    [
        pytest.param(None, None, None, id="none"),
        pytest.param("text", "string", "text", id="str"),
        pytest.param("half \ud83d", "string", "half \ufffd", id="half-an-emoji"),
        pytest.param(["half \ud83d"], "json", '["half \\ufffd"]', id="half-an-emoji-within"),
        pytest.param(b"\x00", "bytes", b"\x00", id="bytes"),
        pytest.param(True, "json", "true", id="true"),
        pytest.param(False, "json", "false", id="false"),
        pytest.param(1, "json", "1", id="int"),
        pytest.param(1.5, "json", "1.5", id="float"),
        pytest.param([1, None], "json", "[1, null]", id="list"),
        pytest.param({"a": True}, "json", '{"a": true}', id="dict"),
        pytest.param(date(2026, 2, 3), "json", '"2026-02-03"', id="date"),
    ],
)
def test_returned_value_keeps_its_type(registered: Any, value: object, kind: str, encoded: object) -> None:
    datum = registered.encode(value, expected_type=None)
    assert (datum.type, datum.value) == (kind, encoded)


def test_event_is_delivered_as_it_came(registered: Any) -> None:
    text = json.dumps({"Hub": "chat"})
    assert registered.decode(Datum(text, "json"), trigger_metadata={}) == text


def test_return_value_needs_no_binding(registered: Any) -> None:
    assert registered.has_implicit_output()


@pytest.mark.parametrize(
    ("annotation", "accepted"), [(str, True), (bytes, True), (dict, False), (int, False)]
)
def test_event_is_text_for_functions_of_the_generic_trigger(
    registered: Any, annotation: type, accepted: bool
) -> None:
    assert registered.check_input_type_annotation(annotation) is accepted


def test_converter_is_registered_once(registered: Any) -> None:
    converter.register()
    registry: Any = func.get_binding_registry()  # type: ignore[no-untyped-call]
    assert registry.get(converter.TRIGGER_TYPE) is registered
