"""The service: is it there, does it accept the app's key, and do its events find their functions?"""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

import aiohttp

from local.doctor.files import AppSettings, ServiceDescription
from local.doctor.findings import Finding, fine, warning, wrong
from local.host import trigger
from local.host.expressions import resolve_settings
from local.host.functions import Function
from local.host.settings import Settings
from signalr.endpoint import Endpoint
from signalr.health import check_health
from signalr.tokens import sign_server_token

__all__ = ["check_cors", "check_description", "check_identity", "check_reachable"]

_START = "start it with make run; where it runs on another port, write that port into the connection string"
_TIMEOUT = aiohttp.ClientTimeout(total=15)


async def check_reachable(setting: str, endpoint: Endpoint, hub: str) -> list[Finding]:
    """Ask the service whether it is well, and with the app's key whether somebody is there who is not."""
    base = endpoint.server_url
    path = f"{base}/api/hubs/{hub.lower()}/connections/doctor"
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        try:
            async with session.head(f"{base}/api/health?api-version=2022-06-01") as response:
                healthy = response.status
            if endpoint.access_key is None:
                return [fine(setting, f"{base} answers {healthy}; no access key to try")]
            headers = {"Authorization": f"Bearer {sign_server_token(endpoint, path)}"}
            async with session.head(f"{path}?api-version=2022-06-01", headers=headers) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError) as error:
            fix = _START if "localhost" in base else "check name and network"
            return [wrong(setting, f"{base} cannot be reached: {type(error).__name__}", fix)]
    if status in (401, 403):
        return [
            wrong(
                setting,
                f"{base} answers {status}: it does not accept the access key",
                "copy the connection string anew; the key was renewed, or local authentication is disabled",
            )
        ]
    if healthy != 200 or status not in (200, 404):
        return [warning(setting, f"{base} answers {healthy} (health) and {status}", "look at its metrics")]
    return [fine(setting, f"{base} is well and accepts the access key")]


async def check_identity(setting: str, settings: Mapping[str, str]) -> list[Finding]:
    """Ask the service as the identity that the settings name: on this machine, mostly the developer's."""
    found: list[Finding] = []
    for instance in (await check_health(setting, settings)).instances:
        if instance.problem is None:
            found.append(fine(setting, f"{instance.endpoint} is well, and lets in {instance.opened_by}"))
        else:
            what, _, fix = instance.problem.rpartition("; ")
            found.append(wrong(setting, what or instance.problem, fix if what else "correct the settings"))
    return found


def check_description(
    service: ServiceDescription, functions: list[Function], settings: Settings
) -> Iterator[Finding]:
    """Look whether the service is in Serverless mode and sends every event to where its function is."""
    if service.mode == "Serverless":
        yield fine("service mode", "Serverless")
    else:
        yield wrong(
            "service mode",
            f"{service.mode}: events are not sent upstream",
            "az signalr update --service-mode Serverless",
        )
    for function in functions:
        if function.is_signalr:
            yield _check_event(service, function, settings)


def _check_event(service: ServiceDescription, function: Function, settings: Settings) -> Finding:
    hub, category, event = (
        resolve_settings(str(function.trigger.get(name) or ""), settings)
        for name in ("hubName", "category", "event")
    )
    subject = f"function {function.name}"
    # The service knows hubs in lower case, and compares with regard to case.
    rule = next((one for one in service.rules if _matches(one, hub.lower(), category, event)), None)
    if rule is None:
        return wrong(
            subject,
            f"no upstream rule matches hub {hub.lower()}, category {category}, event {event}",
            "add a rule with the patterns *, or with these names, in this spelling",
        )
    url = urlsplit(str(rule.get("urlTemplate", "")))
    if url.path.rstrip("/").lower() != trigger.PATH:
        return wrong(subject, f"its events go to {url.path}", f"the URL ends in {trigger.PATH}?code=…")
    if "code" not in parse_qs(url.query):
        return wrong(
            subject,
            "the upstream URL has no code",
            "add ?code= with the system key signalr_extension of the function app",
        )
    if url.scheme != "https":
        return wrong(subject, f"the upstream URL starts with {url.scheme}", "use https")
    return fine(subject, "its events reach it")


def _matches(rule: Mapping[str, str], hub: str, category: str, event: str) -> bool:
    wanted = {"hubPattern": hub, "categoryPattern": category, "eventPattern": event}
    return all(
        (pattern := rule.get(name, "*")) == "*" or value in [part.strip() for part in str(pattern).split(",")]
        for name, value in wanted.items()
    )


def check_cors(app: AppSettings, service: ServiceDescription | None) -> Iterator[Finding]:
    """Look whether pages on other origins can negotiate, and then connect."""
    if app.cors_origins and not app.cors_credentials:
        yield wrong(
            "CORS",
            "origins are allowed without credentials, which SignalR clients send",
            "set CORSCredentials to true",
        )
    elif app.cors_origins:
        yield fine("CORS", f"{', '.join(app.cors_origins)}, with credentials")
    if service is None:
        return
    if "*" in service.cors_origins:
        yield warning("CORS of the service", "every origin may connect", "list the origins of your pages")
    missing = [origin for origin in app.cors_origins if origin not in service.cors_origins]
    if service.cors_origins and missing and "*" not in service.cors_origins:
        yield warning(
            "CORS of the service",
            f"{', '.join(missing)} may negotiate and not connect",
            "allow the same origins on the service and on the function app",
        )
