"""The target of a request as ASP.NET's server reads it: a decoded path, and the address of the request.

Source: Kestrel's PathNormalizer and UrlDecoder, and PathString.ToUriComponent.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

__all__ = ["Target", "TargetError"]

_ESCAPES = re.compile(r"(?:%[0-9a-fA-F]{2})+")
_STRAY = re.compile(r"%(?![0-9a-fA-F]{2})")
_KEPT = "/!$&'()*+,;=:@-._~%"
_PLAIN = re.compile(r"/[\w/!$&'()*+,;=:@\-.~]*", re.ASCII)


class TargetError(ValueError):
    """A target that is refused with 400."""


class Target(NamedTuple):
    """``path`` is decoded but for ``%2F`` and bytes that are not UTF-8; ``query`` is as it was sent.

    ``base`` is the address of the host as the client knows it.
    """

    path: str
    query: str
    base: str

    @classmethod
    def parse(cls, raw: str, scheme: str, host: str) -> "Target":
        """Read the target of a request line. Raise TargetError for one that names another host."""
        path, _, query = raw.partition("?")
        if _PLAIN.fullmatch(path) is not None and "/." not in path:
            return cls(path, query, f"{scheme}://{host}")
        if not raw.startswith("/") and "://" in raw:
            parts = urlsplit(raw)
            if parts.netloc.lower() != host.lower():
                raise TargetError(f"the request line names the host {parts.netloc}, the header {host}")
            raw = raw[raw.index(parts.netloc) + len(parts.netloc) :] or "/"
            path, _, query = raw.partition("?")
        path = _without_dots(decode(path.partition("#")[0]))
        if "\0" in path:
            raise TargetError("the path has a NUL")
        return cls(path, query, f"{scheme}://{host}")

    @property
    def url(self) -> str:
        """Return the address that a function sees."""
        path = self.path
        if _PLAIN.fullmatch(path) is None:
            path = quote(_STRAY.sub("%25", path), safe=_KEPT)
        return f"{self.base}{path}{self.query and f'?{self.query}'}"


def decode(text: str) -> str:
    """Return a text whose escapes are decoded, but for ``%2F`` and bytes that are not UTF-8."""
    return _ESCAPES.sub(lambda found: _decode(found[0]), text) if "%" in text else text


def _decode(escapes: str) -> str:
    raw = bytes.fromhex(escapes.replace("%", ""))
    text = raw.decode(errors="surrogateescape")
    return "".join(
        f"%{ord(character) - 0xDC00:02X}"
        if 0xDC80 <= ord(character) <= 0xDCFF
        else "%2F"
        if character == "/"
        else character
        for character in text
    )


def _without_dots(path: str) -> str:
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        is_last = position == len(segments) - 1
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
        if segment in (".", "..") and is_last:
            kept.append("")
    return "/" + "/".join(kept)
