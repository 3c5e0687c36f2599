"""Bindings: those of other services, which run only in Azure, and the names of hubs in those of SignalR."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from serverless_signalr.protocol.names import check_hub_name
from signalr_local.doctor.findings import Finding, note, warning, wrong
from signalr_local.host.azure_bindings import is_of_azure_only
from signalr_local.host.expressions import ExpressionError, resolve_settings
from signalr_local.host.functions import (
    CONNECTION_INFO,
    HTTP_TRIGGER,
    NEGOTIATION,
    TIMER_TRIGGER,
    Binding,
    Function,
    is_of_a_hub,
    is_type,
)
from signalr_local.host.settings import Settings

__all__ = ["check_bindings", "check_user_ids", "stand_ins"]

_LOCAL = frozenset({HTTP_TRIGGER.lower(), "http", TIMER_TRIGGER.lower()})
_VERIFIED = re.compile(r"headers\.x-ms-client-principal(-id|-name)?", re.IGNORECASE)
_CALLERS = re.compile(r"\{\s*((?:headers|query)\.[^{}\s:]+)[^{}]*\}", re.IGNORECASE)


def check_bindings(functions: Iterable[Function], settings: Settings) -> Iterator[tuple[str | None, Finding]]:
    """Check every binding; yield each finding with the name of the function that it keeps from running."""
    for function in sorted(functions, key=lambda item: item.name.lower()):
        bindings = (function.trigger, *function.inputs, *function.outputs)
        foreign = sorted({_type(binding) for binding in bindings if _is_foreign(binding)})
        unknown = [name for name in foreign if not is_of_azure_only(name)]
        if unknown:
            yield function.name, _unknown(function, unknown[0])
            continue
        if foreign:
            yield (
                None,
                note(
                    "functions.azure-only",
                    f"function {function.name}",
                    f"the local runtime leaves it out ({', '.join(foreign)}); it runs in Azure and with "
                    "func start",
                ),
            )
        for binding in bindings:
            problem = _hub_problem(binding, settings)
            if problem is not None:
                seen, fix = problem
                subject = f"function {function.name}"
                seen = f"the hub of its {_type(binding)} binding is wrong: {seen}"
                yield function.name, wrong("functions.hub-name", subject, seen, fix)
                break


def check_user_ids(
    functions: Iterable[Function], settings: Settings, *, has_authentication: bool
) -> Iterator[Finding]:
    """Look for user ids that a caller can choose, in functions that are deployed."""
    for function in functions:
        for binding in function.inputs:
            if not (is_type(binding, CONNECTION_INFO) or is_type(binding, NEGOTIATION)):
                continue
            try:
                user_id = resolve_settings(str(binding.get("userId") or ""), settings)
            except ExpressionError:
                continue
            for expression in _CALLERS.findall(user_id):
                if not _VERIFIED.fullmatch(expression):
                    yield warning(
                        "functions.user-id",
                        f"function {function.name}",
                        f"its user id {{{expression}}} lets every caller choose who to be",
                        "use {headers.x-ms-client-principal-id} with App Service Authentication, or no "
                        "user id",
                    )
                elif not has_authentication:
                    yield warning(
                        "functions.authentication",
                        f"function {function.name}",
                        f"its user id {{{expression}}} is the caller's choice unless App Service "
                        "Authentication is on, and WEBSITE_AUTH_ENABLED does not say so",
                        "turn authentication on and set WEBSITE_AUTH_ENABLED=true, or use no user id",
                    )


def stand_ins(functions: Iterable[Function]) -> list[Function]:
    """Return functions with bindings of other services replaced by HTTP ones.

    The local host's rules for names, routes and hubs can then be applied to them.
    """
    return [_stand_in(function) for function in functions]


def _stand_in(function: Function) -> Function:
    if not any(_is_foreign(item) for item in (function.trigger, *function.inputs, *function.outputs)):
        return function
    trigger = function.trigger
    if _is_foreign(trigger):
        name = trigger.get("name", "req")
        trigger = {"type": HTTP_TRIGGER, "name": name, "direction": "IN", "route": f"doctor/{function.name}"}
    inputs = tuple(item for item in function.inputs if not _is_foreign(item))
    outputs = tuple({**item, "type": "http"} if _is_foreign(item) else item for item in function.outputs)
    return replace(function, trigger=trigger, inputs=inputs, outputs=outputs)


def _unknown(function: Function, type_: str) -> Finding:
    return wrong(
        "functions.binding-type",
        f"function {function.name}",
        f"no extension of the bundle has the binding type {type_}",
        "correct the type; the names are in the reference of each binding",
    )


def _type(binding: Binding) -> str:
    return str(binding.get("type", ""))


def _is_foreign(binding: Binding) -> bool:
    return bool(binding) and _type(binding).lower() not in _LOCAL and not is_of_a_hub(binding)


def _hub_problem(binding: Binding, settings: Settings) -> tuple[str, str] | None:
    """Return what is wrong with a hub's name and the fix; a missing one is the host's to report."""
    name = str(binding.get("hubName") or "")
    if not is_of_a_hub(binding) or not name:
        return None
    try:
        resolved = resolve_settings(name, settings)
    except ExpressionError as error:
        return str(error), f"add the app setting {error.expression.strip('%')}, with the name of the hub"
    try:
        # An expression about the request has no value before there is a request.
        if "{" not in resolved:
            check_hub_name(resolved)
    except ValueError as error:
        where = f"the app setting {name.strip('%')}" if name.startswith("%") else "hub"
        return str(error), f"set {where} to a name of letters, digits and underscores, starting with a letter"
    return None
