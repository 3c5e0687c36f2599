"""JSON as Newtonsoft.Json reads and writes it."""

import json
import math

import pytest

from signalr_local.host import newtonsoft
from signalr_local.host.dates import DateText
from signalr_local.host.newtonsoft import JsonError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("// one\n{/* two */'a': 1,}", {"a": 1}),
        ("{a: 1, $b: 2, c_3: [1, 2,],}", {"a": 1, "$b": 2, "c_3": [1, 2]}),
        ("[010, 0x10, -0x1, .5, 5.]", [8, 16, -1, 0.5, 5.0]),
        ("[Infinity, -Infinity, undefined]", [math.inf, -math.inf, None]),
        ('["a\nb\t"]', ["a\nb\t"]),
        (r"['it\'s', '\u00e9', '\ud83d\ude00', '\/']", ["it's", "é", "\N{GRINNING FACE}", "/"]),
        ("[,1]", [None, 1]),
        ("  5  ", 5),
    ],
)
def test_lenient_json_is_read(text: str, value: object) -> None:
    assert newtonsoft.read(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there is no value: line 1 column 1"),
        ("{", "the text ends too early: line 1 column 2"),
        ('{\n"a" 1}', "expected :: line 2 column 5"),
        ('{"a": 1 "b"}', "expected ,: line 1 column 9"),
        ("[1] x", "additional text follows the value: line 1 column 5"),
        ("'a", "a text is not closed: line 1 column 3"),
        (r"'\x'", r"\x is no escape: line 1 column 5"),
        ("hello", "hello is no value: line 1 column 6"),
        ("[1-]", "expected ,: line 1 column 3"),
        ("{/*", "expected a member's name: line 1 column 2"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, message: str) -> None:
    with pytest.raises(JsonError) as raised:
        newtonsoft.read(text)
    assert str(raised.value) == message


def test_what_follows_may_be_left_unread() -> None:
    assert newtonsoft.read('{"a": 1}\x1e{"b": 2}', rest=True) == {"a": 1}


@pytest.mark.parametrize("opening", ["[", '{"a":', "['x',"])
def test_no_more_than_64_levels_are_read(opening: str) -> None:
    closing = "]" if opening[0] == "[" else "}"
    fine = opening * 63 + ("[" if closing == "]" else "{") + ("]" if closing == "]" else "}") + closing * 63
    assert newtonsoft.read(fine) is not None
    with pytest.raises(JsonError, match="MaxDepth of 64"):
        newtonsoft.read(opening + fine + closing)
    with pytest.raises(JsonError):
        newtonsoft.read(opening * 100_000)


def test_texts_that_look_like_dates_become_dates() -> None:
    found = newtonsoft.read('{"at": ["2026-01-02T03:04:05.120Z"], "2026-01-02T03:04:05.120Z": "x"}')
    [date] = found["at"]
    assert isinstance(date, DateText)
    assert (date, date.sent) == ("2026-01-02T03:04:05.12Z", "2026-01-02T03:04:05.120Z")
    assert not isinstance(list(found)[1], DateText)
    assert newtonsoft.read('"2026-01-02T03:04:05.120Z"', dates=False) == "2026-01-02T03:04:05.120Z"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, None, True]}, '{"a":[1,null,true]}'),
        ([math.nan, math.inf, -math.inf], '["NaN","Infinity","-Infinity"]'),
        ("a\ud800b", '"a\ufffdb"'),
        ("\N{GRINNING FACE}", '"\N{GRINNING FACE}"'),
    ],
)
def test_what_is_written_is_always_valid(value: object, text: str) -> None:
    assert newtonsoft.write(value) == text
    json.loads(newtonsoft.write(value))
