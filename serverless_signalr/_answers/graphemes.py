"""The positions where a growing text can be cut without splitting a user-perceived character.

https://www.unicode.org/reports/tr29/ defines the exact rules. A cut is made only where they certainly allow
one. In doubt, the text stays together.
"""

import unicodedata

__all__ = ["boundary"]

_LONGEST = 64
"""The number of characters after which a sequence is cut even if it has no boundary."""

_PREPEND = frozenset(
    "\u0d4e\U000111c2\U000111c3\U000113d1\U0001193f\U00011941\U00011a3a\U00011a84\U00011a85\U00011a86"
    "\U00011a87\U00011a88\U00011a89\U00011d46\U00011f02"
)
"""Letters that belong to the next letter. Other such characters have the category Cf."""

_JOINS_BACK = frozenset(chr(code) for code in (0x0E33, 0x0EB3, *range(0x1F3FB, 0x1F400), 0xFF9E, 0xFF9F))
"""Characters that belong to the previous one, in addition to marks and format characters."""

_BREAKS = frozenset(" .,;:!?()[]{}\"'`\n\t-/<>=")
"""Characters after which a cut is safe enough, because no writing system puts marks on them."""

_VIRAMA = 9


def boundary(text: str, *, settled: bool) -> int:
    """Return how many characters of a growing text can be sent.

    The last user-perceived character is kept back because the next delta may add to it. With ``settled``, it
    is kept back only if it is incomplete: half of a surrogate pair, half of a flag, or a joiner.
    """
    end = len(text)
    if not end or text[-1] in _BREAKS or (settled and not _is_open(text, end)):
        return end
    for cut in range(end - 1, max(0, end - _LONGEST) - 1, -1):
        if cut == 0 or _is_boundary(text, cut):
            return cut
    return end if not _is_high(text[-1]) else end - 1


def _is_boundary(text: str, cut: int) -> bool:
    return not (_joins_back(text[cut]) or _is_open(text, cut))


def _joins_back(char: str) -> bool:
    if char.isascii():
        return False
    code = ord(char)
    return (
        _is_mark(char)
        or 0xDC00 <= code <= 0xDFFF
        or 0x1100 <= code <= 0x11FF
        or 0xA960 <= code <= 0xA97C
        or 0xD7B0 <= code <= 0xD7FB
    )


def _is_open(text: str, end: int) -> bool:
    """Return whether the character before ``end`` may join whatever character follows."""
    last = text[end - 1]
    if last.isascii():
        return last == "\r"
    code = ord(last)
    if 0x1F1E6 <= code <= 0x1F1FF:
        start = end
        while start and 0x1F1E6 <= ord(text[start - 1]) <= 0x1F1FF:
            start -= 1
        return (end - start) % 2 == 1
    if _is_mark(last):
        # A virama links a consonant to the next one. Other marks may follow the virama.
        at = end
        while at and end - at < _LONGEST and _is_mark(text[at - 1]):
            at -= 1
        is_joiner = unicodedata.category(last) == "Cf"
        return is_joiner or any(unicodedata.combining(char) == _VIRAMA for char in text[at:end])
    return last in _PREPEND or _is_high(last) or 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C


def _is_mark(char: str) -> bool:
    return unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf") or char in _JOINS_BACK


def _is_high(char: str) -> bool:
    return 0xD800 <= ord(char) <= 0xDBFF
