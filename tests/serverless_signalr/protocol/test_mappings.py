"""Read-only mappings: looked up in any case, and quiet about credentials."""

import copy
import json
import logging
import pickle
from typing import Any

import pytest

from serverless_signalr.protocol.mappings import CaseInsensitiveMapping, ReadOnlyMapping

TOKEN = "eyJhbGciOi"
QUERY = CaseInsensitiveMapping({"hub": "chat", "id": "secret-id", "access_token": TOKEN})


@pytest.mark.parametrize("name", ["X-Name", "x-name", "X-NAME"])
def test_a_value_is_found_in_any_case(name: str) -> None:
    mapping = CaseInsensitiveMapping({"X-Name": "1"})
    assert (mapping[name], mapping.get(name), name in mapping) == ("1", "1", True)


@pytest.mark.parametrize("name", ["other", None, 1])
def test_an_absent_name_is_absent(name: Any) -> None:
    assert (name in QUERY, QUERY.get(name)) == (False, None)
    with pytest.raises(KeyError):
        QUERY[name]


def test_names_are_listed_as_they_were_given() -> None:
    assert list(CaseInsensitiveMapping({"X-Name": "1", "other": "2"})) == ["X-Name", "other"]


def test_values_of_one_name_are_joined_whatever_its_case() -> None:
    mapping = CaseInsensitiveMapping([("a", "1"), ("A", "3"), ("b", "")])
    assert (len(mapping), mapping["a"], mapping["b"]) == (2, "1,3", "")


@pytest.mark.parametrize(
    ("other", "is_equal"),
    [
        ({"x": "1"}, True),
        (CaseInsensitiveMapping({"X": "1"}), True),
        ({"X": "2"}, False),
        ({}, False),
        (1, False),
    ],
)
def test_mappings_compare_without_regard_to_case(other: object, is_equal: bool) -> None:
    assert (CaseInsensitiveMapping({"X": "1"}) == other) is is_equal


@pytest.mark.parametrize("mapping", [QUERY, ReadOnlyMapping({"role": ("a",)})], ids=["texts", "claims"])
def test_a_mapping_cannot_be_changed(mapping: Any) -> None:
    with pytest.raises(TypeError):
        mapping["role"] = ("admin",)
    with pytest.raises(TypeError):
        del mapping["role"]


@pytest.mark.parametrize("mapping", [QUERY, ReadOnlyMapping({"role": ("a",)})], ids=["texts", "claims"])
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_a_mapping_can_be_copied(mapping: Any, copied: Any) -> None:
    assert copied(mapping) == mapping


def test_a_mapping_does_not_follow_what_it_was_made_of() -> None:
    items = {"role": ("a",)}
    mapping = ReadOnlyMapping(items)
    items["role"] = ("admin",)
    assert mapping == {"role": ("a",)}


@pytest.mark.parametrize(
    "name", ["access_token", "Access_Token", "id", "Authorization", "X-ASRS-Client-Query"]
)
@pytest.mark.parametrize(
    "shown",
    [
        repr,
        str,
        lambda mapping: f"{mapping} {mapping!r}",
        lambda mapping: repr(dict(mapping)),
        lambda mapping: repr({**mapping}),
        lambda mapping: repr(list(mapping.items())),
        lambda mapping: repr(tuple(mapping.values())),
        lambda mapping: repr(copy.deepcopy(mapping)),
        lambda mapping: repr(dict(pickle.loads(pickle.dumps(mapping)))),
    ],
)
def test_a_credential_is_not_shown(name: str, shown: Any) -> None:
    text = shown(CaseInsensitiveMapping({name: TOKEN, "hub": "chat"}))
    assert TOKEN not in text
    assert "chat" in text


def test_a_credential_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("app").warning("%s %r %s", QUERY, QUERY, dict(QUERY))
    assert TOKEN not in caplog.text
    assert "secret-id" not in caplog.text


def test_a_credential_is_there_for_whoever_asks_for_it() -> None:
    assert QUERY["access_token"] == TOKEN
    assert json.loads(json.dumps(dict(QUERY)))["access_token"] == TOKEN


def test_a_lone_name_error_does_not_show_values() -> None:
    with pytest.raises(KeyError) as raised:
        QUERY["token"]
    assert TOKEN not in str(raised.value)
