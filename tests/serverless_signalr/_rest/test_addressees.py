"""Whom an operation is for: what can be a name, and what a path is made of."""

from typing import Any

import pytest
from yarl import URL

from serverless_signalr._rest.addressees import (
    connection,
    connections,
    everybody,
    group,
    groups,
    stream,
    user,
    users,
)
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.senders import url_of

BASE = "https://chat.service.signalr.net/api/hubs/chat"
VERSION = "api-version=2024-12-01"
HALF = "half an emoji \ud83d"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ann", "ann"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("a?b#c", "a%3Fb%23c"),
        ("Zoë 群", "Zo%C3%AB%20%E7%BE%A4"),
        ("a+b", "a%2Bb"),
        ("...", "..."),
        (" ", "%20"),
    ],
)
def test_name_is_one_segment_of_the_path(name: str, path: str) -> None:
    assert user(name).path == f"/users/{path}"


def test_path_is_sent_as_it_is_signed() -> None:
    names = [chr(code) for code in range(1, 0x250)] + ["%2F", "%41", "a\\b", "群", "👍"]
    changed = {
        name
        for name in names
        if name != "."
        for url in [url_of(Operation("GET", user(name).path), BASE, VERSION)]
        if str(URL(url)) != url
    }
    assert changed == set()


@pytest.mark.parametrize("name", [".", ".."])
@pytest.mark.parametrize("path", [user, group, connection])
def test_name_that_walks_up_the_path_is_refused(path: Any, name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be part of a URL"):
        path(name)


@pytest.mark.parametrize(("path", "kind"), [(user, "user id"), (connection, "connection id")])
def test_empty_name_is_refused(path: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=f"the {kind} must not be empty"):
        path("")


def test_group_name_is_checked() -> None:
    with pytest.raises(ValueError, match="at most 1,024 characters"):
        group("g" * 1025)


@pytest.mark.parametrize(
    ("stream_id", "rule"), [("", "must not be empty"), (" ", "must not be blank"), ("s" * 101, "accepts 100")]
)
def test_stream_id_is_checked(stream_id: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        stream("c1", stream_id)


SEVERAL = pytest.mark.parametrize(
    ("several", "kind"),
    [
        (everybody, "excluded connection ids"),
        (lambda names: group("g", names), "excluded connection ids"),
        (connections, "connection ids"),
        (users, "user ids"),
        (groups, "group names"),
    ],
    ids=["everybody", "group", "connections", "users", "groups"],
)


@SEVERAL
@pytest.mark.parametrize("names", ["c1", b"c1", 5])
def test_text_in_place_of_a_list_is_refused(several: Any, kind: str, names: object) -> None:
    with pytest.raises(TypeError, match=f"^the {kind} are {names!r}, expected a list of texts$"):
        several(names)


@SEVERAL
def test_list_of_what_is_not_text_is_refused(several: Any, kind: str) -> None:
    with pytest.raises(TypeError, match=f"^the {kind[:-1]} is 5, expected text$"):
        several(["c1", 5])


@SEVERAL
def test_list_may_be_empty(several: Any, kind: str) -> None:
    assert several([])


@pytest.mark.parametrize("path", [user, group, connection, lambda name: stream("c1", name)])
@pytest.mark.parametrize("name", [None, 5, b"x", ["x"]])
def test_name_that_is_not_text_is_refused(path: Any, name: object) -> None:
    with pytest.raises(TypeError, match=r"expected text$"):
        path(name)


@pytest.mark.parametrize("path", [user, group, connection, lambda name: stream("c1", name)])
def test_half_of_an_emoji_in_a_name_is_refused(path: Any) -> None:
    with pytest.raises(ValueError, match="contains half of a surrogate pair") as raised:
        path(HALF)
    assert str(raised.value).isascii()


@SEVERAL
def test_half_of_an_emoji_in_one_of_several_names_is_refused(several: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=f"the {kind[:-1]} .* contains half of a surrogate pair"):
        several([HALF])


def test_name_that_is_listed_twice_is_addressed_once() -> None:
    assert list(users(["ann", "bob", "ann"]).paths) == ["ann", "bob"]
    assert everybody(["c1", "c1"]).query == (("excluded", "c1"),)
