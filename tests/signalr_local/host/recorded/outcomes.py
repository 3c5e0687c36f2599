"""How the outcome of a SignalR binding or trigger is compared with the recorded one."""

import base64
import json
import math
import re
import time
from typing import Any

__all__ = ["Outcome", "compare"]

type Outcome = dict[str, Any]

_GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MARKS = {"<guid>": _GUID, "<guid:N>": "[0-9a-f]{32}", "<guid:B>": r"\{" + _GUID + r"\}"}


def compare(name: str, row: dict[str, Any], found: Outcome, function: str) -> list[str]:
    """Return the differences that an app or a client could notice; ``function`` is what was called."""
    real: Outcome = row["real"]
    if name == "trigger":
        return _trigger(row, real, found)
    if name == "output-answers":
        return _members(real, found, ("ok", "requests"))
    if real["ok"] != found["ok"]:
        return [f"ok: real {real['ok']}, here {found['ok']} {str(found.get('error', ''))[:200]}"]
    if name == "input":
        return _value(real["value"], found["value"], "value", function) if real["ok"] else []
    if name == "trigger-expressions":
        if real.get("userId") == "<event>":
            real = {**real, "userId": function}
        return _members(real, found, ("userId", "requests"))
    return _requests(real["requests"], found["requests"])


def _members(real: Outcome, found: Outcome, names: tuple[str, ...]) -> list[str]:
    return [
        f"{name}: real {_short(real.get(name))}, here {_short(found.get(name))}"
        for name in names
        if not _equal(real.get(name), found.get(name))
    ]


def _trigger(row: dict[str, Any], real: Outcome, found: Outcome) -> list[str]:
    differences = []
    if real["status"] != found["status"]:
        differences.append(f"status: real {real['status']}, here {found['status']}")
    one, two = (base64.b64decode(item["body_base64"]) for item in (real, found))
    if not _same_completion(one, two, is_raise=row["kind"] == "raise"):
        differences.append(f"body: real {one[:300]!r}, here {two[:300]!r}")
    first, second = real["seen"], found["seen"]
    if not isinstance(first, dict) or not isinstance(second, dict):
        return (
            differences
            if first == second
            else [*differences, f"seen: real {_short(first)}, here {_short(second)}"]
        )
    return differences + _seen(first, second, "seen")


def _same_completion(one: bytes, two: bytes, *, is_raise: bool) -> bool:
    if one == two:
        return True
    first, second = _json_completion(one), _json_completion(two)
    if first is not None and second is not None:
        if is_raise and "error" in first and "error" in second:
            # The text comes from the host's worker, and the recording had none.
            first, second = {**first, "error": ""}, {**second, "error": ""}
        return _equal(first, second)
    return is_raise and bool(one) and one[1:7] == two[1:7]


def _json_completion(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body.rstrip(b"\x1e"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _seen(real: object, found: object, place: str) -> list[str]:
    if not isinstance(real, dict) or not isinstance(found, dict):
        same = _equal(real, found, typed=True)
        return [] if same else [f"{place}: real {_short(real)}, here {_short(found)}"]
    differences = []
    for name in {**real, **found}:
        if name not in real or name not in found:
            only = "here" if name in found else "real"
            differences.append(f"{place}.{name}: only {only}")
        else:
            differences += _seen(real[name], found[name], f"{place}.{name}")
    return differences


def _requests(real: list[Outcome], found: list[Outcome]) -> list[str]:
    if len(real) != len(found):
        return [f"requests: real {_short(real)}, here {_short(found)}"]
    differences = []
    for one, two in zip(real, found, strict=True):
        first, second = _without_null_arguments(one), _without_null_arguments(two)
        differences += [
            f"{member}: real {_short(first[member])}, here {_short(second[member])}"
            for member in ("method", "path", "query", "body")
            if not _equal(first[member], second[member])
        ]
    return differences


def _without_null_arguments(request: Outcome) -> Outcome:
    body = request["body"]
    if not isinstance(body, dict):
        return request
    return {**request, "body": {**body, "arguments": body.get("arguments") or []}}


def _value(real: Any, found: Any, place: str, function: str) -> list[str]:
    if isinstance(real, dict) and isinstance(found, dict):
        if "lifetime" in real and "lifetime" in found:
            return _token(real, found, place, function)
        differences = []
        for name in {**real, **found}:
            if name not in real or name not in found:
                differences.append(f"{place}.{name}: only {'here' if name in found else 'real'}")
            else:
                differences += _value(real[name], found[name], f"{place}.{name}", function)
        return differences
    if isinstance(real, list) and isinstance(found, list) and len(real) == len(found):
        pairs = enumerate(zip(real, found, strict=True))
        return [text for i, (one, two) in pairs for text in _value(one, two, f"{place}[{i}]", function)]
    return [] if _equal(real, found) else [f"{place}: real {_short(real)}, here {_short(found)}"]


def _token(real: Outcome, found: Outcome, place: str, function: str) -> list[str]:
    differences = [
        f"{place}.header.{name}: here {found['header'].get(name)!r}"
        for name in ("alg", "typ")
        if real["header"].get(name) != found["header"].get(name)
    ]
    if real["lifetime"] != found["lifetime"]:
        differences.append(f"{place}.lifetime: real {real['lifetime']}, here {found['lifetime']}")
    for name in {**real["claims"], **found["claims"]}:
        one, two = (_texts(item["claims"].get(name)) for item in (real, found))
        if name == "aud":
            # The real audience has no port; a service takes both.
            one, two = ([text.replace(":<port>", "") for text in texts] for texts in (one, two))
        if len(one) != len(two) or not all(_matches(a, b, function) for a, b in zip(one, two, strict=True)):
            differences.append(f"{place}.claims.{name}: real {_short(one)}, here {_short(two)}")
    return differences


def _texts(claim: object) -> list[str]:
    """Return a claim as the service reads it: a list of texts."""
    if claim is None:
        return []
    return [
        part if isinstance(part, str) else json.dumps(part, ensure_ascii=False, separators=(",", ":"))
        for part in (claim if isinstance(claim, list) else [claim])
    ]


def _matches(real: str, found: str, function: str) -> bool:
    """Tell whether a text is the recorded one, whose <…> stand for what differs from run to run."""
    if "<" not in real:
        return real == found
    if time_format := re.fullmatch("<utc:(.*)>", real):
        now = time.time()
        return any(time.strftime(time_format[1], time.gmtime(now - ago)) == found for ago in range(-5, 120))
    pattern = re.escape(real)
    for mark, inner in _MARKS.items():
        pattern = pattern.replace(re.escape(mark), inner)
    return re.fullmatch(pattern.replace(re.escape("<function>"), re.escape(function)), found) is not None


def _equal(one: object, two: object, *, typed: bool = False) -> bool:
    """Tell whether two JSON values are equal; ``typed`` tells 1 from 1.0."""
    match one, two:
        case (bool(), _) | (_, bool()):
            return one is two
        case (int() | float(), int() | float()):
            if typed and type(one) is not type(two):
                return False
            return one == two or (
                isinstance(one, float) and isinstance(two, float) and math.isnan(one) and math.isnan(two)
            )
        case (dict(), dict()):
            return one.keys() == two.keys() and all(_equal(one[n], two[n], typed=typed) for n in one)
        case (list(), list()):
            return len(one) == len(two) and all(
                _equal(a, b, typed=typed) for a, b in zip(one, two, strict=True)
            )
        case _:
            return type(one) is type(two) and one == two


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"
