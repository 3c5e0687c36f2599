"""Authorization of calls by the roles and claims of the client's token."""

import functools
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from azure.functions.decorators.function_app import FunctionBuilder

from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr.errors import HubException
from serverless_signalr.protocol.claims import Claims

__all__ = [
    "CALLER",
    "ROLE_CLAIMS",
    "Caller",
    "Guard",
    "Requirement",
    "check",
    "enforce",
    "guards",
    "hides_requirements",
    "is_open",
    "layers",
    "requirements",
    "requires",
    "requires_nothing",
]

ROLE_CLAIMS = (
    "role",
    "roles",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
)
"""The claim types that hold roles: the short ones, and that of .NET."""

_GUARD = "_signalr_guard"
_OPEN = "_signalr_requires_nothing"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A claim that a caller needs, with one of several values. Without values, any value is enough."""

    types: tuple[str, ...]
    values: frozenset[str]
    shown: str

    def is_met(self, claims: Claims) -> bool:
        """Tell whether the claims of a token meet the requirement. Types and values are case-sensitive."""
        found = {value for name in self.types for value in claims.get(name, ())}
        return bool(found & self.values) if self.values else bool(found)


class Guard:
    """The requirements of a function, and whether they are checked before it runs."""

    def __init__(self, requirements: tuple[Requirement, ...], inner: "Guard | None") -> None:
        self.requirements = requirements
        self.inner = inner
        self.is_enforced = False

    def chain(self) -> "Iterator[Guard]":
        guard: Guard | None = self
        while guard is not None:
            yield guard
            guard = guard.inner


class Caller(NamedTuple):
    """The client whose event is being handled, and the guards that ``requires_nothing`` lifts for it."""

    invocation: SignalRInvocationContext
    lifted: frozenset[Guard] = frozenset()


CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""The caller of the function that runs in this context. It is None if no client called, as in a timer."""


def requires[F: Callable[..., Any]](
    *, role: str | Sequence[str] | None = None, claims: Mapping[str, str | Sequence[str] | None] | None = None
) -> Callable[[F], F]:
    """Restrict a function to callers that have the role, or one of the roles, and all of the claims.

    Use it on hub methods and on functions with ``signalr_trigger``, above or below the other decorators. A
    claim with the value None must be present with any value. Roles are the values of the claims in
    ROLE_CLAIMS. The requirements of several decorators are combined, and so are those of a method and the
    methods that it overrides, see ``requires_nothing``. A caller that does not meet them receives an error,
    and the function does not run. Filters run before the check: a filter that returns without running the
    next one responds to every caller.

    The check also applies if other code calls the function while it handles a client's event: a method
    without requirements cannot do for a client what the client may not do. Code that no client called, such
    as a timer or a test, may call the function. So may a thread that you start yourself, unless it runs in a
    copy of the context (``contextvars.copy_context().run``).

    TypeError is raised when the app is loaded if the requirements cannot be checked, and when the function is
    called if nothing has checked them, for example on a helper function.
    """
    wanted: list[Requirement] = []
    if role is not None:
        roles = _texts(role)
        wanted.append(Requirement(ROLE_CLAIMS, roles, f"the role {_one_of(roles)}"))
    if claims is not None and not isinstance(claims, Mapping):
        raise TypeError(f"requires takes claims as a mapping of types to values, not {claims!r}")
    for name, value in (claims or {}).items():
        values = frozenset() if value is None else _texts(value)
        shown = f"the claim {name}" + (f" with the value {_one_of(values)}" if values else "")
        wanted.append(Requirement((name,), values, shown))
    if not wanted:
        raise ValueError("requires needs a role or a claim")

    def decorate(function: F) -> F:
        if isinstance(function, FunctionBuilder):
            _decorate_builder(function, decorate)
            return cast("F", function)
        return cast("F", _guarded(function, wanted))

    return decorate


def requires_nothing[F: Callable[..., Any]](function: F) -> F:
    """Allow everybody to call an overriding hub method, whatever the overridden methods require.

    Without it, an override keeps their requirements. TypeError is raised when the app is loaded if there are
    no requirements to lift.
    """
    if not inspect.isfunction(function):
        raise TypeError(
            f"@requires_nothing belongs directly on the function of a hub method, not on {function!r}"
        )
    if requirements(function):
        raise TypeError(
            f"{function.__qualname__} has both @requires and @requires_nothing: remove one of them"
        )
    setattr(function, _OPEN, True)
    return function


def requirements(function: object) -> tuple[Requirement, ...]:
    """Return the requirements of a function, also inside a method object or a property."""
    return next((guard.requirements for guard in map(_guard, layers(function)) if guard), ())


def is_open(function: object) -> bool:
    """Tell whether a function has ``requires_nothing``."""
    return any(getattr(layer, "__dict__", {}).get(_OPEN, False) for layer in layers(function))


def enforce(function: object) -> None:
    """Record that the requirements of a function are checked before it runs."""
    for guard in guards(function):
        guard.is_enforced = True


def guards(function: object) -> "Iterator[Guard]":
    """Yield the guards of a function, also inside a method object or a property."""
    for guard in filter(None, map(_guard, layers(function))):
        yield from guard.chain()


def hides_requirements(function: Callable[..., Any]) -> bool:
    """Tell whether a decorator without functools.wraps hides requirements."""
    own = _guard(function)
    known = {id(guard) for guard in own.chain()} if own else set()
    waiting: list[Any] = [function]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        guard = _guard(current)
        if guard is not None and id(guard) not in known:
            return True
        waiting += _enclosed(current)
    return False


def check(event: str, wanted: Sequence[Requirement], invocation: SignalRInvocationContext) -> None:
    """Raise HubException, which names the requirement, for the first that a client's claims do not meet."""
    for requirement in wanted:
        if not requirement.is_met(invocation.claims):
            raise HubException(f"{event} is not allowed: it requires {requirement.shown}.")


def _guarded(function: Callable[..., Any], wanted: Sequence[Requirement]) -> Callable[..., Any]:
    if isinstance(function, type):
        raise TypeError(
            f"@requires on the class {function.__name__} would guard nothing: put it on each of its methods, "
            "or refuse callers in one of the hub's filters"
        )
    if not inspect.isfunction(function):
        raise TypeError(
            f"@requires guards functions, not {function!r}: put it directly on the function, below the "
            "decorator that created this object"
        )
    if is_open(function):
        raise TypeError(
            f"{function.__qualname__} has both @requires and @requires_nothing: remove one of them"
        )
    guard = Guard((*requirements(function), *wanted), _guard(function))

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not guard.is_enforced:
            raise TypeError(
                f"{function.__qualname__} has @requires, but nothing checks it here: it guards hub methods "
                "and functions with signalr_trigger, and every decorator above it must use functools.wraps"
            )
        caller = CALLER.get()
        if caller is not None and guard not in caller.lifted:
            check(caller.invocation.event, guard.requirements, caller.invocation)
        return function(*args, **kwargs)

    if inspect.iscoroutinefunction(function):
        inspect.markcoroutinefunction(guarded)
    setattr(guarded, _GUARD, guard)
    return guarded


def _decorate_builder(builder: FunctionBuilder, decorate: Callable[[Any], Any]) -> None:
    replace = getattr(builder, "replace_function", None)
    if replace is None:
        raise TypeError(
            f"@requires cannot guard the function {builder._function.get_function_name()}: its decorators "
            "are those of azure.functions; import FunctionApp or Blueprint from serverless_signalr"
        )
    replace(decorate)


def _guard(function: object) -> Guard | None:
    found: Guard | None = getattr(function, "__dict__", {}).get(_GUARD)
    return found


def layers(function: object) -> Iterator[object]:
    """Yield a class attribute and the functions inside it, such as those of a static method or a property."""
    seen: set[int] = set()
    waiting = [function]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if not inspect.isfunction(current) and not isinstance(current, type):
            names = ("__func__", "__wrapped__", "func", "fget", "fset", "fdel")
            waiting += [vars(type(current)).get(name) and getattr(current, name, None) for name in names]
            waiting += [getattr(current, "__dict__", {}).get(name) for name in names]


def _enclosed(function: Any) -> list[Any]:
    """Return the callables that a function or a callable object refers to."""
    values = list(getattr(function, "__dict__", {}).values())
    if isinstance(function, functools.partial):
        values.append(function.func)
    if inspect.ismethod(function):
        values.append(function.__func__)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # The variable is not bound yet.
            continue
    return [value for value in values if callable(value) and not isinstance(value, type)]


def _texts(value: Any) -> frozenset[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, Collection) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"requires takes roles and claim values as text or lists of text, not {value!r}")
    if not texts or not all(texts):
        raise ValueError("roles and claim values of requires must not be empty")
    return frozenset(texts)


def _one_of(values: frozenset[str]) -> str:
    return " or ".join(sorted(values))
