"""What this project asks of its infrastructure: security, and what azd and Flex Consumption need."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from signalr_local.doctor.setting_checks import FLEX_REFUSES

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"

REFUSED_SETTINGS = {
    *("FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_WORKER_RUNTIME_VERSION"),
    *("FUNCTIONS_WORKER_PROCESS_COUNT", "WEBSITE_RUN_FROM_PACKAGE", "SCM_DO_BUILD_DURING_DEPLOYMENT"),
    *("ENABLE_ORYX_BUILD", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTSHARE"),
    *("WEBSITE_CONTENTOVERVNET", "WEBSITE_VNET_ROUTE_ALL", "WEBSITE_TIME_ZONE", "TZ"),
    *("FUNCTIONS_MAX_HTTP_CONCURRENCY", "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED"),
    *("WEBSITE_DNS_SERVER", "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT", "WEBSITE_NODE_DEFAULT_VERSION"),
    "WEBSITE_SKIP_CONTENTSHARE_VALIDATION",
    # identity-based storage does not work beside it
    "AzureWebJobsStorage",
}
REFUSED_PROPERTIES = {"linuxFxVersion", "alwaysOn"}

ROLES = {
    "signalrServiceOwner": "7e4f1700-ea5a-4f59-8f37-079cfe29dce3",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "storageBlobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "storageTableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
}
"""Microsoft's built-in roles."""

CLOSED = "isPrivate ? 'Disabled' : 'Enabled'"
CLOSED_RULE = "isPrivate ? 'Deny' : 'Allow'"

STATED = {
    "authentication is on": ("auth/auth/properties/platform/enabled", "true"),
    "authentication asks everybody": ("auth/auth/properties/globalValidation/requireAuthentication", "true"),
    "authentication leaves out one path": (
        "auth/auth/properties/globalValidation/excludedPaths",
        "[ upstreamPath ]",
    ),
    "the path left out is the upstream's": (
        "api/auth/params/upstreamPath",
        "(upstream == 'http') ? '/api/upstream' : '/runtime/webhooks/signalr'",
    ),
    "without a registration authentication is off": ("api/noAuth/properties/platform/enabled", "false"),
    "with a registration it is not": ("api/noAuth/if", "(!useAuth)"),
    "authentication goes on with a registration": ("api/auth/if", "(useAuth)"),
    "authentication is on before the app trusts it": ("api/settings/dependsOn", "[ auth ]"),
    "authentication is off once the app trusts it no more": ("api/noAuth/dependsOn", "[ settings ]"),
    "own settings give way to those of the template": (
        "api/settings/properties",
        "union(moreSettings, platformSettings, signalrSettings, upstreamSettings, authSettings)",
    ),
    "always-ready instances take requests and events": (
        "api/app/properties/functionAppConfig/scaleAndConcurrency/alwaysReady",
        "(alwaysReadyInstances == 0) ? [] : [ { name: 'http' instanceCount: alwaysReadyInstances } ]",
    ),
    "the service lets clients and REST in": (
        "signalr/openRules",
        "{ defaultAction: 'Deny' publicNetwork: { allow: [ 'ClientConnection' 'RESTAPI' ] } }",
    ),
    "the private service lets clients in": (
        "signalr/privateRules",
        "{ defaultAction: 'Allow' publicNetwork: { deny: [ 'ServerConnection' 'RESTAPI' 'Trace' ] } }",
    ),
    "each has its rules, the free tier none": (
        "signalr/networkRules",
        "(sku == 'Free_F1') ? null : (isPrivate ? privateRules : openRules)",
    ),
    "the rules apply": ("signalr/signalr/properties/networkACLs", "networkRules"),
    "the service takes Entra tokens": ("signalr/signalr/properties/disableAadAuth", "false"),
    "the service takes keys unless told otherwise": (
        "signalr/signalr/properties/disableLocalAuth",
        "useManagedIdentity",
    ),
    "the vault holds the key in use": (
        "vault/connectionString/properties/value",
        "(activeKey == 'primary') ? signalr.listKeys().primaryConnectionString "
        ": signalr.listKeys().secondaryConnectionString",
    ),
    "Resource Manager writes to a closed vault": (
        "vault/vault/properties/networkAcls/bypass",
        "'AzureServices'",
    ),
    "a private vault is closed": ("vault/vault/properties/publicNetworkAccess", CLOSED),
    "a private vault lets nobody in": ("vault/vault/properties/networkAcls/defaultAction", CLOSED_RULE),
    "purge protection is on or unsaid": (
        "vault/vault/properties/enablePurgeProtection",
        "purgeProtection ? true : null",
    ),
    "private storage is closed": ("storage/account/properties/publicNetworkAccess", CLOSED),
    "private storage lets nobody in": ("storage/account/properties/networkAcls/defaultAction", CLOSED_RULE),
    "storage makes no exception": ("storage/account/properties/networkAcls/bypass", "'None'"),
    "storage is spread with the app": (
        "storage/account/sku/name",
        "zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'",
    ),
    "the app's subnet takes Flex Consumption": (
        "network/network/properties/subnets/0/properties/delegations/0/properties/serviceName",
        "'Microsoft.App/environments'",
    ),
    "the app is in that subnet": (
        "api/app/properties/virtualNetworkSubnetId",
        "empty(networkName) ? null "
        ": resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app')",
    ),
    "API Management by the call has no units": (
        "apim/service/sku/capacity",
        "(sku == 'Consumption') ? 0 : 1",
    ),
    "in a network storage is private": ("main/storage/params/isPrivate", "vnetEnabled"),
    "in a network the service is private": ("main/signalr/params/isPrivate", "vnetEnabled"),
    "in a network the vault is private": ("main/vault/params/isPrivate", "vnetEnabled"),
    "the storage endpoint leads to blobs": ("main/storageEndpoint/params/groupId", "'blob'"),
    "the tables endpoint leads to tables": ("main/tablesEndpoint/params/groupId", "'table'"),
    "tables have their DNS zone": (
        "main/tablesEndpoint/params/zoneName",
        "'privatelink.table.${environment().suffixes.storage}'",
    ),
    "the service endpoint leads to the service": ("main/signalrEndpoint/params/groupId", "'signalr'"),
    "the vault endpoint leads to the vault": ("main/vaultEndpoint/params/groupId", "'vault'"),
    "storage has its DNS zone": (
        "main/storageEndpoint/params/zoneName",
        "'privatelink.blob.${environment().suffixes.storage}'",
    ),
    "the service has its DNS zone": (
        "main/signalrEndpoint/params/zoneName",
        "'privatelink.service.signalr.net'",
    ),
    "the vault has its DNS zone": ("main/vaultEndpoint/params/zoneName", "'privatelink.vaultcore.azure.net'"),
    "the vault waits for the service's keys": ("main/vault/dependsOn", "[ signalr ]"),
    "the storage endpoint waits for the network": ("main/storageEndpoint/dependsOn", "[ network ]"),
    "the service endpoint waits for the network": ("main/signalrEndpoint/dependsOn", "[ network ]"),
    "the vault endpoint waits for network and vault": ("main/vaultEndpoint/dependsOn", "[ network vault ]"),
    "the app starts when it can reach everything": (
        "main/api/dependsOn",
        "[ vault storageEndpoint tablesEndpoint signalrEndpoint vaultEndpoint ]",
    ),
    "every record of the service is logged": (
        "signalr/logs/properties/logs/0/categoryGroup",
        "'allLogs'",
    ),
    "every record of API Management is logged": ("apim/logs/properties/logs/0/categoryGroup", "'allLogs'"),
    "the service logs connections": (
        "signalr/signalr/properties/features/1/flag",
        "'EnableConnectivityLogs'",
    ),
    "the package is in a blob container": (
        "api/app/properties/functionAppConfig/deployment/storage/type",
        "'blobContainer'",
    ),
    "the package is read by the identity": (
        "api/app/properties/functionAppConfig/deployment/storage/authentication/type",
        "'UserAssignedIdentity'",
    ),
    "the app is a function app on Linux": ("api/app/kind", "'functionapp,linux'"),
    "an update replaces everything at once unless told otherwise": (
        "api/app/properties/functionAppConfig/siteUpdateStrategy/type",
        "rollingUpdates ? 'RollingUpdate' : 'Recreate'",
    ),
    "people sign in with Entra ID": (
        "auth/auth/properties/globalValidation/redirectToProvider",
        "'azureactivedirectory'",
    ),
    "tokens are those of this tenant": (
        "auth/auth/properties/identityProviders/azureActiveDirectory/registration/openIdIssuer",
        "'${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'",
    ),
    "the policy is XML as it is written": ("apim/policy/properties/format", "'rawxml'"),
    "storage is of the current kind": ("storage/account/kind", "'StorageV2'"),
    "logs are paid by the gigabyte": ("monitoring/workspace/properties/sku/name", "'PerGB2018'"),
    "alerts look at the service": ("main/alerts/params/signalrId", "signalr.outputs.id"),
    "alerts are made for a mail address only": ("main/alerts/if", "(!empty(alertEmail))"),
    "a developer is a person": ("signalr/developer/properties/principalType", "'User'"),
    "a developer gets a role only if one is named": (
        "signalr/developer/if",
        "(!empty(developerPrincipalId))",
    ),
    "an impossible combination ends the deployment": (
        "main/checkedName",
        "empty(mistake) ? environmentName : fail(mistake)",
    ),
    "with managed identity there is no vault": ("main/vault/if", "(!useManagedIdentity)"),
    "with managed identity the app knows of none": (
        "main/api/params/vaultName",
        "useManagedIdentity ? '' : vaultName",
    ),
}
"""What a file says at a place: file, declaration, then properties and list indexes; ``if`` is a condition.

The type check looks into no variable, and a condition's wrong word passes it.
"""


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key of a tree with its value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            yield from members(item)
    elif isinstance(value, list):
        for item in value:
            yield from members(item)


def resources(trees: dict[str, Any], type_: str) -> list[Any]:
    return [
        config_of(resource["config"])
        for tree in trees.values()
        for resource in tree.get("resources", {}).values()
        if resource["type"] == type_ and not resource["existing"]
    ]


def config_of(config: Any) -> Any:
    return config["config"] if "condition" in config else config


def parameters_of(trees: dict[str, Any], module: str) -> Any:
    return config_of(trees["main.bicep"]["modules"][module]["config"])["params"]


def app_settings(trees: dict[str, Any]) -> dict[str, Any]:
    variables = trees["app/api.bicep"]["variables"]
    return {
        key: value
        for name in ("platformSettings", "signalrSettings", "upstreamSettings", "authSettings")
        for key, value in members(variables[name]["value"])
        if re.fullmatch(r"[A-Za-z]+(_+\w+)*", key) and not isinstance(value, dict)
    }


def stated(path: str) -> str:
    """Return what a Bicep file says at a place, on one line."""
    file, name, *steps = path.split("/")
    folder = INFRA if file == "main" else INFRA / "app"
    parser = Parser(Language(tree_sitter_bicep.language()))
    root = parser.parse((folder / f"{file}.bicep").read_bytes()).root_node
    node = next(
        item.named_children[-1]
        for item in root.named_children
        if item.type.endswith("_declaration") and text(item.named_children[0]) == name
    )
    for step in steps:
        node = inside(node, step)
    return text(node)


def inside(node: Node, step: str) -> Node:
    if node.type == "if_statement":
        condition, body = node.named_children
        return condition if step == "if" else inside(body, step)
    if node.type == "array":
        return [item for item in node.named_children if item.type != "comment"][int(step)]
    return next(
        item.named_children[1]
        for item in node.named_children
        if item.type == "object_property" and text(item.named_children[0]) == step
    )


def text(node: Node) -> str:
    assert node.text is not None
    return " ".join(node.text.decode().split())


@pytest.mark.parametrize(("path", "value"), STATED.values(), ids=STATED)
def test_what_must_be_stated_is(path: str, value: str) -> None:
    assert stated(path) == value


def test_no_setting_that_flex_consumption_refuses(trees: dict[str, Any]) -> None:
    settings = app_settings(trees)
    assert "AzureSignalRConnectionString" in settings
    assert not REFUSED_SETTINGS & set(settings)


def test_no_site_property_that_flex_consumption_replaces(trees: dict[str, Any]) -> None:
    for site in resources(trees, "Microsoft.Web/sites"):
        assert not REFUSED_PROPERTIES & {key for key, _ in members(site)}


def test_every_connection_by_identity_names_the_identity(trees: dict[str, Any]) -> None:
    settings = app_settings(trees)
    connections = {key.removesuffix("__credential") for key in settings if key.endswith("__credential")}
    assert connections == {"AzureWebJobsStorage", "AzureSignalRConnectionString"}
    for connection in connections:
        assert settings[f"{connection}__credential"] == "managedidentity"
        assert settings[f"{connection}__clientId"] == "identityClientId"


def test_the_platform_runs_the_python_of_the_project(trees: dict[str, Any]) -> None:
    (site,) = resources(trees, "Microsoft.Web/sites")
    version = (ROOT / ".python-version").read_text().strip()
    assert site["properties"]["functionAppConfig"]["runtime"] == {"name": "python", "version": version}


def test_the_plan_is_flex_consumption(trees: dict[str, Any]) -> None:
    (plan,) = resources(trees, "Microsoft.Web/serverfarms")
    assert plan["sku"] == {"name": "FC1", "tier": "FlexConsumption"}
    assert plan["properties"]["reserved"] is True


def test_the_service_is_serverless(trees: dict[str, Any]) -> None:
    (service,) = resources(trees, "Microsoft.SignalRService/signalR")
    assert {"flag": "ServiceMode", "value": "Serverless"} in service["properties"]["features"]


def test_roles_are_those_that_microsoft_publishes(trees: dict[str, Any]) -> None:
    named: dict[str, str] = {}
    for tree in trees.values():
        named |= tree.get("variables", {}).get("roles", {}).get("value", {})
    assert named == ROLES


def test_roles_are_given_to_identities_on_one_resource_each(trees: dict[str, Any]) -> None:
    assignments = resources(trees, "Microsoft.Authorization/roleAssignments")
    to_people = [item for item in assignments if item["properties"]["principalType"] == "User"]
    assert [item["properties"]["principalId"] for item in to_people] == ["developerPrincipalId"]
    assert len(assignments) == len(ROLES) + len(to_people)
    for assignment in assignments:
        assert assignment["scope"] in ("account", "component", "signalr", "vault")
        assert assignment["properties"]["principalType"] in ("ServicePrincipal", "User")


def test_no_version_of_key_vaults_api_is_one_that_is_retired_in_february_2027() -> None:
    # https://learn.microsoft.com/azure/key-vault/general/migrate-api-version
    templates = [*INFRA.rglob("*.bicep"), *(ROOT / "signalr_local" / "new" / "template").rglob("*.bicep")]
    used = {
        version
        for path in templates
        for version in re.findall(r"'Microsoft\.KeyVault/[\w/]+@([\w-]+)'", path.read_text())
    }
    assert used
    assert min(used) >= "2026-02-01"


def test_the_doctor_knows_every_setting_that_flex_consumption_refuses() -> None:
    assert {name for name in REFUSED_SETTINGS if name.isupper()} == FLEX_REFUSES


def test_the_secret_of_sign_in_has_one_name() -> None:
    name = "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID"
    used = [path.name for path in (INFRA / "app").glob("*.bicep") if name in path.read_text()]
    assert sorted(used) == ["api.bicep", "auth.bicep"]


def test_azd_finds_the_app_by_its_tag(trees: dict[str, Any], azure_yaml: Any) -> None:
    tags = [value for tree in trees.values() for key, value in members(tree) if key == "'azd-service-name'"]
    assert tags == list(azure_yaml["services"])


def test_everything_carries_the_name_of_the_environment(trees: dict[str, Any]) -> None:
    main = trees["main.bicep"]
    assert main["variables"]["tags"]["value"] == {"'azd-env-name'": "environmentName"}
    assert main["resources"]["group"]["config"]["tags"] == "tags"
    for file, tree in trees.items():
        for name, resource in tree.get("resources", {}).items():
            if "location" in resource["config"]:
                assert "tags" in resource["config"], f"{file}: {name}"


def test_events_go_to_the_webhook_with_its_key_or_to_the_http_upstream() -> None:
    source = (INFRA / "app" / "signalr.bicep").read_text()
    urls = re.findall(r"'(https://\$\{functionAppHost\}[^']*)", source)
    assert urls == [
        "https://${functionAppHost}/runtime/webhooks/signalr?code=${listKeys(",
        "https://${functionAppHost}/api/upstream",
    ]


def test_every_event_is_sent_to_the_one_upstream() -> None:
    source = (INFRA / "app" / "signalr.bicep").read_text()
    assert [re.search(rf"{name}Pattern: '(.)'", source) for name in ("hub", "category", "event")].count(
        None
    ) == 0
    assert source.count("urlTemplate: upstreamUrl") == 1


def test_users_are_named_only_while_authentication_is_on() -> None:
    source = (INFRA / "app" / "api.bicep").read_text()
    settings = re.search(r"var authSettings = useAuth \? \{(.*?)\} : \{\}", source, re.DOTALL)
    assert settings is not None
    assert "NEGOTIATE_USER_ID: '{headers.x-ms-client-principal-id}'" in settings[1]
    assert "WEBSITE_AUTH_ENABLED: 'true'" in settings[1]
    assert source.count("NEGOTIATE_USER_ID") == 1


def test_both_lists_of_origins_are_one(trees: dict[str, Any]) -> None:
    assert parameters_of(trees, "signalr")["allowedOrigins"] == "origins"
    assert parameters_of(trees, "apim")["allowedOrigins"] == "origins"
    # the list of the function app; empty where API Management answers in its place
    operands = parameters_of(trees, "api")["allowedOrigins"]["operator"]["operands"]
    assert (operands["condition"], operands["true_value"], operands["false_value"]) == (
        "useApiManagement",
        [],
        "origins",
    )
    (service,) = resources(trees, "Microsoft.SignalRService/signalR")
    (site,) = resources(trees, "Microsoft.Web/sites")
    for cors in (service["properties"]["cors"], site["properties"]["siteConfig"]["cors"]):
        assert cors["allowedOrigins"] == "allowedOrigins"


def test_no_wildcard_meets_credentials(trees: dict[str, Any]) -> None:
    source = (INFRA / "main.bicep").read_text()
    assert "origin => !empty(origin) && origin != '*'" in source
    assert "var origins = union(['https://${functionAppHost}'], asked)" in source
    (site,) = resources(trees, "Microsoft.Web/sites")
    assert "supportCredentials" in site["properties"]["siteConfig"]["cors"]
    assert "*" not in (INFRA / "app" / "apim-policy.xml").read_text()


def test_keys_are_read_only_where_azure_passes_them_on() -> None:
    for path in INFRA.rglob("*.bicep"):
        for line in path.read_text().splitlines():
            if "listKeys" in line:
                assert line.lstrip().startswith(("value: (activeKey == 'primary')", "var webhookUrl =")), (
                    path.name
                )
            assert "listConnectionStrings" not in line


def test_no_output_is_a_secret(trees: dict[str, Any]) -> None:
    allowed = {"connectionString"}  # of Application Insights, an address: telemetry needs a token
    for file, tree in trees.items():
        for name in tree.get("outputs", {}):
            assert name in allowed or not re.search(
                r"key$|secret|password|connection", name, re.IGNORECASE
            ), file


def test_parameters_that_may_hold_secrets_are_secure(trees: dict[str, Any]) -> None:
    secure = {
        (file, name)
        for file, tree in trees.items()
        for name, parameter in tree["parameters"].items()
        if {"type": "secure"} in parameter["decorators"]
    }
    assert secure == {("main.bicep", "appSettings"), ("app/api.bicep", "moreSettings")}


def test_no_key_is_written_down() -> None:
    key = re.compile(r"AccessKey=|code=[A-Za-z0-9]|[A-Za-z0-9+/]{43}=")
    for path in INFRA.rglob("*.*"):
        assert not key.search(path.read_text()), path.name


def test_the_secret_reaches_the_app_as_a_reference(trees: dict[str, Any]) -> None:
    reference = app_settings(trees)["AzureSignalRConnectionString"]
    (secret,) = resources(trees, "Microsoft.KeyVault/vaults/secrets")
    assert reference == f"@Microsoft.KeyVault(VaultName=${{vaultName}};SecretName={secret['name']})"
    (site,) = resources(trees, "Microsoft.Web/sites")
    assert site["properties"]["keyVaultReferenceIdentity"] == "identityId"


def test_nothing_takes_a_password(trees: dict[str, Any]) -> None:
    (storage,) = resources(trees, "Microsoft.Storage/storageAccounts")
    (vault,) = resources(trees, "Microsoft.KeyVault/vaults")
    (component,) = resources(trees, "Microsoft.Insights/components")
    passwords = resources(trees, "Microsoft.Web/sites/basicPublishingCredentialsPolicies")
    assert storage["properties"]["allowSharedKeyAccess"] is False
    assert storage["properties"]["allowBlobPublicAccess"] is False
    assert vault["properties"]["enableRbacAuthorization"] is True
    assert component["properties"]["DisableLocalAuth"] is True
    assert {item["name"]: item["properties"]["allow"] for item in passwords} == {"ftp": False, "scm": False}


def test_connections_are_encrypted(trees: dict[str, Any]) -> None:
    (storage,) = resources(trees, "Microsoft.Storage/storageAccounts")
    (site,) = resources(trees, "Microsoft.Web/sites")
    assert storage["properties"]["minimumTlsVersion"] == "TLS1_2"
    assert site["properties"]["httpsOnly"] is True
    assert site["properties"]["siteConfig"]["minTlsVersion"] == "1.2"


def test_logs_of_services_go_to_the_workspace(trees: dict[str, Any]) -> None:
    settings = resources(trees, "Microsoft.Insights/diagnosticSettings")
    assert {item["scope"] for item in settings} == {"signalr", "vault", "service"}
    assert all(item["properties"]["workspaceId"] == "workspaceId" for item in settings)


def test_the_host_of_the_app_is_its_name(trees: dict[str, Any]) -> None:
    (site,) = resources(trees, "Microsoft.Web/sites")
    assert stated("main/functionAppHost") == "'${functionAppName}.azurewebsites.net'"
    assert "autoGeneratedDomainNameLabelScope" not in site["properties"]
