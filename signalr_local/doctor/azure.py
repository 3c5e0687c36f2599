"""A deployed app as the Azure CLI describes it: everything that the doctor needs to know, nothing changed."""

import asyncio
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from serverless_signalr._connection.settings import read_instances
from serverless_signalr._connection.vault import is_reference
from serverless_signalr.errors import ConnectionStringError
from signalr_local.doctor.connection_checks import connections_of
from signalr_local.doctor.files import AppSettings, Papers, Role, ServiceDescription, parse_functions
from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.doctor.health import health_path
from signalr_local.host.functions import Function
from signalr_local.secrets import read_reference

__all__ = ["AzureError", "DeployedApp"]

_INSTALL = "https://learn.microsoft.com/cli/azure/install-azure-cli"
_REFUSED = ("AuthorizationFailed", "Forbidden", "does not have authorization")
_SIGN_IN = re.compile(r"az login|AADSTS|no subscription", re.IGNORECASE)
_MISSING = ("ResourceNotFound", "ResourceGroupNotFound", "was not found", "could not be found")
_FLEX = "flexconsumption"


class AzureError(Exception):
    """The Azure CLI could not answer; the message says why and what to do."""


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
        host = str(site.get("defaultHostName") or "")
        self._check_site(site)
        functions = await self._functions()
        is_flex = _FLEX in str(site.get("sku") or _member(site, "properties", "sku") or "").lower()
        settings = AppSettings.parse(
            await self._ask("functionapp config appsettings list", *self._app(), what="The app settings"),
            await self._optional("cors.skipped", "CORS", "functionapp cors show", *self._app()),
            is_flex=is_flex or ("functionAppConfig" in site) or None,
        )
        return Papers(
            settings,
            await self._service(settings, functions),
            await self._roles(site),
            functions=[function for function, _ in functions],
            route_prefix=_prefix(functions),
            host_name=host or None,
            function_key=await self._key(function for function, _ in functions),
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
        keys = await self._optional("app.key", "function keys", "functionapp keys list", *self._app())
        key = _member(keys, "functionKeys", "default")
        return None if key is None else str(key)

    async def _service(
        self, settings: AppSettings, functions: Iterable[tuple[Function, str]]
    ) -> ServiceDescription | None:
        listed = await self._optional("service.skipped", "the SignalR Service", "signalr list")
        if listed is None:
            return None
        names = connections_of((function for function, _ in functions), settings.values)
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
                "roles.skipped", "roles", "role assignment list", "--all", "--assignee", str(principal)
            )
            if listed is None:
                return None
            roles += Role.parse(listed)
        return roles

    async def _optional(self, rule: str, what: str, command: str, *options: str) -> Any:
        try:
            return await self._ask(command, *options, what=what)
        except AzureError as error:
            self.findings.append(warning(rule, what, "it could not be read", str(error)))
            return None

    async def _ask(self, command: str, *options: str, what: str) -> Any:
        az = shutil.which("az")
        if az is None:
            raise AzureError(f"The Azure CLI (az) is not installed: {_INSTALL}")
        words = [*command.split(), *options, "--output", "json", "--only-show-errors"]
        if self.subscription:
            words += ["--subscription", self.subscription]
        process = await asyncio.create_subprocess_exec(
            az,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, complaint = await process.communicate()
        if process.returncode:
            raise AzureError(_explain(what, complaint.decode(errors="replace").strip()))
        try:
            return json.loads(output or b"null")
        except ValueError:
            raise AzureError(f"{what} could not be read: az {command} printed no JSON.") from None


def _explain(what: str, complaint: str) -> str:
    last = complaint.splitlines()[-1] if complaint else "az gave no reason"
    if any(word in complaint for word in _REFUSED):
        role = "Website Contributor" if "function" in what or "settings" in what else "Reader"
        return f"{what} cannot be read: you need the role {role} on it, or on its resource group."
    if _SIGN_IN.search(complaint):
        return f"{what} cannot be read: sign in with az login. {last}"
    if any(word in complaint for word in _MISSING):
        return f"{what} does not exist in this subscription and resource group. {last}"
    return f"{what} cannot be read: {last}"


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


def _member(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
