"""What the round trip will do: where to negotiate, and which method to call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signalr_local.doctor.findings import Finding, skipped
from signalr_local.host.functions import CONNECTION_INFO, NEGOTIATION, Function, is_type

__all__ = ["Call", "Plan", "plan"]

_PATIENCE = 30.0
_NEGOTIATE = "negotiate"
_ECHO = "echo"
_PROBE = "signalr-local doctor"


@dataclass(frozen=True, slots=True)
class Call:
    """A method of the hub to call. If it ``is_guess``, nobody chose it, and its own errors are no fault."""

    method: str
    arguments: Sequence[Any] = ()
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to negotiate and what to call. ``patience`` is in seconds."""

    url: str
    call: Call | None
    headers: Mapping[str, str]
    patience: float


def plan(
    functions: Sequence[Function],
    host: str,
    prefix: str,
    call: Call | None = None,
    headers: Mapping[str, str] | None = None,
) -> Plan | Finding:
    """Choose the negotiate function and the call; return the finding that says why there is none."""
    http = [function for function in functions if function.is_http and "{" not in function.route]
    found = [item for item in http if item.route.rpartition("/")[2].lower() == _NEGOTIATE]
    found += [item for item in http if any(_negotiates(binding) for binding in item.inputs)]
    if not found:
        return skipped("round-trip.plan", "round trip", "add an HTTP function with the route negotiate")
    if call is None and _has_echo(functions, found[0]):
        call = Call(_ECHO, [_PROBE], is_guess=True)
    path = f"{prefix}/{found[0].route.strip('/')}".strip("/")
    return Plan(f"https://{host}/{path}", call, headers or {}, _PATIENCE)


def _has_echo(functions: Iterable[Function], negotiate: Function) -> bool:
    """Tell whether a hub that clients are sent to has the method; without a binding it may be any hub."""
    hubs = {str(binding.get("hubName", "")).lower() for binding in negotiate.inputs if _negotiates(binding)}
    return any(
        str(item.trigger.get("event", "")).lower() == _ECHO
        and (not hubs or str(item.trigger.get("hubName", "")).lower() in hubs)
        for item in functions
    )


def _negotiates(binding: Mapping[str, Any]) -> bool:
    return is_type(binding, CONNECTION_INFO) or is_type(binding, NEGOTIATION)
