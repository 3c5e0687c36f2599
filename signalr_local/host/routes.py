"""Routes of HTTP functions, matched as ASP.NET does.

The host tries functions in the order of their names and takes the first that matches.
"""

from collections.abc import Iterable

from signalr_local.host.templates import Literal, Parameter, RouteError, Segment, parse

__all__ = ["Route", "RouteError"]

type _Values = dict[str, str]


class Route:
    """Match paths against one template and give the values of its parameters."""

    def __init__(self, template: str, methods: Iterable[str] | None = None) -> None:
        self.template = template
        self.methods = None if methods is None else frozenset(method.upper() for method in methods)
        self._segments = parse(template)
        self._text = _text(self._segments)
        self._parameters = [
            part for segment in self._segments for part in segment if isinstance(part, Parameter)
        ]

    @property
    def key(self) -> str:
        """Return the template without regard to case and to a slash at its ends."""
        return self.template.strip("/").lower()

    def match(self, path: str, method: str) -> dict[str, str] | None:
        """Return the parameters of a decoded path that matches, None for one that does not.

        Optional parameters that are absent are not in the result.
        """
        if self.methods is not None and method not in self.methods and method.upper() not in self.methods:
            return None
        if self._text is not None:
            return {} if path.removeprefix("/").removesuffix("/").lower() == self._text else None
        values = self._values(path)
        if values is None:
            return None
        for parameter in self._parameters:
            if parameter.name not in values:
                if parameter.default is None:
                    continue
                values[parameter.name] = parameter.default
            if not all(holds(values[parameter.name]) for holds in parameter.constraints):
                return None
        return values

    def _values(self, path: str) -> _Values | None:
        rest = path.removeprefix("/")
        values: _Values = {}
        for segment in self._segments:
            only = segment[0] if len(segment) == 1 else None
            if isinstance(only, Parameter) and only.is_catch_all:
                if rest:
                    values[only.name] = rest
                return values
            if not rest:
                if isinstance(only, Parameter) and (only.is_optional or only.default is not None):
                    continue
                return None
            text, _, rest = rest.partition("/")
            if not self._take(segment, text, values):
                return None
        return None if rest else values

    def _take(self, segment: Segment, text: str, values: _Values) -> bool:
        if len(segment) > 1:
            return _take_mixed(segment, text, values)
        part = segment[0]
        if isinstance(part, Literal):
            return part.text.lower() == text.lower()
        if not text:
            return False
        values[part.name] = text
        return True


def _text(segments: tuple[Segment, ...]) -> str | None:
    """Return the only path that segments match, in lower case; None where there are several, or none."""
    parts = [segment[0] for segment in segments if len(segment) == 1]
    texts = [part.text.lower() for part in parts if isinstance(part, Literal)]
    return "/".join(texts) if segments and len(texts) == len(segments) else None


def _take_mixed(segment: Segment, text: str, values: _Values) -> bool:
    """Take a segment with several parts, from its end; the last part may be an optional extension."""
    last = segment[-1]
    if not isinstance(last, Parameter) or not last.is_optional:
        return _take_parts(segment, text, values)
    if _take_parts(segment, text, values):
        return True
    return not text.endswith(".") and _take_parts(segment[:-2], text, values)


def _take_parts(segment: Segment, text: str, values: _Values) -> bool:
    found: _Values = {}
    end, waiting = len(text), None
    for position in range(len(segment) - 1, -1, -1):
        part = segment[position]
        if isinstance(part, Parameter):
            waiting = part
            if position == 0:
                if not end:
                    return False
                found[part.name] = text[:end]
                end = 0
            continue
        # A parameter that waits for its value needs one character at least.
        start = text.lower().rfind(part.text.lower(), 0, end - (waiting is not None))
        if start < 0 or (position == len(segment) - 1 and start + len(part.text) != len(text)):
            return False
        if waiting is not None:
            found[waiting.name] = text[start + len(part.text) : end]
            waiting = None
        end = start
    if end and not isinstance(segment[0], Parameter):
        return False
    values |= found
    return True
