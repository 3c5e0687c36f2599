"""What takes the whole app down in Azure: every request gets 503, and no function runs.

Here each is an error at the start that says so. The doctor asks the same functions.
"""

from collections.abc import Iterable, Iterator, Mapping

__all__ = ["does_not_start", "names_that_clash", "prefix_problem", "route_problem", "storage_remark"]

_STORAGE = "azurewebjobsstorage"


def does_not_start(reason: str) -> str:
    """Return a reason with what it means in Azure."""
    return f"{reason.rstrip('.')}. In Azure the whole app does not start."


def prefix_problem(prefix: str, error: str) -> str | None:
    """Return what is wrong with a route prefix, where that and no route is what takes the app down."""
    slim = "/".join(part for part in prefix.split("/") if part)
    if prefix == slim or (slim and prefix == f"/{slim}"):
        return None
    return does_not_start(
        f'The routePrefix in host.json is "{prefix}": {error} Write extensions.http.routePrefix: "{slim}"'
    )


def route_problem(function: str, route: str, prefix: str, error: str) -> str:
    """Return what is wrong with a route that takes the app down, and what to write instead."""
    return does_not_start(f"The route of {function} ({route}): {error} {_advice(route, prefix)}".rstrip())


def _advice(route: str, prefix: str) -> str:
    if route.startswith("/{*") and prefix:
        # The route of AsgiFunctionApp and WsgiFunctionApp is none of the app's own.
        return 'Set extensions.http.routePrefix to "" in host.json, or leave out the slash at the beginning'
    if "//" in f"{prefix}/{route}":
        slim = "/".join(part for part in route.split("/") if part)
        return f'Write route="{slim}"' if slim else "Leave out the route: the function's name is taken"
    if "?" in route and "{" not in route:
        return "Leave out the query: functions read it from req.params"
    return ""


def names_that_clash(names: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with function names that differ in case only."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            yield does_not_start(
                f"The functions {other} and {name} differ in case only (Sequence contains more than one "
                "matching "
                f"element): call one of them something else"
            )


def storage_remark(settings: Mapping[str, str]) -> str | None:
    """Return why SignalR triggers are in error under ``func start`` and in Azure, None where they are not."""
    has_storage = any(
        name.replace("__", ":").lower().partition(":")[0] == _STORAGE and value
        for name, value in settings.items()
    )
    if has_storage or (settings.get("AzureWebJobsSecretStorageType") or "").lower() == "files":
        return None
    return (
        "SignalR triggers run here, but are in error in Azure and with func start: the setting "
        "AzureWebJobsStorage "
        'is empty. Set it, or set AzureWebJobsSecretStorageType to "files".'
    )
