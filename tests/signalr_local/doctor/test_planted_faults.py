"""Faults of a deployed app that az or the round trip shows: each is named, and its fix ends it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from tests.signalr_local.doctor.apps import HOST, KEY, NAME, listed
from tests.signalr_local.doctor.deployment import SERVICE, WEBHOOK, Azure

HEALTH = listed(
    "health",
    {"type": "httpTrigger", "name": "req", "direction": "in", "route": "health", "methods": ["GET"]},
)

type Change = Callable[[Azure], object]


@dataclass(frozen=True)
class Fault:
    """How to plant a fault, the rule that finds it, words of what is seen and of the fix, and the fix."""

    rule: str
    plant: Change
    seen: str
    fix: str
    mend: Change
    also: tuple[str, ...] = ()
    """Other rules that see the same fault from another side."""

    options: tuple[str, ...] = ()


def both(*changes: Change) -> Change:
    def change(azure: Azure) -> None:
        for one in changes:
            one(azure)

    return change


def answer(path: str, status: int, body: object = None, headers: dict[str, str] | None = None) -> Change:
    text = json.dumps(body) if body is not None else ""
    return lambda azure: azure.front.answers.update(
        {path: web.Response(status=status, text=text, headers=headers)}
    )


def app_answers(azure: Azure) -> None:
    """Let the app answer everything itself, as after a new deployment or a change in its portal."""
    azure.front.answers.clear()


def health(status: int, body: object) -> Change:
    def change(azure: Azure) -> None:
        azure.described.functions.append(HEALTH)
        answer("/api/health", status, body)(azure)

    return change


def az_refuses(command: str) -> Change:
    return lambda azure: azure.answers.update({command: (1, "ERROR: (AuthorizationFailed) no")})


def az_allows(azure: Azure) -> None:
    azure.answers.clear()


def service(**members: object) -> Change:
    return lambda azure: azure.described.service.update(members)


def down(name: str) -> Change:
    return lambda azure: azure.cloud.down.add(name)


def up(azure: Azure) -> None:
    azure.cloud.down.clear()


def key(front: str) -> Change:
    return lambda azure: setattr(azure.front, "key", front)


def site(**members: object) -> Change:
    base = {"defaultHostName": HOST, "state": "Running", "sku": "FlexConsumption"}
    return lambda azure: azure.answers.update({"functionapp show": (0, {**base, **members})})


def keys(*keys: str) -> Change:
    return lambda azure: setattr(azure.emulator, "keys", list(keys))


def no_rules(azure: Azure) -> None:
    azure.kept = azure.emulator.upstream
    azure.emulator.upstream = []


def rules_again(azure: Azure) -> None:
    azure.emulator.upstream = azure.kept


def no_health_in_the_app(azure: Azure) -> None:
    health(503, {"instances": [{"setting": NAME, "problem": "the key is wrong"}]})(azure)


def healthy(azure: Azure) -> None:
    answer("/api/health", 200, {"status": "healthy"})(azure)


NEGOTIATE = "/api/negotiate"
LOGIN = {"Location": "https://login.microsoftonline.com/"}

FAULTS = {
    "negotiate is not there": Fault(
        "round-trip.negotiate",
        answer(NEGOTIATE, 404),
        "status 404",
        "check in its log that the function is loaded",
        app_answers,
    ),
    "negotiate asks for a key": Fault(
        "round-trip.negotiate",
        answer(NEGOTIATE, 401),
        "status 401",
        "set auth_level to anonymous, or pass what clients send with --header",
        app_answers,
    ),
    "negotiate sends to a login page": Fault(
        "round-trip.negotiate",
        answer(NEGOTIATE, 302, headers=LOGIN),
        "status 302",
        "--header 'Authorization: Bearer TOKEN'",
        app_answers,
    ),
    "negotiate fails": Fault(
        "round-trip.negotiate",
        answer(NEGOTIATE, 500),
        "status 500",
        "often the connection setting is missing or unresolved",
        app_answers,
    ),
    "the host did not start": Fault(
        "round-trip.negotiate", answer(NEGOTIATE, 503), "status 503", "the host did not start", app_answers
    ),
    "negotiate answers something else": Fault(
        "round-trip.negotiate",
        answer(NEGOTIATE, 200, {"message": "hello"}),
        "no url and accessToken",
        "return the connection info unchanged",
        app_answers,
    ),
    "negotiate answers with no address": Fault(
        "round-trip.negotiate",
        answer(NEGOTIATE, 200, {"url": "/client", "accessToken": "x"}),
        "the url in the answer is not an address: '/client'",
        "return the connection info unchanged",
        app_answers,
    ),
    "the app cannot be reached": Fault(
        "round-trip.negotiate",
        down(HOST),
        f"{HOST} cannot be reached",
        "check that the function app is running",
        up,
        also=("upstream.unreachable",),
    ),
    "the health function cannot be reached": Fault(
        "app.unreachable",
        both(health(200, {}), down(HOST)),
        f"{HOST} cannot be reached from here",
        "if it is in a private network, run the doctor in there",
        up,
        also=("upstream.unreachable", "round-trip.negotiate"),
    ),
    "the service cannot be reached": Fault(
        "round-trip.service",
        down(SERVICE),
        f"{SERVICE} cannot be reached",
        "network rules",
        up,
        also=("connections.as-you",),
    ),
    "the app signs with another key": Fault(
        "round-trip.service",
        keys(KEY[::-1]),
        f"{SERVICE} answered with status 401",
        "copy the connection string anew",
        keys(KEY),
        also=("connections.service",),
    ),
    "a proxy refuses WebSockets": Fault(
        "round-trip.connect",
        lambda azure: azure.replace_service(status=403),
        f"{SERVICE} opens no WebSocket, or ends it (status 403)",
        "check that a proxy or firewall between you and the service lets WebSockets through",
        lambda azure: azure.service_again(),
    ),
    "the service refuses the connection": Fault(
        "round-trip.connected",
        lambda azure: azure.replace_service(frame='{"error":"No server is connected."}\x1e'),
        "the service refused the connection: No server is connected.",
        "check that the service is in Serverless mode",
        lambda azure: azure.service_again(),
    ),
    "the upstream has an old code": Fault(
        "round-trip.upstream",
        key("new-key"),
        "status code 401",
        "set code to the system key signalr_extension",
        key("the-key"),
        also=("upstream.code",),
    ),
    "authentication refuses events": Fault(
        "round-trip.upstream",
        answer(WEBHOOK, 403),
        "status code 403",
        "exclude the path of the upstream URL from App Service Authentication",
        app_answers,
        also=("upstream.restricted",),
    ),
    "the webhook answers 404": Fault(
        "round-trip.upstream",
        answer(WEBHOOK, 404),
        "status code 404",
        "if the section Upstream says 404 too, follow its fix",
        app_answers,
        also=("upstream.flex",),
    ),
    "the host fails": Fault(
        "round-trip.upstream",
        answer(WEBHOOK, 500),
        "status code 500",
        "look for the exception in the app's log",
        app_answers,
        also=("upstream.answer",),
    ),
    "no event arrives": Fault(
        "round-trip.call",
        no_rules,
        "was not answered within",
        "check that an upstream rule matches it",
        rules_again,
    ),
    "a method of the app fails": Fault(
        "round-trip.call",
        lambda azure: None,
        "fail was answered with an error",
        "the error is the app's own: look at its log",
        lambda azure: azure.options.clear(),
        options=("--call", "fail"),
    ),
    "the rule leads to localhost": Fault(
        "upstream.local",
        lambda azure: azure.described.rule.update(urlTemplate=f"http://localhost:7071{WEBHOOK}"),
        "cannot be reached by the service",
        f"set the URL to https://{HOST}{WEBHOOK}?code=KEY",
        lambda azure: azure.described.rule.update(urlTemplate=f"https://{HOST}{WEBHOOK}?code=the-key"),
    ),
    "the functions are not loaded": Fault(
        "upstream.not-found",
        both(lambda azure: azure.described.functions.pop(), answer(WEBHOOK, 404)),
        "nothing is there (status 404)",
        "check that its SignalR triggers are listed",
        both(lambda azure: azure.described.functions.append(ECHO), app_answers),
    ),
    "the app is stopped": Fault(
        "app.state",
        site(state="Stopped"),
        "it is stopped",
        "az functionapp start --name app --resource-group rg-chat",
        site(state="Running"),
    ),
    "the app does not reach its service": Fault(
        "app.health",
        no_health_in_the_app,
        f"{NAME}: the key is wrong",
        "follow what it says, then run the doctor again",
        healthy,
    ),
    "the health function fails": Fault(
        "app.health-answer",
        health(500, {}),
        "it answers with status 500",
        "look for the exception in the app's log",
        healthy,
    ),
    "you may not read the keys": Fault(
        "app.unreadable",
        both(health(200, {}), az_refuses("functionapp keys list")),
        "it could not be read",
        "you need the role Website Contributor",
        az_allows,
    ),
    "you may not read CORS": Fault(
        "cors.unreadable",
        az_refuses("functionapp cors show"),
        "it could not be read",
        "you need the role",
        az_allows,
    ),
    "you may not read the service": Fault(
        "service.unreadable",
        az_refuses("signalr list"),
        "it could not be read",
        "you need the role Reader",
        az_allows,
    ),
    "you may not read the roles": Fault(
        "roles.unreadable",
        both(site(identity={"principalId": "p"}), az_refuses("role assignment list")),
        "it could not be read",
        "you need the role Reader",
        az_allows,
    ),
    "the service is in another mode": Fault(
        "service.mode",
        service(features=[{"flag": "ServiceMode", "value": "Default"}]),
        "events are not sent upstream",
        "az signalr update --name chat --resource-group rg-chat --service-mode Serverless",
        service(features=[{"flag": "ServiceMode", "value": "Serverless"}]),
    ),
    "the service is in another subscription": Fault(
        "service.unknown",
        service(hostName="other.service.signalr.net"),
        SERVICE,
        "pass --subscription with that of the service",
        service(hostName=SERVICE),
    ),
}
ECHO: dict[str, Any] = listed(
    "echo",
    {
        "type": "signalRTrigger",
        "name": "invocation",
        "hubName": "talk",
        "category": "messages",
        "event": "echo",
    },
)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_planted_fault_is_named_and_its_fix_ends_it(
    azure: Azure, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    fault.plant(azure)
    azure.options = list(fault.options)
    with pytest.MonkeyPatch.context() as patch:
        if fault.plant is no_rules:
            patch.setattr("signalr_local.doctor.plan._PATIENCE", 0.5)
        code, printed = await azure.doctor(capsys, "--output", "json")
    problems = [item for item in json.loads(printed)["findings"] if item["state"] in ("error", "warning")]
    assert {item["rule"] for item in problems} == {fault.rule, *fault.also}, printed
    [found] = [item for item in problems if item["rule"] == fault.rule]
    assert fault.seen in found["seen"]
    assert fault.fix in found["fix"]
    assert code == (1 if any(item["state"] == "error" for item in problems) else 0)
    fault.mend(azure)
    code, printed = await azure.doctor(capsys)
    assert (code, printed.splitlines()[-1]) == (0, "No problems found."), printed
