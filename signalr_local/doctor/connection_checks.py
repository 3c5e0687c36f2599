"""The connections: do their settings make sense, do secrets and service open, and is that of use in Azure?"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from serverless_signalr._connection.settings import (
    DEFAULT_CONNECTION,
    InstanceSettings,
    check_instances,
    hidden_by_empty,
    read_instances,
)
from serverless_signalr._connection.vault import SecretReference, is_reference
from serverless_signalr.errors import ConnectionStringError
from serverless_signalr.health import BY_KEY, InstanceHealth, check_health
from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.host.functions import Function, connection_setting, is_of_a_hub
from signalr_local.host.service import check_transport
from signalr_local.host.settings import Settings
from signalr_local.secrets import read_reference

__all__ = ["check_connections", "check_hidden", "connections_of", "problems", "resolve"]

_LOCAL = ("http://localhost", "http://127.0.0.1", "http://[::1]")
_START = "start it with make run; where it runs on another port, write that port into the connection string"
_AS_SAID = "as said, then run the doctor again"


def connections_of(functions: Iterable[Function]) -> list[str]:
    """Return the names of the connections that the bindings use, the default one where none does."""
    found = {
        connection_setting(binding)
        for function in functions
        for binding in (function.trigger, *function.inputs, *function.outputs)
        if is_of_a_hub(binding)
    }
    return sorted(found or {DEFAULT_CONNECTION})


def problems(names: Iterable[str], values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with the settings of connections in themselves, by the connections' names."""
    settings = Settings(values)
    found = {}
    for name in names:
        try:
            sources = read_instances(name, settings)
            check_instances(sources)
            check_transport(sources, settings)
        except ValueError as error:
            found[name] = str(error)
    return found


def check_hidden(names: Iterable[str], values: Mapping[str, str]) -> Iterator[Finding]:
    """Look for empty settings behind which the host in Azure does not look."""
    for name in names:
        for setting in hidden_by_empty(name, values):
            yield warning(
                setting, "it is set and empty, and hides what is behind it from the bindings", "remove it"
            )


async def resolve(values: Mapping[str, str], *, is_deployed: bool) -> tuple[dict[str, str], list[Finding]]:
    """Return settings with the secrets that they refer to, as far as who runs the doctor may read them."""
    resolved, findings = dict(values), []
    for name, value in values.items():
        if not is_reference(value):
            continue
        try:
            reference = SecretReference.parse(value)
            resolved[name] = await read_reference(name, value)
        except ConnectionStringError as error:
            findings.append(wrong(name, str(error), "correct the reference"))
        except ValueError as error:
            if is_deployed:
                findings.append(warning(name, f"as you, not as the app: {error}", _AS_SAID))
            else:
                findings.append(wrong(name, str(error), _AS_SAID))
        else:
            findings.append(fine(name, f"{reference} is there"))
    return resolved, findings


def _as_developer(values: Mapping[str, str], sources: Iterable[InstanceSettings]) -> dict[str, str]:
    """Return settings without the identities that only the platform has."""
    hidden = set()
    for source in sources:
        members = dict(source.members)
        if source.text is None and "credential" in members:
            hidden |= {
                f"{source.setting}__{name}".lower()
                for name in ("credential", "clientId", "managedIdentityResourceId")
            }
    return {name: value for name, value in values.items() if name.replace(":", "__").lower() not in hidden}


async def check_connections(
    names: Iterable[str], values: Mapping[str, str], *, is_deployed: bool
) -> AsyncIterator[Finding]:
    """Try connections, as who runs the doctor. One whose secret was not read is passed over."""
    for name in names:
        sources = read_instances(name, Settings(values))
        if any(source.has_references() for source in sources):
            continue
        seen = _as_developer(values, sources) if is_deployed else values
        for instance in (await check_health(name, seen)).instances:
            yield _finding(instance, is_deployed=is_deployed)


def _finding(instance: InstanceHealth, *, is_deployed: bool) -> Finding:
    is_local = (instance.endpoint or "").startswith(_LOCAL)
    if is_deployed and is_local:
        return wrong(instance.setting, "it names an emulator", "use the connection string of the service")
    if instance.problem is None:
        return fine(instance.setting, f"{instance.endpoint} is well, and lets in {instance.opened_by}")
    if is_local and "there was no connection" in instance.problem:
        return wrong(instance.setting, f"{instance.endpoint} cannot be reached", _START)
    if is_deployed and instance.opened_by not in (None, BY_KEY):
        return warning(instance.setting, f"as you, not as the app: {instance.problem}", _AS_SAID)
    return wrong(instance.setting, instance.problem, _AS_SAID)
