"""Routes of HTTP functions: ASP.NET templates such as ``groups/{groupName}/users/{id:int?}``.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing (templates and constraints). The host
tries functions in the order of their names and takes the first that matches.
"""

import re
import uuid
from collections.abc import Callable
from urllib.parse import unquote

__all__ = ["Route", "RouteError"]

_PARAMETER = re.compile(r"\{(\*{0,2})([^\W\d]\w*)((?::[^{}=?]+(?:\([^()]*\))?)*)(?:=([^{}]*))?(\?)?\}")
_CONSTRAINT = re.compile(r":(\w+)(?:\(([^()]*)\))?")
_INTEGER = re.compile(r"[+-]?[0-9]+")


class RouteError(ValueError):
    """Say what is wrong with a route template."""


class Route:
    """Match paths against one template and give the values of its parameters."""

    def __init__(self, template: str, methods: list[str] | None = None) -> None:
        self.template = template.strip("/")
        self.methods = None if methods is None else frozenset(method.upper() for method in methods)
        self._defaults: dict[str, str | None] = {}
        self._constraints: list[tuple[str, Callable[[str], bool]]] = []
        self._pattern = re.compile(self._compile(), re.IGNORECASE | re.DOTALL)

    def match(self, path: str, method: str) -> dict[str, str] | None:
        """Return the parameters, decoded, of a raw path that matches, None for one that does not.

        Optional parameters that are absent are not in the result. An encoded slash stays encoded.
        """
        if self.methods is not None and method not in self.methods:
            return None
        found = self._pattern.fullmatch(_decode(path.strip("/")))
        if found is None:
            return None
        values = {name: value for name, value in self._defaults.items() if value is not None}
        values |= {name: value for name, value in found.groupdict().items() if value}
        for name, holds in self._constraints:
            if name in values and not holds(values[name]):
                return None
        return values

    def _compile(self) -> str:
        pattern = ""
        segments = self.template.split("/") if self.template else []
        for position, segment in enumerate(segments):
            slash = "/" if position else ""
            only = _PARAMETER.fullmatch(segment)
            if only is None:
                pattern += slash + self._compile_mixed(segment)
                continue
            star, name, _, default, optional = only.groups()
            self._note(only)
            if star:
                if position != len(segments) - 1:
                    raise RouteError(f"the catch-all {segment} must be the last segment of {self.template}")
                pattern += rf"(?:{slash}(?P<{name}>.*))?"
            elif optional or default is not None:
                pattern += rf"(?:{slash}(?P<{name}>[^/]+))?"
            else:
                pattern += rf"{slash}(?P<{name}>[^/]+)"
        return pattern

    def _compile_mixed(self, segment: str) -> str:
        pattern, end = "", 0
        for found in _PARAMETER.finditer(segment):
            self._note(found)
            literal = self._literal(segment, end, found.start())
            end = found.end()
            if found[5] and literal.endswith(r"\.") and end == len(segment):
                # An extension that is absent takes its dot along.
                start = pattern.replace("[^/]+", "[^/]+?") + literal.removesuffix(r"\.")
                return rf"{start}(?:\.(?P<{found[2]}>[^/.]+))?"
            pattern += rf"{literal}(?P<{found[2]}>[^/]+)"
        return pattern + self._literal(segment, end, len(segment))

    def _literal(self, segment: str, start: int, end: int) -> str:
        text = segment[start:end]
        if "{" in text or "}" in text:
            raise RouteError(f"the route {self.template} has a segment that is no template: {segment}")
        return re.escape(text)

    def _note(self, parameter: re.Match[str]) -> None:
        _, name, constraints, default, _ = parameter.groups()
        if name in self._defaults:
            raise RouteError(f"the route {self.template} has the parameter {name} twice")
        self._defaults[name] = default
        for found in _CONSTRAINT.finditer(constraints):
            self._constraints.append((name, _constraint(self.template, found[1], found[2])))


def _decode(raw: str) -> str:
    return "%2F".join(unquote(part) for part in re.split("%2[fF]", raw))


def _parses(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            kind(text)
        except (ValueError, re.error):
            return False
        return True

    return holds


def _constraint(template: str, name: str, argument: str | None) -> Callable[[str], bool]:
    numbers = [int(part) for part in (argument or "").split(",") if re.fullmatch(r"\s*-?\d+\s*", part)]
    number, second = (*numbers, 0, 0)[0], (*numbers, 0, 0)[1] if len(numbers) > 1 else None

    # Braces are doubled where a template means them as they are.
    pattern = (argument or "").replace("{{", "{").replace("}}", "}")

    def is_integer(text: str) -> bool:
        return _INTEGER.fullmatch(text) is not None

    constraints: dict[str, Callable[[str], bool]] = {
        "int": is_integer,
        "long": is_integer,
        "bool": lambda text: text.lower() in ("true", "false"),
        "decimal": _parses(float),
        "double": _parses(float),
        "float": _parses(float),
        "guid": _parses(uuid.UUID),
        "alpha": lambda text: text.isascii() and text.isalpha(),
        "required": bool,
        "length": lambda text: len(text) == number if second is None else number <= len(text) <= second,
        "minlength": lambda text: len(text) >= number,
        "maxlength": lambda text: len(text) <= number,
        "min": lambda text: is_integer(text) and int(text) >= number,
        "max": lambda text: is_integer(text) and int(text) <= number,
        "range": lambda text: is_integer(text) and number <= int(text) <= (second or 0),
        "regex": lambda text: re.search(pattern, text) is not None,
        "datetime": _parses(_datetime),
        "file": lambda text: "." in text.rsplit("/", 1)[-1],
        "nonfile": lambda text: "." not in text.rsplit("/", 1)[-1],
    }
    if name.lower() not in constraints:
        raise RouteError(f"the route {template} has an unknown constraint: {name}")
    if name.lower() == "regex" and not _parses(re.compile)(pattern):
        raise RouteError(f"the route {template} has a regex that is none: {argument}")
    return constraints[name.lower()]


def _datetime(text: str) -> object:
    from datetime import datetime

    return datetime.fromisoformat(text)
