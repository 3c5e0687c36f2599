"""Templates of routes, such as ``groups/{groupName}/users/{id:int?}``, taken apart as ASP.NET does.

Source: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from signalr_local.host.constraints import Constraint, ConstraintError, constraint

__all__ = ["Literal", "Parameter", "Part", "RouteError", "Segment", "parse"]

_NAME = re.compile(r"[^{}/*?]+")


class RouteError(ValueError):
    """What is wrong with a template, in ASP.NET's words where it has any."""


class Literal(NamedTuple):
    """A text that a path must have, in whatever case."""

    text: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of the path; ``default`` is None where there is none."""

    name: str
    default: str | None = None
    is_optional: bool = False
    is_catch_all: bool = False
    constraints: tuple[Constraint, ...] = ()


type Part = Literal | Parameter
type Segment = tuple[Part, ...]


def parse(template: str) -> tuple[Segment, ...]:
    """Return the segments of a template. Raise RouteError for one with which ASP.NET does not start."""
    trimmed = template.removeprefix("~/") if template.startswith("~/") else template.removeprefix("/")
    if trimmed.endswith("/"):
        trimmed = trimmed[:-1]
    if not trimmed:
        return ()
    segments = tuple(_segment(text) for text in _split(trimmed))
    _check(segments)
    return segments


def _split(template: str) -> list[str]:
    """Return the texts between slashes; a slash inside of braces separates nothing."""
    texts, start, at, is_inside = [], 0, 0, False
    while at < len(template):
        if template[at : at + 2] in ("{{", "}}"):
            at += 2
            continue
        character = template[at]
        if character in "{}":
            is_inside = character == "{"
        elif character == "/" and not is_inside:
            texts.append(template[start:at])
            start = at + 1
        at += 1
    texts.append(template[start:])
    if "" in texts:
        raise RouteError(
            "The route template separator character '/' cannot appear consecutively. It must be separated by "
            "either a parameter or a literal value."
        )
    return texts


def _segment(text: str) -> Segment:
    parts: list[Part] = []
    at = 0
    while at < len(text):
        if text[at] == "{" and text[at + 1 : at + 2] != "{":
            end = _end_of_parameter(text, at)
            if parts and isinstance(parts[-1], Parameter):
                raise RouteError(
                    "A path segment cannot contain two consecutive parameters. They must be separated by "
                    "a '/' or "
                    "by a literal string."
                )
            inner = text[at + 1 : end].replace("{{", "{").replace("}}", "}")
            parts.append(_parameter(inner))
            at = end + 1
        else:
            literal, at = _literal(text, at)
            parts.append(Literal(literal))
    return tuple(parts)


def _literal(text: str, at: int) -> tuple[str, int]:
    literal = ""
    while at < len(text):
        character = text[at]
        if character in "{}":
            if text[at + 1 : at + 2] == character:
                at += 1
            elif character == "{":
                break
            else:
                raise _incomplete()
        literal += character
        at += 1
    if "?" in literal:
        raise RouteError(
            f"The literal section '{literal}' is invalid. Literal sections cannot contain the '?' character."
        )
    return literal, at


def _end_of_parameter(text: str, start: int) -> int:
    at = start + 1
    while at < len(text):
        if text[at : at + 2] in ("{{", "}}"):
            at += 2
        elif text[at] == "}":
            return at
        elif text[at] == "{":
            break
        else:
            at += 1
    raise _incomplete()


def _incomplete() -> RouteError:
    return RouteError(
        "There is an incomplete parameter in the route template. Check that each "
        "'{' character has a matching "
        "'}' character."
    )


def _parameter(text: str) -> Parameter:
    stars = len(text) - len(text.lstrip("*"))
    star, inner = min(stars, 2), text[min(stars, 2) :]
    is_optional = inner.endswith("?")
    inner = inner.removesuffix("?")
    end = next((at for at, character in enumerate(inner) if character in ":=" and at > 0), len(inner))
    name = inner[:end]
    if _NAME.fullmatch(name) is None:
        raise RouteError(
            f"The route parameter name '{name}' is invalid. Route parameter names must be non-empty and "
            "cannot "
            "contain these characters: '{', '}', '/'. The '?' character marks a parameter as optional, "
            "and can "
            "occur only at the end of the parameter. The '*' character marks a parameter as catch-all, "
            "and can "
            "occur only at the start of the parameter."
        )
    constraints, default = _constraints(name, inner[end:])
    if is_optional and default is not None:
        raise RouteError("An optional parameter cannot have default value.")
    if is_optional and star:
        raise RouteError("A catch-all parameter cannot be marked optional.")
    return Parameter(name, default, is_optional, bool(star), constraints)


def _constraints(name: str, text: str) -> tuple[tuple[Constraint, ...], str | None]:
    """Return what follows a parameter's name: its constraints and its default."""
    found: list[Constraint] = []
    at = 0
    while at < len(text) and text[at] == ":":
        end = at + 1
        while end < len(text) and text[end] not in ":=(":
            end += 1
        word, argument = text[at + 1 : end], None
        if text[end : end + 1] == "(":
            close = _close(text, end)
            argument, end = text[end + 1 : close], close + 1
        at = end
        if not word and argument is None:
            continue
        try:
            found.append(constraint(word, argument))
        except ConstraintError as error:
            raise RouteError(
                f"The constraint entry '{name}' - '{word}' could not be resolved: {error}."
            ) from None
    return tuple(found), text[at + 1 :] if text[at : at + 1] == "=" else None


def _close(text: str, start: int) -> int:
    """Return where the parenthesis closes: before another constraint, a default, or the end."""
    for at in range(start + 1, len(text)):
        if text[at] == ")" and (at + 1 == len(text) or text[at + 1] in ":="):
            return at
    return len(text)


def _check(segments: tuple[Segment, ...]) -> None:
    seen: set[str] = set()
    for position, segment in enumerate(segments):
        for part in segment:
            if not isinstance(part, Parameter):
                continue
            if part.name.lower() in seen:
                raise RouteError(
                    f"The route parameter name '{part.name}' appears more than one time in the route "
                    "template."
                )
            seen.add(part.name.lower())
            if part.is_catch_all and position < len(segments) - 1:
                raise RouteError(
                    "A catch-all parameter can only appear as the last segment of the route template."
                )
        if len(segment) > 1:
            _check_mixed(segment)


def _check_mixed(segment: Segment) -> None:
    for position, part in enumerate(segment):
        if not isinstance(part, Parameter):
            continue
        if part.is_catch_all:
            raise RouteError(
                "A path segment that contains more than one section, such as a literal section or a "
                "parameter, "
                "cannot contain a catch-all parameter."
            )
        if not part.is_optional:
            continue
        before = segment[position - 1] if position else None
        if position < len(segment) - 1 or not isinstance(before, Literal) or before.text != ".":
            raise RouteError(
                f"The optional parameter '{part.name}' must be at the end of its segment, and only a "
                "period (.) "
                "can precede it."
            )
