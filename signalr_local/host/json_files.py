"""JSON files of an app, read as Azure's host and Core Tools read them."""

import codecs
from pathlib import Path
from typing import Any

from signalr_local.host import newtonsoft

__all__ = ["read_object"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_KINDS: dict[type, str] = {list: "an array", str: "a text", bool: "a boolean", type(None): "null"}


def read_object(path: Path) -> dict[str, Any] | None:
    """Return the object of a file: comments, trailing commas and single quotes are fine, and any Unicode.

    Return None where there is no file. Raise ValueError that names the file and the place of the fault.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        content = newtonsoft.read(raw.decode(encoding), dates=False)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not {error.encoding} text: {error.reason}") from None
    except newtonsoft.JsonError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a JSON object, got {_KINDS.get(type(content), 'a number')}")
    return content
