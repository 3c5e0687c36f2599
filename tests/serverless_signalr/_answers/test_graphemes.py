"""Cuts of a growing text, beside the exact rules of Unicode as the package regex has them."""

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serverless_signalr._answers.graphemes import boundary

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
ALPHABET = [
    *"ab 1#\n\r",
    *"\u0301\u0308\u200d\ufe0f\u20e3\u200c",
    *"\u0915\u094d\u0937\u093f\u09cd\u0e33\u0d4e\u0b95\u0bcd",
    *"\u1100\u1161\u11a8\uac00\uac01",
    *"\U0001f1e9\U0001f1ea\U0001f468\U0001f3fd\U0001f467\U000e0067\U000e007f",
    *"日本é",
]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("hello", "hell"),
        ("hello ", "hello "),
        ("hello.", "hello."),
        ("e\u0301", ""),
        ("a" + FAMILY, "a"),
        ("a" + FAMILY[:2], "a"),
        ("日本", "日"),
        ("\U0001f1e9\U0001f1ea\U0001f1eb", "\U0001f1e9\U0001f1ea"),
    ],
)
def test_last_character_is_kept_back_where_it_may_grow(text: str, sent: str) -> None:
    assert text[: boundary(text, settled=False)] == sent


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("hello", "hello"),
        ("e\u0301", "e\u0301"),
        ("a\ud83d", "a"),
        ("a\U0001f1e9", "a"),
        ("a\U0001f1e9\U0001f1ea", "a\U0001f1e9\U0001f1ea"),
        ("a" + FAMILY[:2], "a"),
        ("a" + FAMILY, "a" + FAMILY),
        ("a\r", "a"),
    ],
)
def test_what_is_settled_goes_unless_half_of_it_is_missing(text: str, sent: str) -> None:
    assert text[: boundary(text, settled=True)] == sent


@given(st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join), st.integers(0, 30))
@example("\u0915\u094d\u0937", 2)
@settings(max_examples=2000, deadline=None)
def test_cut_never_splits_a_user_perceived_character(text: str, end: int) -> None:
    arrived = text[:end]
    cut = boundary(arrived, settled=False)
    edges = {0, len(text), *(found.start() for found in regex.finditer(r"\X", text))}
    # A mark on a space or on punctuation is no character that anybody perceives.
    if cut == len(arrived) and arrived[-1:] in (" ", "\n", "#"):
        return
    assert cut in edges


def test_endless_character_is_cut_between_surrogate_pairs() -> None:
    zalgo = "a" + "\u0301" * 200
    assert boundary(zalgo, settled=False) == len(zalgo)
    assert boundary("\u0301" * 100 + "\ud83d", settled=False) == 100
