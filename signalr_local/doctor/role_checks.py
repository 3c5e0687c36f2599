"""The roles of the app's identity: do they include those that its connections need?

Source: https://learn.microsoft.com/azure/azure-signalr/signalr-howto-authorize-managed-identity and
https://learn.microsoft.com/azure/key-vault/general/rbac-guide.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from serverless_signalr._connection.settings import InstanceSettings, read_instances
from serverless_signalr._connection.vault import SecretReference
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ConnectionStringError
from signalr_local.doctor.files import Role
from signalr_local.doctor.findings import Finding, fine, wrong
from signalr_local.host.settings import Settings

__all__ = ["check_roles"]

_SERVICE_OWNER = "7e4f1700-ea5a-4f59-8f37-079cfe29dce3"
_APP_SERVER = "420fcaa2-552c-430f-98ca-3264be4806c7"
_REST_API_OWNER = "fd53cd77-2268-407a-8f46-7e7863d0f521"

_DOMAIN = ".service.signalr.net"

_READ_SECRETS = {
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
}


def check_roles(roles: Iterable[Role], names: Iterable[str], values: Mapping[str, str]) -> Iterator[Finding]:
    """Check what every instance of the connections needs: rights on the service, and on its secret."""
    held = list(roles)
    for name in names:
        for source in read_instances(name, Settings(values)):
            # The check of the connection reports one that is wrong in itself.
            with suppress(ConnectionStringError):
                yield from _check_source(held, source)


def _check_source(held: list[Role], source: InstanceSettings) -> Iterator[Finding]:
    references = source.references()
    for setting, reference in references.items():
        yield _check_vault(held, setting, reference)
    endpoint = None if references else source.endpoint()
    if endpoint is not None and endpoint.identity is not None:
        yield _check_service(held, source.setting, endpoint)


def _check_service(held: list[Role], setting: str, endpoint: Endpoint) -> Finding:
    host = (urlsplit(endpoint.url).hostname or "").lower()
    # Another domain does not tell which resource it is.
    service = host.partition(".")[0] if host.endswith(_DOMAIN) else None
    seen = {role.id for role in held if _covers(role, "microsoft.signalrservice/signalr", service)}
    if _SERVICE_OWNER in seen or {_APP_SERVER, _REST_API_OWNER} <= seen:
        return fine("roles.service", setting, f"the identity has the role that it needs on {host}")
    lacking = {
        frozenset({_APP_SERVER}): "may negotiate, but not send",
        frozenset({_REST_API_OWNER}): "may send, but not negotiate",
    }
    what = lacking.get(frozenset(seen & {_APP_SERVER, _REST_API_OWNER}), "may neither negotiate nor send")
    return wrong(
        "roles.service",
        setting,
        f"the app's identity {what} on {host}",
        "grant it the role SignalR Service Owner on the resource",
    )


def _check_vault(held: list[Role], name: str, reference: SecretReference) -> Finding:
    vault = reference.host.partition(".")[0]
    secret = f"{vault}/secrets/{reference.name.lower()}"
    for role in held:
        covers = any(_covers(role, "microsoft.keyvault/vaults", place) for place in (vault, secret))
        if role.id in _READ_SECRETS and covers:
            return fine(
                "roles.vault", name, f"the identity has the role {_READ_SECRETS[role.id]} for {reference}"
            )
    return wrong(
        "roles.vault",
        name,
        f"the app's identity may not read {reference}",
        "grant it the role Key Vault Secrets User on the vault; if the vault has access policies instead of "
        "roles, the permission Get for secrets",
    )


def _covers(role: Role, kind: str, resource: str | None) -> bool:
    """Tell whether a role is held on a resource, or on a group or subscription of which it may be one."""
    _, is_below, place = role.scope.lower().partition("/providers/")
    if not is_below or place.startswith("microsoft.management/"):
        return True
    return place.startswith(f"{kind}/") if resource is None else place == f"{kind}/{resource}"
