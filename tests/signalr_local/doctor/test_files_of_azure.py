"""What the doctor finds about the secrets and the roles of a deployed app, from files."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from signalr_local.doctor.examination import examine
from signalr_local.doctor.files import Papers
from signalr_local.doctor.findings import Finding, State
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, Cloud, Host, forbidden
from tests.signalr_local.doctor.apps import Folder

NAME = "AzureSignalRConnectionString"
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
URL = "https://chat.service.signalr.net"
STRING = f"Endpoint={URL};AccessKey={KEY};Version=1.0;"
REFERENCE = "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"
STORAGE = {"AzureWebJobsStorage__credential": "managedidentity"}
IDENTITY = {f"{NAME}__serviceUri": URL, f"{NAME}__credential": "managedidentity", f"{NAME}__clientId": CLIENT}
SERVICE_SCOPE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.SignalRService/SignalR/chat"
VAULT_SCOPE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/main"

SERVICE_OWNER = "7e4f1700-ea5a-4f59-8f37-079cfe29dce3"
APP_SERVER = "420fcaa2-552c-430f-98ca-3264be4806c7"
REST_API_OWNER = "fd53cd77-2268-407a-8f46-7e7863d0f521"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"

type Examine = Callable[..., Awaitable[list[Finding]]]


@pytest.fixture(autouse=True)
def service_key(cloud: Cloud) -> None:
    cloud.service.keys.add(KEY)


@pytest.fixture
def look(folder: Folder, tmp_path: Path) -> Examine:
    """Examine the app as one that is deployed with settings, and with what else the Azure CLI prints."""

    async def look(settings: dict[str, str], **printed: object) -> list[Finding]:
        listed = [{"name": name, "value": value, "slotSetting": False} for name, value in settings.items()]
        files = {}
        for name, content in {"settings": listed, **printed}.items():
            files[name] = tmp_path / f"{name}.json"
            files[name].write_text(json.dumps(content))
        findings = [finding async for finding in examine(folder.path, Papers.read(folder.path, **files))]
        shown = "".join(map(str, findings))
        assert KEY not in shown
        return findings

    return look


def told(findings: list[Finding], *states: State) -> list[str]:
    return [f"{item.subject}: {item.seen}" for item in findings if item.state in states]


def errors(findings: list[Finding]) -> list[str]:
    return told(findings, State.WRONG)


def warnings(findings: list[Finding]) -> list[str]:
    return told(findings, State.WARNING)


def role(id: str, scope: str) -> dict[str, str]:
    """Return a role as ``az role assignment list`` prints it."""
    definition = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{id}"
    return {"roleDefinitionId": definition, "roleDefinitionName": "its name", "scope": scope}


# What is not known.


async def test_what_was_not_given_is_named_with_the_command_that_prints_it(look: Examine) -> None:
    findings = [item for item in await look({NAME: STRING, **STORAGE}) if item.state is State.SKIPPED]
    assert [(item.subject, item.fix) for item in findings] == [
        (
            "service mode and upstream rules",
            "--azure NAME, or --service FILE with the output of az signalr show",
        ),
        (
            "CORS of the function app",
            "--azure NAME, or --cors FILE with the output of az functionapp cors show",
        ),
        (
            "roles of the app's identity",
            "--azure NAME, or --roles FILE with the output of az role assignment list --all --assignee "
            "IDENTITY",
        ),
    ]


# Key Vault.


async def test_a_secret_that_can_be_read_is_tried(look: Examine, cloud: Cloud) -> None:
    cloud.vault.put("signalr", STRING)
    findings = await look({NAME: REFERENCE, **STORAGE})
    assert errors(findings) + warnings(findings) == []
    assert [item.seen for item in findings if item.subject == NAME] == [
        "the secret signalr in the vault main.vault.azure.net exists",
        f"{URL} works with an access key",
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
    assert [item.rule for item in findings if item.is_problem] == ["connections.secret-as-you"]
    [found] = warnings(findings)
    assert found.startswith(f"{NAME}: as you, not as the app: the secret signalr in the vault main.vault.")


# Identities and their roles.


async def test_the_service_is_tried_as_whoever_examines(look: Examine, cloud: Cloud) -> None:
    findings = await look({**IDENTITY, **STORAGE})
    assert errors(findings) + warnings(findings) == []
    assert f"{URL} works with the identity that DefaultAzureCredential finds" in [
        item.seen for item in findings
    ]


async def test_a_developer_without_a_role_is_a_warning(look: Examine, cloud: Cloud) -> None:
    cloud.service.may_sign = False
    findings = await look({**IDENTITY, **STORAGE})
    assert errors(findings) == []
    assert [item.rule for item in findings if item.is_problem] == ["connections.as-you"]
    [found] = warnings(findings)
    assert found.startswith(f"{NAME}: as you, not as the app: {URL} refused the identity that Default")


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
    assert found.seen == f"the app's identity {seen} on chat.service.signalr.net"
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
    denied = f"{NAME}: the app's identity may not read the secret signalr in the"
    assert [text.startswith(denied) for text in errors(findings)] == ([] if is_enough else [True])


# Problems that only show without the Azure CLI.


async def test_a_webhook_that_is_not_there_may_not_be_deployed(look: Examine, cloud: Cloud) -> None:
    class Empty(Host):
        async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=404)

    cloud.hosts["app.azurewebsites.net"] = Empty()
    url = "https://app.azurewebsites.net/runtime/webhooks/signalr?code=x"
    described = {
        "features": [{"flag": "ServiceMode", "value": "Serverless"}],
        "upstream": {"templates": [{"urlTemplate": url}]},
    }
    findings = await look({NAME: STRING, **STORAGE}, service=described)
    [found] = [item for item in findings if item.is_problem]
    assert found.rule == "upstream.not-found"
    assert found.fix.startswith("deploy the app")


async def test_a_local_secret_that_may_not_be_read_needs_a_sign_in(folder: Folder, cloud: Cloud) -> None:
    cloud.vault.fail(403, forbidden("ForbiddenByRbac"))
    folder.value(**{NAME: REFERENCE})
    [found] = [item for item in await folder.examine() if item.is_problem]
    assert found.rule == "connections.secret"
    assert "az login" in found.fix
    cloud.vault.recover()
    cloud.vault.put("signalr", STRING)
    assert [item for item in await folder.examine() if item.is_problem] == []
