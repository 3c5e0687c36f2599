"""Who may call a hub method: roles and claims of the token that the client connected with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serverless_signalr.errors import HubException
from serverless_signalr.models import SignalRInvocationContext
from serverless_signalr.protocol.claims import Claims

__all__ = ["ROLE_CLAIMS", "Requirement", "requirements", "requires"]

ROLE_CLAIMS = (
    "role",
    "roles",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
)
"""Claim types that hold roles: the short ones, and the one of .NET."""

_REQUIREMENTS = "_signalr_requirements"


@dataclass(frozen=True, slots=True)
class Requirement:
    """Ask for one of several values of a claim; without values its presence is enough."""

    types: tuple[str, ...]
    values: frozenset[str]
    shown: str

    def is_met(self, claims: Claims) -> bool:
        """Tell whether a token's claims meet the requirement. Types and values differ by case."""
        found = {value for name in self.types for value in claims.get(name, ())}
        return bool(found & self.values) if self.values else bool(found)


def requires[F: Callable[..., Any]](
    *, role: str | Sequence[str] | None = None, claims: Mapping[str, str | Sequence[str] | None] | None = None
) -> Callable[[F], F]:
    """Let only those call a hub method who have the role, one of the roles, and every one of the claims.

    A claim of None must be there, whatever its value. Roles are the values of the claims in ROLE_CLAIMS.
    Several decorators add up. Who lacks something is answered with an error; the function does not run.
    A decorator above this one has to use functools.wraps, or it hides the requirement. Filters run before
    it: one that answers without calling on answers everybody.
    """
    wanted: list[Requirement] = []
    if role is not None:
        roles = _texts(role)
        wanted.append(Requirement(ROLE_CLAIMS, roles, f"the role {_one_of(roles)}"))
    for name, value in (claims or {}).items():
        values = frozenset() if value is None else _texts(value)
        shown = f"the claim {name}" + (f" with the value {_one_of(values)}" if values else "")
        wanted.append(Requirement((name,), values, shown))
    if not wanted:
        raise ValueError("requires needs a role or a claim")

    def decorate(function: F) -> F:
        setattr(function, _REQUIREMENTS, (*requirements(function), *wanted))
        return function

    return decorate


def requirements(function: Callable[..., Any]) -> tuple[Requirement, ...]:
    """Return what ``requires`` noted on a function."""
    noted: tuple[Requirement, ...] = getattr(function, _REQUIREMENTS, ())
    return noted


def check(event: str, wanted: Sequence[Requirement], invocation: SignalRInvocationContext) -> None:
    """Raise HubException that names the first requirement which a client's claims do not meet."""
    for requirement in wanted:
        if not requirement.is_met(invocation.claims):
            raise HubException(f"{event} is not allowed: it requires {requirement.shown}.")


def _texts(value: str | Sequence[str]) -> frozenset[str]:
    texts = frozenset([value] if isinstance(value, str) else value)
    if not texts or not all(texts):
        raise ValueError("requires needs roles and claim values that are not empty")
    return texts


def _one_of(values: frozenset[str]) -> str:
    return " or ".join(sorted(values))
