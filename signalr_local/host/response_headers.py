"""The headers that a response may have: Azure's web server refuses others."""

import re

__all__ = ["header_fault"]

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


def header_fault(name: str, value: str) -> str | None:
    """Return what is wrong with a header, None for one that can be sent."""
    if _NAME.fullmatch(name) is None:
        return f"{name!r} is not the name of a header"
    if _VALUE.fullmatch(value) is None:
        return f"the header {name} has the value {value!r}, expected printable ASCII"
    return None
