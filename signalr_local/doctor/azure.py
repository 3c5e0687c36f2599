"""A deployed app as the Azure CLI describes it: everything that the doctor needs to know, nothing changed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from serverless_signalr._connection.settings import read_instances
from serverless_signalr._connection.vault import is_reference
from serverless_signalr.errors import ConnectionStringError
from signalr_local.doctor.azure_cli import AzureError, ask
from signalr_local.doctor.connection_checks import connections_of
from signalr_local.doctor.files import AppSettings, Papers, Role, ServiceDescription, parse_functions
from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.doctor.health import health_path
from signalr_local.host.functions import Function
from signalr_local.secrets import read_reference

__all__ = ["DeployedApp"]

_FLEX = "flexconsumption"


@dataclass(slots=True)
class DeployedApp:
    """A function app in Azure. ``subscription`` is that of ``az account show`` if it is empty."""

    name: str
    group: str = ""
    subscription: str = ""
    findings: list[Finding] = field(default_factory=list)

    async def read(self) -> Papers:
        """Ask az about the app, its service and its roles.

        What may not be read is left out, with a finding that names the role. Raise AzureError if the app
        itself cannot be read.
        """
        if not self.group:
            self.group = await self._find_group()
        site = await self._ask("functionapp show", *self._app(), what=f"The function app {self.name}")
        self._check_site(site)
        # Each az takes a second to start: what depends on nothing else is asked at once.
        async with _together() as group:
            listed = group.create_task(self._functions())
            given = group.create_task(
                self._ask("functionapp config appsettings list", *self._app(), what="The app settings")
            )
            cors = group.create_task(self._optional("cors", "CORS", "functionapp cors show", *self._app()))
            services = group.create_task(self._optional("service", "the SignalR Service", "signalr list"))
            roles = group.create_task(self._roles(site))
        functions = [function for function, _ in listed.result()]
        is_flex = _FLEX in str(site.get("sku") or _member(site, "properties", "sku") or "").lower()
        settings = AppSettings.parse(
            given.result(), cors.result(), is_flex=is_flex or ("functionAppConfig" in site) or None
        )
        return Papers(
            settings,
            await self._service(services.result(), settings, functions),
            roles.result(),
            functions=functions,
            route_prefix=_prefix(listed.result()),
            host_names=_host_names(site),
            function_key=await self._key(functions),
        )

    def _app(self) -> tuple[str, ...]:
        return ("--name", self.name, "--resource-group", self.group)

    async def _find_group(self) -> str:
        kind = ("--resource-type", "Microsoft.Web/sites", "--name", self.name)
        found = await self._ask("resource list", *kind, what="The resources of the subscription")
        groups = [str(item["resourceGroup"]) for item in found]
        if len(groups) != 1:
            seen = "has no function app" if not groups else f"has {len(groups)} function apps"
            raise AzureError(
                f"The subscription {seen} named {self.name}. Pass --resource-group, or --subscription for "
                "another subscription."
            )
        return groups[0]

    def _check_site(self, site: Mapping[str, Any]) -> None:
        state = str(site.get("state") or "Running")
        if state != "Running":
            start = f"az functionapp start --name {self.name} --resource-group {self.group}"
            self.findings.append(wrong("app.state", self.name, f"it is {state.lower()}", start))
        else:
            self.findings.append(fine("app.state", self.name, "it is running"))

    async def _functions(self) -> list[tuple[Function, str]]:
        listed = await self._ask("functionapp function list", *self._app(), what="The functions")
        try:
            urls = [str(item.get("invokeUrlTemplate") or "") for item in listed]
            return list(zip(parse_functions(listed), urls, strict=True))
        except (ValueError, AttributeError, TypeError) as error:
            raise AzureError(f"{error}.") from None

    async def _key(self, functions: Iterable[Function]) -> str | None:
        """Return the default function key, which the health function asks for."""
        if health_path(functions, "") is None:
            return None
        keys = await self._optional("app", "function keys", "functionapp keys list", *self._app())
        key = _member(keys, "functionKeys", "default")
        return None if key is None else str(key)

    async def _service(
        self, listed: Any, settings: AppSettings, functions: Iterable[Function]
    ) -> ServiceDescription | None:
        if listed is None:
            return None
        names = connections_of(functions, settings.values)
        hosts = await _hosts(names, settings.values)
        near = [item for item in listed if str(item.get("resourceGroup", "")).lower() == self.group.lower()]
        # Without a setting that can be read, the only service beside the app is the likely one.
        found = [item for item in listed if str(item.get("hostName", "")).lower() in hosts]
        found = found or (near if len(near) == 1 and not hosts else [])
        if not found:
            used = ", ".join(sorted(hosts)) or "its setting cannot be read"
            self.findings.append(
                warning(
                    "service.unknown",
                    "SignalR Service",
                    f"the subscription does not have the one that the app uses ({used})",
                    "pass --subscription with that of the service, or --service FILE",
                )
            )
            return None
        return ServiceDescription.parse(found[0])

    async def _roles(self, site: Mapping[str, Any]) -> list[Role] | None:
        identity = site.get("identity") or {}
        assigned = (identity.get("userAssignedIdentities") or {}).values()
        principals = [identity.get("principalId"), *(item.get("principalId") for item in assigned)]
        roles: list[Role] = []
        for principal in filter(None, principals):
            listed = await self._optional(
                "roles", "roles", "role assignment list", "--all", "--assignee", str(principal)
            )
            if listed is None:
                return None
            roles += Role.parse(listed)
        return roles

    async def _optional(self, section: str, what: str, command: str, *options: str) -> Any:
        try:
            return await ask(command, *options, what=what, subscription=self.subscription)
        except AzureError as error:
            rule = f"{section}.unreadable"
            self.findings.append(warning(rule, what, "it could not be read", str(error)))
            return None

    async def _ask(self, command: str, *options: str, what: str) -> Any:
        return await ask(command, *options, what=what, subscription=self.subscription)


async def _hosts(names: Iterable[str], values: Mapping[str, str]) -> set[str]:
    """Return the host names of the services that connections name, as far as they can be read."""
    hosts = set()
    for name in names:
        try:
            resolved = {
                key: await read_reference(key, value) if is_reference(value) else value
                for key, value in values.items()
                if key.replace("__", ":").lower().startswith(name.lower()) or not is_reference(value)
            }
            endpoints = [source.endpoint() for source in read_instances(name, resolved)]
        except (ConnectionStringError, ValueError):
            continue
        hosts |= {(urlsplit(endpoint.server_url).hostname or "").lower() for endpoint in endpoints}
    return hosts


def _prefix(functions: Iterable[tuple[Function, str]]) -> str:
    """Return the route prefix, which only the addresses of HTTP functions tell."""
    for function, url in functions:
        path = urlsplit(url).path.strip("/")
        route = function.route.strip("/")
        if function.is_http and path.lower().endswith(route.lower()) and path:
            return path[: len(path) - len(route)].strip("/")
    return "api"


def _host_names(site: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the app's default host name, if it has one, and its own domains."""
    default = str(site.get("defaultHostName") or "")
    others = site.get("hostNames") or site.get("enabledHostNames") or ()
    return (default, *(str(name) for name in others if name != default)) if default else ()


@asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """Run tasks at once, and raise the first error as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except* AzureError as errors:
        raise errors.exceptions[0] from None


def _member(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
