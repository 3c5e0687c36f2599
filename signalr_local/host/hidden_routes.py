"""HTTP functions that no request reaches, because the routes of others take what is meant for them.

The host takes the first route that matches, in the order of the functions' names.
"""

import re

from signalr_local.host.functions import Function
from signalr_local.host.routes import Route
from signalr_local.host.table import FunctionTable

__all__ = ["hidden_by"]

_PARAMETER = re.compile(r"\{(\*{0,2})([^{}:=?]+)((?::[^{}=?]*)?)(=[^{}]*)?(\?)?\}")
_SAMPLES = ("x", "1", "1.5", "true", "2026-01-02", "00000000-0000-0000-0000-000000000000", "x.y")
"""Values that between them satisfy most constraints of a route's parameters."""


def hidden_by(table: FunctionTable, function: Function, prefix: str, method: str) -> Function | None:
    """Return the function that takes every request that is meant for another, None where it does not."""
    template = "/" + "/".join(part for part in (prefix.strip("/"), function.route.strip("/")) if part)
    own = Route(template, function.methods)
    takers = [
        found[0]
        for sample in _SAMPLES
        if own.match(path := _PARAMETER.sub(sample, template), method) is not None
        and (found := table.by_request(path, method))
    ]
    # With parameters, another function may take some values only.
    return takers[0] if takers and function not in takers else None
