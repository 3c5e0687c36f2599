"""Text that can be encoded as UTF-8."""

import re

__all__ = ["has_surrogates", "well_formed"]

_SURROGATE = re.compile("[\ud800-\udfff]")


def has_surrogates(text: str) -> bool:
    """Tell whether a text contains a surrogate code point, which UTF-8 cannot encode."""
    return not text.isascii() and _SURROGATE.search(text) is not None


def well_formed(text: str) -> str:
    """Return a text with U+FFFD in place of each unpaired surrogate.

    JavaScript's ``text.slice(0, n)`` leaves one if it cuts an emoji in two. .NET's encoder replaces it in the
    same way.
    """
    if not has_surrogates(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
