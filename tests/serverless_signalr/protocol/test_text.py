"""Text that has a form in UTF-8."""

import pytest

from serverless_signalr.protocol.text import has_surrogates, well_formed


@pytest.mark.parametrize("text", ["", "ascii", "é", "\U0001f600", "\ufffd"])
def test_well_formed_text_stays_what_it_is(text: str) -> None:
    assert well_formed(text) is text
    assert not has_surrogates(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ud83d", "\ufffd"),
        ("a\ude00b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
    ],
)
def test_each_half_is_replaced(text: str, expected: str) -> None:
    assert well_formed(text) == expected
    assert has_surrogates(text)
