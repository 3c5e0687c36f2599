"""Text that has a form in UTF-8."""

import re

__all__ = ["has_surrogates", "well_formed"]

_SURROGATE = re.compile("[\ud800-\udfff]")


def has_surrogates(text: str) -> bool:
    """Tell whether a text holds a surrogate code point, which UTF-8 has no form for."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def well_formed(text: str) -> str:
    """Return a text in which U+FFFD stands for each surrogate without its other half.

    JavaScript's ``text.slice(0, n)`` leaves one where it cuts an emoji in two. .NET's encoder replaces it the
    same way.
    """
    if not has_surrogates(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
