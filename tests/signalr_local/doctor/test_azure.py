"""What the doctor finds about a deployed app: its settings, secrets, roles, CORS, service and webhook."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from signalr_local.doctor.examination import examine
from signalr_local.doctor.files import Papers
from signalr_local.doctor.findings import Finding, State
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, Cloud, Host, forbidden

NAME = "AzureSignalRConnectionString"
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
URL = "https://chat.service.signalr.net"
STRING = f"Endpoint={URL};AccessKey={KEY};Version=1.0;"
REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
STORAGE = {"AzureWebJobsStorage__credential": "managedidentity"}
IDENTITY = {f"{NAME}__serviceUri": URL, f"{NAME}__credential": "managedidentity", f"{NAME}__clientId": CLIENT}
WEBHOOK = "https://app.azurewebsites.net/runtime/webhooks/signalr?code=the-key"
SERVICE_SCOPE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.SignalRService/SignalR/chat"
VAULT_SCOPE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/main"

SERVICE_OWNER = "7e4f1700-ea5a-4f59-8f37-079cfe29dce3"
APP_SERVER = "420fcaa2-552c-430f-98ca-3264be4806c7"
REST_API_OWNER = "fd53cd77-2268-407a-8f46-7e7863d0f521"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"

type Examine = Callable[..., Awaitable[list[Finding]]]


class FunctionApp(Host):
    """Be the function app in Azure, which answers a request to its webhook."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/runtime/webhooks/signalr":
            return web.Response(status=404)
        if request.query.get("code") != "the-key":
            return web.Response(status=401)
        is_event = request.content_type in ("application/json", "application/x-msgpack")
        return web.Response(status=200 if is_event else 415)


@pytest.fixture(autouse=True)
def function_app(cloud: Cloud) -> FunctionApp:
    cloud.service.keys.add(KEY)
    app = FunctionApp()
    cloud.hosts["app.azurewebsites.net"] = app
    return app


@pytest.fixture
def look(app_folder: Path, tmp_path: Path) -> Examine:
    """Examine the app as one that is deployed with settings, and with what else the Azure CLI prints."""

    async def look(settings: dict[str, str], **printed: object) -> list[Finding]:
        listed = [{"name": name, "value": value, "slotSetting": False} for name, value in settings.items()]
        files = {}
        for name, content in {"settings": listed, **printed}.items():
            files[name] = tmp_path / f"{name}.json"
            files[name].write_text(json.dumps(content))
        findings = [finding async for finding in examine(app_folder, Papers.read(app_folder, **files))]
        shown = "".join(map(str, findings))
        assert KEY not in shown
        assert "the-key" not in shown
        return findings

    return look


def told(findings: list[Finding], *states: State) -> list[str]:
    return [f"{item.subject}: {item.seen}" for item in findings if item.state in states]


def errors(findings: list[Finding]) -> list[str]:
    return told(findings, State.WRONG)


def warnings(findings: list[Finding]) -> list[str]:
    return told(findings, State.WARNING)


def service(mode: str = "Serverless", origins: tuple[str, ...] = (), **rule: str | None) -> dict[str, Any]:
    """Return a service as ``az signalr show`` prints it."""
    return {
        "features": [{"flag": "ServiceMode", "value": mode}],
        "upstream": {"templates": [{"urlTemplate": WEBHOOK, **rule}]},
        "cors": {"allowedOrigins": list(origins)},
    }


def role(id: str, scope: str) -> dict[str, str]:
    """Return a role as ``az role assignment list`` prints it."""
    definition = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{id}"
    return {"roleDefinitionId": definition, "roleDefinitionName": "its name", "scope": scope}


# Settings.


async def test_an_app_that_is_well_has_no_error(look: Examine) -> None:
    findings = await look(
        {NAME: STRING, **STORAGE},
        service=service(),
        cors={"allowedOrigins": ["https://a.example"], "supportCredentials": True},
        roles=[],
    )
    assert errors(findings) + warnings(findings) + told(findings, State.SKIPPED) == []


async def test_what_was_not_handed_in_is_named_with_the_command_that_prints_it(look: Examine) -> None:
    findings = [item for item in await look({NAME: STRING, **STORAGE}) if item.state is State.SKIPPED]
    assert [(item.subject, item.fix) for item in findings] == [
        ("service mode, upstream rules", "--service FILE, with what az signalr show prints"),
        ("CORS", "--cors FILE, with what az functionapp cors show prints"),
        ("roles", "--roles FILE, with what az role assignment list --all --assignee IDENTITY prints"),
    ]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (
            {NAME: f"Endpoint=http://localhost:8888;AccessKey={KEY};Version=1.0;", **STORAGE},
            f"{NAME}: it names an emulator",
        ),
        (STORAGE, f"{NAME}: the app setting {NAME} is not set"),
        ({NAME: f"{STRING}{STRING}", **STORAGE}, f"{NAME}: the app setting {NAME} is wrong: "),
        (
            {NAME: STRING, "NEGOTIATE_USER_ID": "{query.user}", **STORAGE},
            "NEGOTIATE_USER_ID: {query.user} lets every caller choose who to be",
        ),
        (
            {NAME: STRING},
            "AzureWebJobsStorage: it is not set, and without it SignalR triggers are disabled",
        ),
        (
            {NAME: STRING.replace(KEY, KEY[::-1]), **STORAGE},
            f"{NAME}: {URL}: HEAD /api/hubs/health/connections/",
        ),
        (
            {NAME: STRING.replace("chat", "none"), **STORAGE},
            f"{NAME}: https://none.service.signalr.net: HEAD ",
        ),
        (
            {NAME: "@Microsoft.KeyVault(VaultName=main)", **STORAGE},
            f"{NAME}: SecretName of the reference",
        ),
    ],
)
async def test_a_setting_that_keeps_the_app_from_working_is_an_error(
    look: Examine, settings: dict[str, str], error: str
) -> None:
    [found] = errors(await look(settings))
    assert found.startswith(error)


async def test_a_setting_that_flex_consumption_refuses_is_a_warning(look: Examine) -> None:
    settings = {NAME: STRING, "FUNCTIONS_WORKER_RUNTIME": "python", "TZ": "UTC", **STORAGE}
    assert warnings(await look(settings)) == ["FUNCTIONS_WORKER_RUNTIME: it is set", "TZ: it is set"]


async def test_storage_by_key_and_by_identity_at_once_is_a_warning(look: Examine) -> None:
    [found] = warnings(await look({NAME: STRING, "AzureWebJobsStorage": "", **STORAGE}))
    assert found.startswith("AzureWebJobsStorage: it is set beside AzureWebJobsStorage__…")


# Key Vault.


async def test_a_secret_that_can_be_read_is_tried(look: Examine, cloud: Cloud) -> None:
    cloud.vault.put("signalr", STRING)
    findings = await look({NAME: REFERENCE, **STORAGE})
    assert errors(findings) + warnings(findings) == []
    assert [item.seen for item in findings if item.subject == NAME] == [
        "the secret signalr of the vault main.vault.azure.net is there",
        f"{URL} is well, and lets in an access key",
    ]


async def test_a_secret_with_a_key_that_is_not_the_service_s_is_an_error(look: Examine, cloud: Cloud) -> None:
    cloud.vault.put("signalr", STRING)
    cloud.service.keys = {KEY[::-1]}
    [found] = errors(await look({NAME: REFERENCE, **STORAGE}))
    assert "compare AccessKey of the connection string" in found


async def test_a_secret_that_only_the_app_may_read_is_a_warning(look: Examine, cloud: Cloud) -> None:
    cloud.vault.fail(403, forbidden("ForbiddenByRbac"))
    findings = await look({NAME: REFERENCE, **STORAGE})
    assert errors(findings) == []
    [found] = warnings(findings)
    assert found.startswith(f"{NAME}: as you, not as the app: the secret signalr of the vault main.vault.")


# Identities and their roles.


async def test_the_service_is_tried_as_whoever_examines(look: Examine, cloud: Cloud) -> None:
    findings = await look({**IDENTITY, **STORAGE})
    assert errors(findings) + warnings(findings) == []
    assert f"{URL} is well, and lets in the identity that DefaultAzureCredential finds" in [
        item.seen for item in findings
    ]


async def test_a_developer_without_a_role_is_a_warning(look: Examine, cloud: Cloud) -> None:
    cloud.service.may_sign = False
    findings = await look({**IDENTITY, **STORAGE})
    assert errors(findings) == []
    [found] = warnings(findings)
    assert found.startswith(f"{NAME}: as you, not as the app: {URL} gave the identity that DefaultAzure")


@pytest.mark.parametrize(
    "roles",
    [
        [role(SERVICE_OWNER, SERVICE_SCOPE)],
        [role(SERVICE_OWNER, "/subscriptions/s/resourceGroups/g")],
        [role(SERVICE_OWNER, "/providers/Microsoft.Management/managementGroups/m")],
        [role(APP_SERVER, SERVICE_SCOPE.lower()), role(REST_API_OWNER, "/subscriptions/s")],
    ],
    ids=["resource", "group", "management group", "two roles"],
)
async def test_the_role_that_the_identity_needs_is_found(look: Examine, roles: list[dict[str, str]]) -> None:
    findings = await look({**IDENTITY, **STORAGE}, roles=roles)
    assert errors(findings) == []
    assert "the identity has the role that it needs on chat.service.signalr.net" in [
        item.seen for item in findings
    ]


@pytest.mark.parametrize(
    ("roles", "seen"),
    [
        ([], "may neither negotiate nor send"),
        ([role(READER, SERVICE_SCOPE)], "may neither negotiate nor send"),
        ([role(SERVICE_OWNER, SERVICE_SCOPE.replace("chat", "other"))], "may neither negotiate nor send"),
        ([role(APP_SERVER, SERVICE_SCOPE)], "may negotiate, but not send"),
        ([role(REST_API_OWNER, SERVICE_SCOPE)], "may send, but not negotiate"),
    ],
    ids=["none", "another", "elsewhere", "negotiates only", "sends only"],
)
async def test_a_role_that_is_missing_is_an_error(
    look: Examine, roles: list[dict[str, str]], seen: str
) -> None:
    findings = await look({**IDENTITY, **STORAGE}, roles=roles)
    [found] = [item for item in findings if item.state is State.WRONG]
    assert found.seen == (
        f"by the roles that were handed in, the identity {seen} on chat.service.signalr.net"
    )
    assert found.fix == "grant it the role SignalR Service Owner on the resource"


@pytest.mark.parametrize(
    ("held", "is_enough"),
    [
        (role(SECRETS_USER, VAULT_SCOPE), True),
        (role(SECRETS_USER, f"{VAULT_SCOPE}/secrets/signalr"), True),
        (role(SECRETS_USER, f"{VAULT_SCOPE}/secrets/other"), False),
        (role(SECRETS_USER, SERVICE_SCOPE), False),
        (role(READER, VAULT_SCOPE), False),
    ],
    ids=["vault", "secret", "another secret", "another resource", "another role"],
)
async def test_a_secret_takes_a_role_on_the_vault(
    look: Examine, cloud: Cloud, held: dict[str, str], is_enough: bool
) -> None:
    cloud.vault.put("signalr", STRING)
    findings = await look({NAME: REFERENCE, **STORAGE}, roles=[held])
    denied = f"{NAME}: by the roles that were handed in, the identity may not read the secret signalr of the"
    assert [text.startswith(denied) for text in errors(findings)] == ([] if is_enough else [True])


# CORS.


@pytest.mark.parametrize(
    ("cors", "error"),
    [
        ({"allowedOrigins": ["*"], "supportCredentials": True}, "CORS: every origin is allowed, with"),
        ({"allowedOrigins": ["https://a.example"]}, "CORS: origins are allowed without credentials"),
    ],
)
async def test_cors_that_browsers_or_clients_do_not_take_is_an_error(
    look: Examine, cors: dict[str, Any], error: str
) -> None:
    [found] = errors(await look({NAME: STRING, **STORAGE}, cors=cors))
    assert found.startswith(error)


async def test_pages_that_may_negotiate_and_not_connect_are_a_warning(look: Examine) -> None:
    cors = {"allowedOrigins": ["https://a.example"], "supportCredentials": True}
    described = service(origins=("https://b.example",))
    assert warnings(await look({NAME: STRING, **STORAGE}, cors=cors, service=described)) == [
        "CORS of the service: https://a.example may negotiate and not connect"
    ]


# The webhook.


async def test_the_webhook_is_asked_once_with_a_request_that_no_function_can_take(
    look: Examine, function_app: FunctionApp
) -> None:
    findings = await look({NAME: STRING, **STORAGE}, service=service())
    assert "upstream app.azurewebsites.net: it is there, and takes the code" in told(findings, State.FINE)
    assert function_app.requests == ["POST /runtime/webhooks/signalr?code=the-key"]


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lambda app: app.fail(401), "it does not take the code of the upstream URL (it answers 401)"),
        (
            lambda app: app.fail(401, headers={"WWW-Authenticate": "Bearer"}),
            "it does not take the code of the upstream URL (it answers 401)",
        ),
        (lambda app: app.fail(403), "it lets nobody in (it answers 403)"),
        (lambda app: app.fail(404), "nothing is there (it answers 404)"),
        (
            lambda app: app.fail(302, headers={"Location": "https://login.microsoftonline.com/"}),
            "it lets nobody in (it answers 302)",
        ),
        (
            lambda app: app.fail(401, headers={"WWW-Authenticate": "Bearer realm=app"}),
            "it lets nobody in (it answers 401)",
        ),
        (lambda app: app.break_off(), "it cannot be reached: ServerDisconnectedError"),
    ],
    ids=[
        "wrong key",
        "challenge",
        "forbidden",
        "not deployed",
        "login page",
        "sign-in by token",
        "broken off",
    ],
)
async def test_a_webhook_that_does_not_take_events_is_an_error(
    look: Examine, function_app: FunctionApp, break_it: Callable[[FunctionApp], None], error: str
) -> None:
    break_it(function_app)
    assert errors(await look({NAME: STRING, **STORAGE}, service=service())) == [
        f"upstream app.azurewebsites.net: {error}"
    ]


async def test_a_webhook_that_answers_otherwise_is_a_warning(
    look: Examine, function_app: FunctionApp
) -> None:
    function_app.fail(503)
    findings = await look({NAME: STRING, **STORAGE}, service=service())
    assert warnings(findings) == ["upstream app.azurewebsites.net: it answers 503, expected 415"]


async def test_a_code_that_the_service_reads_from_the_vault_is_not_tried(
    look: Examine, function_app: FunctionApp
) -> None:
    secret = "{@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/webhook/)}"
    described = service(urlTemplate=WEBHOOK.replace("the-key", secret))
    findings = await look({NAME: STRING, **STORAGE}, service=described)
    assert errors(findings) == []
    assert "upstream app.azurewebsites.net: its code is in Key Vault, where the service reads it" in told(
        findings, State.FINE
    )
    assert function_app.requests == []


async def test_names_in_the_upstream_url_are_those_of_the_event(
    look: Examine, function_app: FunctionApp
) -> None:
    described = service(urlTemplate=f"{WEBHOOK}&hub={{hub}}&category={{category}}")
    findings = await look({NAME: STRING, **STORAGE}, service=described)
    assert errors(findings) == []
    assert sorted(function_app.requests) == [
        f"POST /runtime/webhooks/signalr?code=the-key&hub=chat&category={category}"
        for category in ("connections", "messages")
    ]


# Upstream rules.


async def test_a_rule_without_patterns_matches_everything(look: Examine) -> None:
    described = service(hubPattern=None, categoryPattern=None, eventPattern=None)
    assert errors(await look({NAME: STRING, **STORAGE}, service=described)) == []


@pytest.mark.parametrize("url", ["https://[x/runtime/webhooks/signalr?code=the-key", "", "/api"])
async def test_an_upstream_url_that_is_none_is_an_error(look: Examine, url: str) -> None:
    found = errors(await look({NAME: STRING, **STORAGE}, service=service(urlTemplate=url)))
    assert "function echo: its upstream URL is none" in found


async def test_a_key_that_became_part_of_the_path_is_an_error_that_does_not_show_it(look: Examine) -> None:
    described = service(urlTemplate=WEBHOOK.replace("?", "&"))
    assert "function echo: its events go to another path" in errors(
        await look({NAME: STRING, **STORAGE}, service=described)
    )


async def test_a_service_without_rules_is_a_warning(look: Examine) -> None:
    described = service() | {"upstream": None}
    findings = await look({NAME: STRING, **STORAGE}, service=described)
    assert warnings(findings) == ["upstream rules: there are none: the app hears of no event"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/messages", None),
        (
            "/api/nowhere",
            "upstream app.azurewebsites.net: the app has no HTTP function where its events go",
        ),
    ],
)
async def test_events_over_http_go_to_a_function_of_the_app(
    look: Examine, path: str, error: str | None
) -> None:
    url = f"https://app.azurewebsites.net{path}"
    findings = await look({NAME: STRING, **STORAGE}, service=service(urlTemplate=url))
    found = [text for text in errors(findings) if text.startswith("upstream ")]
    assert found == ([] if error is None else [error])
    if error is None:
        assert "upstream app.azurewebsites.net: events go to the function send_message, over HTTP" in told(
            findings, State.FINE
        )


# Who users are.


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        (
            {"NEGOTIATE_USER_ID": "{headers.x-ms-client-principal-idp}", "WEBSITE_AUTH_ENABLED": "True"},
            "NEGOTIATE_USER_ID: {headers.x-ms-client-principal-idp} lets every caller choose who to be",
        ),
        (
            {"NEGOTIATE_USER_ID": "{headers.x-ms-client-principal-id}"},
            "NEGOTIATE_USER_ID: App Service Authentication is off, so that its headers are the caller's",
        ),
    ],
)
async def test_a_user_id_with_which_the_app_does_not_start_is_an_error(
    look: Examine, settings: dict[str, str], error: str
) -> None:
    [found] = errors(await look({NAME: STRING, **STORAGE, **settings}))
    assert found.startswith(error)


async def test_a_user_id_that_was_verified_is_fine(look: Examine) -> None:
    settings = {"NEGOTIATE_USER_ID": "{headers.X-MS-CLIENT-PRINCIPAL-ID}", "WEBSITE_AUTH_ENABLED": "true"}
    assert errors(await look({NAME: STRING, **STORAGE, **settings})) == []


async def test_an_empty_setting_that_hides_the_identity_is_a_warning(look: Examine) -> None:
    findings = await look({NAME: "", **IDENTITY, **STORAGE})
    assert warnings(findings) == [
        f"{NAME}: it is set and empty, and hides what is behind it from the bindings"
    ]


async def test_a_key_in_another_setting_is_not_shown(look: Examine) -> None:
    settings = {NAME: STRING, "AzureSignalRServiceTransportType": STRING, **STORAGE}
    [found] = errors(await look(settings))
    assert "AzureSignalRServiceTransportType is wrong" in found
