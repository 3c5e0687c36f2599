"""Connections: are their settings valid, can their secrets be read, and does the service accept them?"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from http import HTTPStatus

from serverless_signalr._connection.settings import (
    InstanceSettings,
    check_instances,
    hidden_by_empty,
    read_instances,
)
from serverless_signalr._connection.vault import SecretReference, is_reference
from serverless_signalr.errors import ConnectionStringError, ServiceUnavailableError, UnauthorizedError
from serverless_signalr.health import BY_KEY, InstanceHealth, check_health
from serverless_signalr.protocol.names import DEFAULT_CONNECTION
from signalr_local.doctor.emulator import CONNECTION_STRING
from signalr_local.doctor.findings import Finding, fine, note, warning, wrong
from signalr_local.host.functions import Function, connection_setting, is_of_a_hub
from signalr_local.host.settings import Settings
from signalr_local.host.transports import check_transport
from signalr_local.secrets import read_reference

__all__ = ["check_connections", "check_hidden", "connections_of", "problems", "resolve"]

_LOCAL = ("http://localhost", "http://127.0.0.1", "http://[::1]")
_KEY_FIX = "copy the connection string anew: az signalr key list --query primaryConnectionString"
_NETWORK_FIX = "check the endpoint, that access keys are enabled, and that network rules let this machine in"
_ROLE_FIX = "grant the identity the role SignalR Service Owner on the resource"
_VAULT_AS_YOU = (
    "for this check, sign in with az login as somebody who has the role Key Vault Secrets User, in a network "
    "that the vault lets in; whether the app may read it, its own roles and its health function say"
)
_NETWORK_AS_YOU = (
    "for this check, run the doctor in a network that the service lets in; whether it lets the app in, the "
    "app's health function says"
)
_ROLE_AS_YOU = (
    "for this check, sign in with az login as somebody who has the role SignalR Service Owner on it; "
    "whether the app has it, its own roles say"
)
_REFERENCE_FIX = "write it as @Microsoft.KeyVault(VaultName=NAME;SecretName=NAME)"


def connections_of(functions: Iterable[Function], values: Mapping[str, str]) -> list[str]:
    """Return the names of the connections that the bindings use; without any, the default one if it is set.

    An app without SignalR bindings may use the service through its REST API, or not at all.
    """
    found = {
        connection_setting(binding)
        for function in functions
        for binding in (function.trigger, *function.inputs, *function.outputs)
        if is_of_a_hub(binding)
    }
    prefix = DEFAULT_CONNECTION.lower()
    if not found and any(value and name.lower().startswith(prefix) for name, value in values.items()):
        found = {DEFAULT_CONNECTION}
    return sorted(found)


def problems(names: Iterable[str], values: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with the settings of connections, by the connections' names."""
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
    """Look for empty settings that the host in Azure takes for the whole connection."""
    for name in names:
        for setting in hidden_by_empty(name, values):
            yield warning(
                "connections.empty",
                setting,
                "it is set but empty, which hides the settings below it from the bindings",
                "remove it",
            )


async def resolve(values: Mapping[str, str], *, is_deployed: bool) -> tuple[dict[str, str], list[Finding]]:
    """Return settings with the secrets that they refer to, as far as you may read them."""
    resolved, findings = dict(values), []
    for name, value in values.items():
        if not is_reference(value):
            continue
        try:
            reference = SecretReference.parse(value)
            resolved[name] = await read_reference(name, value)
        except ConnectionStringError as error:
            findings.append(wrong("connections.reference", name, str(error), _REFERENCE_FIX))
        except ValueError as error:
            if is_deployed:
                seen = f"as you, not as the app: {error}"
                findings.append(warning("connections.secret-as-you", name, seen, _VAULT_AS_YOU))
            else:
                findings.append(
                    wrong("connections.secret", name, str(error), "sign in with az login, then retry")
                )
        else:
            findings.append(fine("connections.secret", name, f"{reference} exists"))
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
    """Try connections, as you. One whose secret was not read is passed over."""
    for name in names:
        sources = read_instances(name, Settings(values))
        if any(source.has_references() for source in sources):
            continue
        seen = _as_developer(values, sources) if is_deployed else values
        for instance in (await check_health(name, seen)).instances:
            yield _finding(instance, is_deployed=is_deployed)


def _finding(instance: InstanceHealth, *, is_deployed: bool) -> Finding:
    is_local = (instance.endpoint or "").startswith(_LOCAL)
    name, problem = instance.setting, instance.problem
    if is_deployed and is_local:
        fix = "set it to the connection string of the service in Azure"
        return wrong("connections.emulator", name, "it names an emulator", fix)
    if problem is None:
        return fine("connections.service", name, f"{instance.endpoint} works with {instance.opened_by}")
    status = None if instance.error is None else instance.error.status
    if is_local and isinstance(instance.error, ServiceUnavailableError) and status is None:
        return note(
            "connections.emulator-down",
            name,
            f"nothing answers at {instance.endpoint}; signalr-local starts the emulator there",
        )
    by_key = instance.opened_by in (None, BY_KEY)
    # Network rules may keep this machine out and let the app in; a wrong key is wrong everywhere.
    is_wrong_key = instance.opened_by == BY_KEY and status == HTTPStatus.UNAUTHORIZED
    if is_deployed and not is_wrong_key:
        fix = _ROLE_AS_YOU if isinstance(instance.error, UnauthorizedError) else _NETWORK_AS_YOU
        return warning("connections.as-you", name, f"as you, not as the app: {problem}", fix)
    if is_local:
        fix = f"the emulator accepts this connection string: {CONNECTION_STRING}"
        return wrong("connections.service", name, problem, fix)
    fix = _KEY_FIX if is_wrong_key else _NETWORK_FIX if by_key else _ROLE_FIX
    return wrong("connections.service", name, problem, fix)
