"""Initials on people's avatars are legible, whichever colour a name gets."""

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "web" / "src"
STYLE = (SOURCES / "style.css").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--colour-(\w+): (#[0-9a-f]{6});", STYLE))

LEAST_CONTRAST = 4.5
"""What WCAG 2.2 asks of text of this size, level AA."""


def luminance(colour: str) -> float:
    """Return the relative luminance, as WCAG defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_that_a_name_can_get_is_there() -> None:
    [count] = re.findall(r"const COLOURS = (\d+);", (SOURCES / "avatar.ts").read_text(encoding="utf-8"))
    numbers = {str(number) for number in range(int(count))}
    assert set(COLOURS) == numbers | {"gone"}
    assert set(re.findall(r'\.avatar\[data-colour="(\d+)"\]', STYLE)) == numbers


@pytest.mark.parametrize("name", COLOURS)
def test_white_is_legible_on_the_colour(name: str) -> None:
    assert 1.05 / (luminance(COLOURS[name]) + 0.05) >= LEAST_CONTRAST
