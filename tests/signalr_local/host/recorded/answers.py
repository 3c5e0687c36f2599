"""How an HTTP answer is compared with the recorded one."""

import base64
import json
import re
from pathlib import Path
from typing import Any

from tests.signalr_local.host.recorded.wire import Answer

__all__ = ["compare", "placeholders"]

_NOT_COMPARED = {"date", "server", "transfer-encoding", "content-length"}


def placeholders(text: str, port: int, app: Path) -> str:
    """Return a text with the placeholders of the data in place of a port and an app's folder."""
    text = re.sub(rf":{port}(?!\d)", ":{PORT}", text)
    return text.replace(str(app), "{APP}").replace(str(app)[1:], "{APP}")


def compare(answer: Answer, real: dict[str, Any], parts: list[str] | None, port: int, app: Path) -> list[str]:
    """Return what differs, in the parts of a case's ``compare``."""
    parts = parts or ["status", "headers", "body"]
    found: list[str] = []
    if "status" in parts and answer.status != real["status"]:
        found.append(f"status {answer.status}, real {real['status']}")
    if "headers" in parts and "headers" in real:
        ours = _comparable([(name, placeholders(value, port, app)) for name, value in answer.headers])
        theirs = _comparable([(name, value) for name, value in real["headers"]])
        if ours != theirs:
            found.append(f"headers {ours}, real {theirs}")
    if "body" in parts or "subset" in parts:
        found += _compare_body(
            placeholders(answer.body.decode("latin-1"), port, app), real, subset="subset" in parts
        )
    return found


def _compare_body(body: str, real: dict[str, Any], *, subset: bool) -> list[str]:
    if "body_json" in real:
        try:
            seen = json.loads(body.encode("latin-1"))
        except ValueError:
            seen = None
        if not _fits(real["body_json"], seen, subset=subset):
            return [f"body {body[:600]!r}, real {json.dumps(real['body_json'])[:600]}"]
    elif "body_base64" in real:
        expected = base64.b64decode(real["body_base64"]).decode("latin-1")
        if body != expected:
            return [f"body {body[:600]!r}, real {expected[:600]!r}"]
    return []


def _comparable(headers: list[tuple[str, str]]) -> list[tuple[str, object]]:
    kept: list[tuple[str, object]] = [
        (name.lower(), _cookie(value) if name.lower() == "set-cookie" else value)
        for name, value in headers
        if name.lower() not in _NOT_COMPARED
    ]
    return sorted(kept, key=lambda pair: pair[0])


def _cookie(value: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return what a Set-Cookie means: name, value and the attributes that say something."""
    first, *rest = [part.strip() for part in value.split(";")]
    attributes = set()
    for part in rest:
        name, _, text = part.partition("=")
        name, text = name.strip().lower(), text.strip()
        if name in ("domain", "path") and not text:
            continue
        attributes.add((name, text.lower() if name == "samesite" else text))
    return first, tuple(sorted(attributes))


def _fits(real: object, seen: object, *, subset: bool) -> bool:
    match real:
        case "{ANY}":
            return True
        case "{STRING}":
            return isinstance(seen, str)
        case "{NUMBER}":
            return isinstance(seen, int | float) and not isinstance(seen, bool)
        case dict():
            if not isinstance(seen, dict) or (not subset and set(real) != set(seen)):
                return False
            return all(name in seen and _fits(part, seen[name], subset=subset) for name, part in real.items())
        case list():
            return (
                isinstance(seen, list)
                and len(real) == len(seen)
                and all(_fits(one, two, subset=subset) for one, two in zip(real, seen, strict=True))
            )
        case _:
            return type(real) is type(seen) and real == seen
