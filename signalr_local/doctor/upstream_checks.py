"""Upstream rules: does every event get to its function?

A rule that is wrong is reported once, with the functions that it concerns. Source:
https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from signalr_local.doctor.files import ServiceDescription
from signalr_local.doctor.findings import Finding, fine, note, warning, wrong
from signalr_local.doctor.service_checks import named
from signalr_local.emulator.rules import UpstreamRule, find_rule, shown_url
from signalr_local.host import trigger
from signalr_local.host.expressions import ExpressionError, resolve_settings
from signalr_local.host.functions import Function
from signalr_local.host.settings import Settings
from signalr_local.host.table import FunctionTable

__all__ = ["KEY_FIX", "Webhook", "check_rules"]

_KEY_COMMAND = "az functionapp keys list --query systemKeys.signalr_extension"
KEY_FIX = f"set code to the system key signalr_extension, as azd hooks run postdeploy does ({_KEY_COMMAND})"
_NAMES = 3
"""Functions that a finding names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address to which a rule sends events and which can be tried."""

    subject: str
    url: str
    is_http_upstream: bool = False


@dataclass(slots=True)
class _Traffic:
    """What a rule carries: the functions that it concerns, and the URLs of their events."""

    functions: list[str] = field(default_factory=list)
    urls: dict[str, None] = field(default_factory=dict)


def check_rules(
    service: ServiceDescription, table: FunctionTable, settings: Settings, host_names: Sequence[str] = ()
) -> tuple[list[Finding], list[Webhook]]:
    """Check the rules against the app's events; return the findings, and the webhooks to be tried.

    ``host_names`` are those of the app, the default one first; without any they are not known.
    """
    triggers = [function for function in table.functions if function.is_signalr]
    if not service.rules:
        needed = triggers or any(_is_upstream(function) for function in table.functions)
        return ([_none(service, host_names)] if needed else []), []
    rules = [_rule(item) for item in service.rules]
    traffic = {number: _Traffic() for number in range(len(rules))}
    findings = list(_assign(rules, traffic, triggers, settings))
    webhooks: list[Webhook] = []
    for number, (rule, item) in enumerate(zip(rules, service.rules, strict=True)):
        subject = f"upstream rule {number + 1}"
        carried = traffic[number]
        if triggers and not carried.functions:
            # It may be for another app of the same service, or behind a rule that takes everything.
            findings.append(note("upstream.unused", subject, "no event of this app goes there"))
            continue
        found = _check(subject, rule, item, carried, table, host_names)
        findings.append(found)
        if not found.is_problem:
            urls = carried.urls or {rule.url_for("hub", "messages", "event"): None}
            is_http = not _is_webhook(rule.url)
            webhooks += [Webhook(subject, url, is_http) for url in urls]
    return findings, webhooks


def _rule(item: Mapping[str, Any]) -> UpstreamRule:
    # In Azure a pattern that is not set matches everything.
    patterns = (str(item.get(name) or "*") for name in ("hubPattern", "categoryPattern", "eventPattern"))
    return UpstreamRule(str(item.get("urlTemplate") or ""), *patterns)


def _assign(
    rules: list[UpstreamRule],
    traffic: Mapping[int, _Traffic],
    triggers: Iterable[Function],
    settings: Settings,
) -> Iterator[Finding]:
    unmatched = []
    for function in triggers:
        try:
            hub, category, event = (
                resolve_settings(str(function.trigger.get(name) or ""), settings)
                for name in ("hubName", "category", "event")
            )
        except ExpressionError:
            continue
        # The service knows hubs in lower case, and compares case-sensitively.
        names = (hub.lower(), category.lower(), event)
        rule = find_rule(rules, *names)
        if rule is None:
            unmatched.append(f"{function.name} (hub {names[0]}, category {names[1]}, event {names[2]})")
            continue
        carried = traffic[rules.index(rule)]
        carried.functions.append(function.name)
        carried.urls[rule.url_for(*names)] = None
    if unmatched:
        yield wrong(
            "upstream.unmatched",
            "upstream rules",
            f"no rule matches the events of {_listed(unmatched)}",
            "set the patterns of a rule to * or to these names, in this spelling",
        )


def _check(
    subject: str,
    rule: UpstreamRule,
    item: Mapping[str, Any],
    carried: _Traffic,
    table: FunctionTable,
    host_names: Sequence[str],
) -> Finding:
    """Return the first thing that is wrong with a rule, or that it is fine."""
    address = next(iter(carried.urls), None) or rule.url_for("hub", "messages", "event")
    url, shown = _split(address), shown_url(address)
    host = _first(host_names)
    right = f"https://{host}{trigger.PATH}?code=KEY"
    if url is None or url.scheme not in ("http", "https"):
        return wrong("upstream.url", subject, "its URL is not a valid one", f"set the URL to {right}")
    if _is_local(url.hostname or ""):
        return wrong(
            "upstream.local",
            subject,
            f"{shown} cannot be reached by the service",
            f"set the URL to {right}; a function app on your machine works with the emulator",
        )
    if url.scheme != "https":
        return wrong("upstream.https", subject, f"{shown} is not encrypted", "start the URL with https")
    if host_names and (url.hostname or "").lower() not in {name.lower() for name in host_names}:
        return warning(
            "upstream.host",
            subject,
            f"{shown} is not this function app, whose host is {host}",
            f"set the host of the URL to {host}, unless another app or a gateway is intended",
        )
    if _is_webhook(url.path):
        return _check_webhook(subject, url, item, carried, shown)
    return _check_function(subject, url, table, right)


def _check_webhook(
    subject: str, url: SplitResult, item: Mapping[str, Any], carried: _Traffic, shown: str
) -> Finding:
    if url.path.rstrip("/").lower() != trigger.PATH:
        # The path may hold the key: the ? before code= is easily lost.
        return wrong(
            "upstream.path",
            subject,
            f"its path only starts with {trigger.PATH}",
            f"end the URL in {trigger.PATH}?code=KEY",
        )
    if "code" not in parse_qs(url.query):
        identity = (item.get("auth") or {}).get("type") == "ManagedIdentity"
        why = ": the host asks for the system key even with ManagedIdentity" if identity else ""
        return wrong(
            "upstream.code", subject, f"{shown} has no code{why}", f"append ?code=KEY to the URL; {KEY_FIX}"
        )
    count = len(carried.functions)
    carries = f"events of {count} function{'s' if count != 1 else ''}"
    return fine("upstream.rule", subject, f"{carries}, to {url.hostname}")


def _check_function(subject: str, url: SplitResult, table: FunctionTable, right: str) -> Finding:
    found = table.by_request(url.path, "POST")
    if found is None:
        return wrong(
            "upstream.route",
            subject,
            f"the app has no HTTP function at {url.path.partition('code=')[0]}",
            f"for SignalR triggers set the URL to {right}, for an HTTP upstream to the route of its function",
        )
    function = found[0]
    return fine("upstream.rule", subject, f"events go to the HTTP function {function.name}")


def _none(service: ServiceDescription, host_names: Sequence[str]) -> Finding:
    url = f"https://{_first(host_names)}{trigger.PATH}?code=KEY"
    return warning(
        "upstream.none",
        "upstream rules",
        "there are none, so the app receives no events",
        f"azd hooks run postdeploy, or az signalr upstream update{named(service)} --template "
        f"url-template='{url}' hub-pattern='*' category-pattern='*' event-pattern='*'",
    )


def _first(host_names: Sequence[str]) -> str:
    return host_names[0] if host_names else "APP.azurewebsites.net"


def _is_upstream(function: Function) -> bool:
    return function.is_http and function.route.rpartition("/")[2].lower() == "upstream"


def _is_webhook(address: str) -> bool:
    return trigger.PATH in address.partition("?")[0].lower()


def _is_local(host: str) -> bool:
    if host.lower() == "localhost" or host.lower().endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _split(address: str) -> SplitResult | None:
    try:
        url = urlsplit(address)
        _ = url.port
    except ValueError:
        return None
    return url if url.hostname else None


def _listed(names: list[str]) -> str:
    shown = "; ".join(names[:_NAMES])
    return shown if len(names) <= _NAMES else f"{shown} and {len(names) - _NAMES} more"
