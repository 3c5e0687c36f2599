"""The webhook: does the app take events at the address to which the service sends them?"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from urllib.parse import parse_qs, urlsplit

import aiohttp

from serverless_signalr._rest.pool import proxy, running_pool
from signalr_local.doctor.findings import Finding, fine, warning, wrong
from signalr_local.doctor.network import FAILURES, unreachable
from signalr_local.doctor.upstream_checks import KEY_FIX, Webhook
from signalr_local.host import trigger

__all__ = ["check_webhook"]

_TIMEOUT = aiohttp.ClientTimeout(total=30)
_FLEX = "https://github.com/Azure/azure-functions-host/issues/11493"

_KEY_VAULT = "{@Microsoft.KeyVault("


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    wants_sign_in: bool
    milliseconds: float


async def check_webhook(webhook: Webhook, *, has_triggers: bool = False) -> Finding:
    """Send the address a request that no function can take, and judge the answer.

    ``has_triggers`` tells that Azure lists SignalR triggers of the app: then 404 is not the app's fault.
    """
    parts = urlsplit(webhook.url)
    subject = f"{webhook.subject} ({parts.hostname})"
    code = parse_qs(parts.query).get("code", [""])[0]
    if code.startswith(_KEY_VAULT):
        return fine("upstream.webhook", subject, "its code is in Key Vault, which only the service reads")
    try:
        answer = await _ask(webhook.url)
    except FAILURES as error:
        fix = "start the function app, and compare the host with the app's default domain"
        return warning("upstream.unreachable", subject, *unreachable(parts.hostname, error, fix))
    if webhook.is_http_upstream:
        return _judge_http(subject, answer)
    return _judge(subject, answer, has_triggers=has_triggers)


async def _ask(url: str) -> _Answer:
    session = (await running_pool()).session
    started = perf_counter()
    async with session.post(
        url,
        data=b"",
        headers={"Content-Type": "text/plain"},
        proxy=proxy(url),
        timeout=_TIMEOUT,
        allow_redirects=False,
    ) as response:
        # App Service Authentication redirects to its login page, or asks for a token by the app's name.
        challenge = response.headers.get("WWW-Authenticate", "")
        wants_sign_in = response.status in (301, 302) or "realm=" in challenge
        return _Answer(response.status, wants_sign_in, (perf_counter() - started) * 1000)


def _judge(subject: str, answer: _Answer, *, has_triggers: bool) -> Finding:
    # The SignalR extension refuses what is neither JSON nor MessagePack, once the host has let it through.
    if answer.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return _fine(subject, "it accepts the code", answer)
    if answer.wants_sign_in:
        return _sign_in(subject, answer, trigger.PATH)
    if answer.status == HTTPStatus.FORBIDDEN:
        return _restricted(subject)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return wrong(
            "upstream.code", subject, "it refuses the code of the upstream URL (status 401)", KEY_FIX
        )
    if answer.status == HTTPStatus.NOT_FOUND:
        return _not_found(subject, has_triggers=has_triggers)
    return warning(
        "upstream.answer",
        subject,
        f"it answers with status {answer.status} instead of 415",
        "look for errors in the app's log, then run the doctor again",
    )


def _fine(subject: str, seen: str, answer: _Answer) -> Finding:
    shown = f"{answer.milliseconds:.0f} ms, {seen}"
    return fine("upstream.webhook", subject, shown, answer.milliseconds)


def _sign_in(subject: str, answer: _Answer, path: str) -> Finding:
    return wrong(
        "upstream.forbidden",
        subject,
        f"App Service Authentication refuses events (status {answer.status})",
        f"exclude {path} from App Service Authentication",
    )


def _restricted(subject: str) -> Finding:
    # An access restriction may let the service in and this machine not.
    return warning(
        "upstream.restricted",
        subject,
        "an access restriction or App Service Authentication refuses this machine (status 403)",
        "unless the restriction lets the service tag AzureSignalR in and the round trip succeeds: allow that "
        "tag, and exclude the path from App Service Authentication",
    )


def _not_found(subject: str, *, has_triggers: bool) -> Finding:
    if has_triggers:
        return wrong(
            "upstream.flex",
            subject,
            "the host answers 404 although it lists SignalR triggers, a known fault of Flex Consumption "
            f"({_FLEX})",
            "restart the app (az functionapp restart); if it comes back, receive events with "
            "app.add_signalr_upstream() and azd env set SIGNALR_UPSTREAM http",
        )
    return wrong(
        "upstream.not-found",
        subject,
        "nothing is there (status 404)",
        "deploy the app, check that its SignalR triggers are listed, and compare the host name",
    )


def _judge_http(subject: str, answer: _Answer) -> Finding:
    # The request is not signed, so that refusing it is right.
    expected: Mapping[int, str] = {
        HTTPStatus.UNAUTHORIZED: "it refuses requests that are not signed",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "it is there",
    }
    if answer.status in expected and not answer.wants_sign_in:
        return _fine(subject, expected[answer.status], answer)
    if answer.wants_sign_in:
        return _sign_in(subject, answer, "its path")
    if answer.status == HTTPStatus.FORBIDDEN:
        return _restricted(subject)
    if answer.status == HTTPStatus.NOT_FOUND:
        return _not_found(subject, has_triggers=False)
    return warning(
        "upstream.answer",
        subject,
        f"it answers a request without signature with status {answer.status} instead of 401",
        "send events to a function that add_signalr_upstream() or upstream_route makes",
    )
