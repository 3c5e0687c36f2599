"""The service as it is set up: its mode, its upstream rules, and which pages may connect."""

from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from urllib.parse import SplitResult, parse_qs, urlsplit

import aiohttp

from serverless_signalr._rest.pool import proxy, running_pool
from signalr_local.doctor.files import ServiceDescription
from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.emulator.rules import UpstreamRule, find_rule
from signalr_local.host import trigger
from signalr_local.host.cors import Cors
from signalr_local.host.expressions import resolve_settings
from signalr_local.host.functions import Function, FunctionTable
from signalr_local.host.settings import Settings

__all__ = ["check_cors", "check_description"]

_TIMEOUT = aiohttp.ClientTimeout(total=30)

_KEY_FIX = "take the system key signalr_extension of the function app: azd hooks run postdeploy does it"

_ANSWERS: Mapping[int, tuple[str, str]] = {
    HTTPStatus.UNAUTHORIZED: ("it does not take the code of the upstream URL", _KEY_FIX),
    HTTPStatus.FORBIDDEN: (
        "it lets nobody in",
        f"exclude {trigger.PATH} from App Service Authentication and from access restrictions",
    ),
    HTTPStatus.NOT_FOUND: (
        "nothing is there",
        "deploy the app, see that its SignalR triggers are listed, and compare the host name",
    ),
}


async def check_description(
    service: ServiceDescription, table: FunctionTable, settings: Settings
) -> AsyncIterator[Finding]:
    """Look whether the service is in Serverless mode and sends every event to where its function is."""
    if service.mode == "Serverless":
        yield fine("service mode", "Serverless")
    else:
        yield wrong(
            "service mode",
            f"{service.mode}: events are not sent upstream",
            "az signalr update --service-mode Serverless",
        )
    if not service.rules:
        yield warning(
            "upstream rules", "there are none: the app hears of no event", "add one, unless that is meant"
        )
    for rule in _rules(service):
        for finding in _check_route(rule, table):
            yield finding
    urls: dict[str, None] = {}
    for function in table.functions if service.rules else ():
        if function.is_signalr:
            finding, url = _check_event(service, function, settings)
            yield finding
            if url is not None:
                urls[url] = None
    for url in urls:
        yield await _check_webhook(url)


def check_cors(app: Cors, service: ServiceDescription | None) -> Iterator[Finding]:
    """Look whether pages on other origins can negotiate, and then connect."""
    if "*" in app.origins and app.credentials:
        yield wrong(
            "CORS", "every origin is allowed, with credentials", "list the origins: browsers forbid *"
        )
    elif app.origins and not app.credentials:
        yield wrong(
            "CORS",
            "origins are allowed without credentials, which SignalR clients send",
            "set CORSCredentials to true; in Azure: az functionapp cors credentials --enable true",
        )
    elif app.origins:
        yield fine("CORS", f"{', '.join(app.origins)}, with credentials")
    else:
        yield fine("CORS", "only pages of the app itself may negotiate")
    if service is None:
        return
    if "*" in service.cors_origins:
        yield warning("CORS of the service", "every origin may connect", "list the origins of your pages")
    missing = [origin for origin in app.origins if origin not in service.cors_origins]
    if service.cors_origins and missing and "*" not in service.cors_origins:
        yield warning(
            "CORS of the service",
            f"{', '.join(missing)} may negotiate and not connect",
            "allow the same origins on the service and on the function app",
        )


def _check_event(
    service: ServiceDescription, function: Function, settings: Settings
) -> tuple[Finding, str | None]:
    """Return what is found about a function's event, and the URL to which it goes if that makes sense."""
    hub, category, event = (
        resolve_settings(str(function.trigger.get(name) or ""), settings)
        for name in ("hubName", "category", "event")
    )
    # The service knows hubs in lower case, and compares with regard to case.
    hub = hub.lower()
    subject = f"function {function.name}"
    rule = find_rule(_rules(service), hub, category, event)
    if rule is None:
        return wrong(
            subject,
            f"no upstream rule matches hub {hub}, category {category}, event {event}",
            "add a rule with the patterns *, or with these names, in this spelling",
        ), None
    address = rule.url_for(hub, category, event)
    url = _split(address)
    if url is None:
        return wrong(subject, "its upstream URL is none", "correct the rule"), None
    if url.path.rstrip("/").lower() != trigger.PATH:
        # The path may hold the key: the ? before code= is easily lost.
        return wrong(subject, "its events go to another path", f"the URL ends in {trigger.PATH}?code=…"), None
    if "code" not in parse_qs(url.query):
        return wrong(subject, "the upstream URL has no code", f"add ?code=, {_KEY_FIX}"), None
    if url.scheme != "https":
        return wrong(subject, "the upstream URL does not start with https", "use https"), None
    return fine(subject, f"its events go to {url.hostname}"), address


def _check_route(rule: UpstreamRule, table: FunctionTable) -> Iterator[Finding]:
    """Look whether a rule that does not lead to the triggers leads to an HTTP function of the app."""
    url = _split(rule.url_for("hub", "messages", "event"))
    if url is None or trigger.PATH in url.path.lower():
        return
    found = table.by_request(url.path, "POST")
    if found is not None:
        yield fine(f"upstream {url.hostname}", f"events go to the function {found[0].name}, over HTTP")
    else:
        yield wrong(
            f"upstream {url.hostname}",
            "the app has no HTTP function where its events go",
            f"for SignalR triggers the URL ends in {trigger.PATH}?code=…, for a ServerlessHub in the "
            "upstream_route that it has, with /api before it",
        )


def _rules(service: ServiceDescription) -> list[UpstreamRule]:
    """Return the rules as the emulator knows them. In Azure a pattern that is not set matches everything."""
    return [
        UpstreamRule(
            str(rule.get("urlTemplate") or ""),
            *(str(rule.get(name) or "*") for name in ("hubPattern", "categoryPattern", "eventPattern")),
        )
        for rule in service.rules
    ]


def _split(address: str) -> SplitResult | None:
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError:
        return None
    return url if url.hostname else None


async def _check_webhook(url: str) -> Finding:
    """Ask where events go whether the key is right, with a request that no function can take."""
    parts = urlsplit(url)
    code = parse_qs(parts.query)["code"][0]
    subject = f"upstream {parts.hostname}"
    if code.startswith("{@Microsoft.KeyVault("):
        return fine(subject, "its code is in Key Vault, where the service reads it")
    session = (await running_pool()).session
    headers = {"Content-Type": "text/plain"}
    try:
        async with session.post(
            url, data=b"", headers=headers, proxy=proxy(url), timeout=_TIMEOUT, allow_redirects=False
        ) as response:
            status = response.status
            # App Service Authentication sends to its login page, or asks for a token by the app's name.
            challenge = response.headers.get("WWW-Authenticate", "")
            wants_sign_in = response.status in (301, 302) or "realm=" in challenge
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return wrong(
            subject, f"it cannot be reached: {type(error).__name__}", "check the name and the network"
        )
    # The SignalR extension refuses what is neither JSON nor MessagePack, once the host has let it through.
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return fine(subject, "it is there, and takes the code")
    if wants_sign_in or status in _ANSWERS:
        seen, fix = _ANSWERS[HTTPStatus.FORBIDDEN if wants_sign_in else status]
        return wrong(subject, f"{seen} (it answers {status})", fix)
    return warning(subject, f"it answers {status}, expected 415", "look at the app's log, then try again")
