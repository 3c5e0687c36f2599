"""The hooks of azd, against commands that only record their calls: azd up once, twice, and gone wrong."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

INFRA = Path(__file__).parents[2] / "infra"

KEY = "AbcdEFGH-1234_5678ijklMNOP=="
URL = f"https://func-api-x.azurewebsites.net/runtime/webhooks/signalr?code={KEY}"

ENVIRONMENT = {
    "AZURE_ENV_NAME": "chat",
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_TENANT_ID": "99999999-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-chat",
    "SERVICE_API_NAME": "func-api-x",
    "SERVICE_API_HOST": "func-api-x.azurewebsites.net",
    "SIGNALR_NAME": "sigr-x",
}
WITH_VAULT = {**ENVIRONMENT, "AZURE_KEY_VAULT_NAME": "kv-x"}
LIST_APPS = "az resource list --resource-group rg-chat --resource-type Microsoft.Web/sites"
READ_KEY = "az functionapp keys list --resource-group rg-chat --name func-api-x"
SERVICE = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-chat"
    "/providers/Microsoft.SignalRService/signalR/sigr-x?api-version=2024-03-01"
)
READ_SERVICE = f"az rest --method get --url {SERVICE}"
CHANGE_SERVICE = f"az rest --method patch --url {SERVICE}"
READ_REFERENCE = "configreferences/appsettings/AzureSignalRConnectionString?"
REFRESH = "configreferences/appsettings/refresh?"
RESTART = "az functionapp restart --resource-group rg-chat --name func-api-x"
LIST_FUNCTIONS = "az functionapp function list --resource-group rg-chat --name func-api-x"

# What Azure holds, in the form in which az prints it.
APPS = [
    {"name": "func-other", "type": "Microsoft.Web/sites", "tags": None},
    {
        "name": "func-api-x",
        "type": "Microsoft.Web/sites",
        "tags": {"azd-env-name": "chat", "azd-service-name": "api"},
    },
]
KEYS = {"functionKeys": {"default": "one"}, "masterKey": "two", "systemKeys": {"signalr_extension": KEY}}
NO_KEY: dict[str, Any] = {**KEYS, "systemKeys": {}}


def service(state: str, *addresses: str) -> Any:
    """Return the SignalR Service, which sends events to these addresses."""
    templates = [{"hubPattern": "*", "urlTemplate": address} for address in addresses]
    return {
        "name": "sigr-x",
        "properties": {"provisioningState": state, "upstream": {"templates": templates}},
    }


def reference(state: str) -> Any:
    """Return what the platform says of the app setting that refers to the key vault."""
    return {"name": "AzureSignalRConnectionString", "properties": {"status": state, "vaultName": "kv-x"}}


def function(name: str, type_: str, **binding: Any) -> Any:
    trigger = {"direction": "IN", "type": type_, "name": "request", **binding}
    bindings = [trigger, {"direction": "OUT", "type": "http", "name": "$return"}]
    return {"name": f"func-api-x/{name}", "config": {"name": name, "bindings": bindings}, "isDisabled": False}


FORBIDDEN = "ERROR: (AuthorizationFailed) The client does not have authorization to perform action"


# before provisioning


def test_before_the_first_provisioning_there_is_no_key_and_nothing_is_asked(cloud: Any) -> None:
    run = cloud.run("preprovision.sh", AZURE_ENV_NAME="chat")
    assert (run.code, run.calls) == (0, [])


def test_before_the_second_provisioning_the_key_is_found(cloud: Any) -> None:
    cloud.answer(LIST_APPS, APPS)
    cloud.answer(READ_KEY, KEYS)
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert run.called("azd env set") == [["azd", "env", "set", "SIGNALR_EXTENSION_KEY_EXISTS", "true"]]
    assert KEY not in run.output


def test_what_is_known_already_is_not_set_again(cloud: Any) -> None:
    cloud.answer(LIST_APPS, APPS)
    cloud.answer(READ_KEY, KEYS)
    run = cloud.run("preprovision.sh", **ENVIRONMENT, SIGNALR_EXTENSION_KEY_EXISTS="true")
    assert run.code == 0, run.output
    assert run.called("azd env set") == []


def test_an_app_of_another_kind_in_the_same_group_is_not_asked(cloud: Any) -> None:
    cloud.answer(LIST_APPS, APPS[:1])
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert run.called("az functionapp") == []


def test_the_group_that_is_looked_into_is_the_one_that_the_template_makes(cloud: Any) -> None:
    prefix = json.loads((INFRA / "abbreviations.json").read_text())["resourcesResourceGroups"]
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    (call,) = run.called("az resource list")
    assert call[call.index("--resource-group") + 1] == f"{prefix}chat"


def test_a_group_that_cannot_be_looked_into_stops_provisioning(cloud: Any) -> None:
    cloud.answer(LIST_APPS, FORBIDDEN, code=1)
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert run.code == 1
    assert (
        "The resources of the resource group rg-chat cannot be listed: you need the role Reader" in run.output
    )


def test_after_teardown_the_key_is_forgotten(cloud: Any) -> None:
    gone = "ERROR: (ResourceGroupNotFound) Resource group 'rg-chat' could not be found."
    cloud.answer(LIST_APPS, gone, code=1)
    run = cloud.run("preprovision.sh", **ENVIRONMENT, SIGNALR_EXTENSION_KEY_EXISTS="true")
    assert run.called("azd env set") == [["azd", "env", "set", "SIGNALR_EXTENSION_KEY_EXISTS", "false"]]


def test_an_app_without_code_has_no_key(cloud: Any) -> None:
    cloud.answer(LIST_APPS, APPS)
    cloud.answer(READ_KEY, NO_KEY)
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert (run.code, run.called("azd env set")) == (0, [])


def test_an_app_that_sleeps_is_asked_again(cloud: Any) -> None:
    cloud.answer(LIST_APPS, APPS)
    cloud.answer(READ_KEY, *["ServiceUnavailable"] * 2, code=1, then=[KEYS])
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert run.called("sleep") == [["sleep", "10"]] * 2
    assert run.called("azd env set")[0][-1] == "true"


def test_an_app_that_does_not_answer_does_not_stop_provisioning(cloud: Any) -> None:
    cloud.answer(LIST_APPS, APPS)
    cloud.answer(READ_KEY, "ServiceUnavailable", code=1)
    run = cloud.run("preprovision.sh", **ENVIRONMENT, SIGNALR_EXTENSION_KEY_EXISTS="true")
    assert run.code == 0
    assert run.called("azd env set")[0][-1] == "false"
    assert "events stop until it is deployed again: azd deploy" in run.output


def test_provisioning_stops_before_it_would_empty_the_upstream_for_want_of_a_role(cloud: Any) -> None:
    cloud.answer(LIST_APPS, APPS)
    cloud.answer(READ_KEY, FORBIDDEN, code=1)
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert run.code == 1
    assert "you need the role Website Contributor on it" in run.output
    assert run.called("sleep") == []


def test_the_http_upstream_needs_no_key_and_no_az(cloud: Any) -> None:
    cloud.commands = ()
    run = cloud.run("preprovision.sh", **ENVIRONMENT, SIGNALR_UPSTREAM="http")
    assert (run.code, run.calls) == (0, [])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SIGNALR_UPSTREAM": "http", "USE_MANAGED_IDENTITY": "true"}, "exclude each other"),
        ({"SIGNALR_SKU": "Free_F1", "VNET_ENABLED": "true"}, "has no private endpoint"),
        ({"SIGNALR_SKU": "Free_F1", "SIGNALR_UNITS": "2"}, "exactly one unit"),
        ({"VNET_ENABLED": "true"}, "has no private endpoint"),
        ({"SIGNALR_UNITS": "2"}, "azd env set SIGNALR_SKU Standard_S1"),
        ({"SIGNALR_SKU": "Premium_P2"}, "starts at 100 units"),
        ({"SIGNALR_SKU": "Premium_P2", "SIGNALR_UNITS": "50"}, "starts at 100 units"),
        ({"ZONE_REDUNDANT": "true", "ALWAYS_READY_INSTANCES": "1"}, "at least two always-ready instances"),
        ({"ALLOWED_ORIGINS": "*"}, "every origin must be named"),
        ({"ALLOWED_ORIGINS": "https://a.example,https://*.b.example"}, "every origin must be named"),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else "",
)
def test_parameters_that_exclude_each_other_are_refused(cloud: Any, wrong: dict[str, str], said: str) -> None:
    run = cloud.run("preprovision.sh", **ENVIRONMENT, **wrong)
    assert run.code == 1
    assert said in run.output
    assert run.calls == []


@pytest.mark.parametrize("on", ["true", "True", "TRUE", "t", "T", "1"])
@pytest.mark.parametrize(
    ("switch", "other"),
    [("USE_MANAGED_IDENTITY", {"SIGNALR_UPSTREAM": "http"}), ("VNET_ENABLED", {"SIGNALR_SKU": "Free_F1"})],
    ids=["identity", "network"],
)
def test_switches_are_on_in_every_spelling_that_azd_takes(
    cloud: Any, switch: str, other: dict[str, str], on: str
) -> None:
    assert cloud.run("preprovision.sh", **ENVIRONMENT, **other, **{switch: on}).code == 1


@pytest.mark.parametrize("off", ["false", "False", "FALSE", "f", "F", "0", ""])
def test_switches_are_off_otherwise(cloud: Any, off: str) -> None:
    off_everywhere = {"USE_MANAGED_IDENTITY": off, "VNET_ENABLED": off, "SIGNALR_SKU": "Free_F1"}
    assert cloud.run("preprovision.sh", **ENVIRONMENT, **off_everywhere, SIGNALR_UPSTREAM="http").code == 0


# after a deployment


def test_the_first_deployment_tells_the_service_where_the_webhook_is(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded"), service("Updating", URL), service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    (change,) = run.called(CHANGE_SERVICE)
    assert json.loads(change[change.index("--body") + 1]) == {
        "properties": {
            "upstream": {
                "templates": [
                    {
                        "hubPattern": "*",
                        "categoryPattern": "*",
                        "eventPattern": "*",
                        "urlTemplate": URL,
                        "auth": {"type": "None"},
                    }
                ]
            }
        }
    }
    assert "from now on" in run.output


def test_the_second_deployment_changes_nothing(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert run.called(CHANGE_SERVICE) == []
    assert "already" in run.output


def test_a_renewed_key_reaches_the_service(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", f"{URL}x"), service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert len(run.called(CHANGE_SERVICE)) == 1


def test_the_key_is_neither_printed_nor_an_argument(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded"), service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert KEY not in run.output
    # the recording has the contents of files in place of their names
    assert [call for call in run.calls if KEY in " ".join(call)] == run.called(CHANGE_SERVICE)
    (change,) = run.called(CHANGE_SERVICE)
    assert [word for word in change if KEY in word] == [change[change.index("--body") + 1]]
    assert [path.name for path in cloud.folder.iterdir() if path.is_dir()] == ["bin"]


def test_while_it_waits_for_the_service_the_key_is_in_no_file(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded"), service("Updating", URL), service("Succeeded", URL))
    cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert KEY not in cloud.kept()


def test_a_host_that_starts_slowly_is_waited_for(cloud: Any) -> None:
    cloud.answer(READ_KEY, NO_KEY, NO_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 0
    assert run.called("sleep") == [["sleep", "10"]] * 2


def test_a_missing_key_is_explained(cloud: Any) -> None:
    cloud.answer(READ_KEY, NO_KEY)
    run = cloud.run("postdeploy.sh", **ENVIRONMENT, HOST_PATIENCE="30")
    assert run.code == 1
    assert "has no key signalr_extension: it has loaded no function with a SignalR trigger" in run.output
    assert "azd env set SIGNALR_UPSTREAM http" in run.output
    assert len(run.called("sleep")) == 3
    assert run.called("az rest") == []


def test_a_host_that_does_not_answer_is_named(cloud: Any) -> None:
    cloud.answer(READ_KEY, "ERROR: ServiceUnavailable from host runtime", code=1)
    run = cloud.run("postdeploy.sh", **ENVIRONMENT, HOST_PATIENCE="0")
    assert run.code == 1
    assert "The function app func-api-x does not answer." in run.output
    assert "ServiceUnavailable from host runtime" in run.output


@pytest.mark.parametrize(
    ("refused", "role"),
    [(READ_KEY, "Website Contributor"), (CHANGE_SERVICE, "SignalR/Web PubSub Contributor")],
    ids=["key", "service"],
)
def test_a_missing_role_is_named_at_once(cloud: Any, refused: str, role: str) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded"))
    cloud.answer(refused, FORBIDDEN, code=1)
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 1
    assert f"you need the role {role} on it" in run.output
    assert "AuthorizationFailed" in run.output
    assert run.called("sleep") == []


def test_a_service_that_cannot_be_read_is_named(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, "ERROR: Not Found", code=1)
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 1
    assert "The SignalR Service sigr-x cannot be read." in run.output


def test_a_service_that_does_not_take_the_address_over_is_an_error(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded"))
    run = cloud.run("postdeploy.sh", **ENVIRONMENT, HOST_PATIENCE="10")
    assert run.code == 1
    assert "did not take over the address" in run.output


def test_a_key_that_would_break_the_url_is_refused(cloud: Any) -> None:
    cloud.answer(READ_KEY, {"systemKeys": {"signalr_extension": 'a"b&c'}})
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 1
    assert "characters that do not belong into a URL" in run.output
    assert run.called("az rest") == []


def test_a_wrong_argument_is_refused(cloud: Any) -> None:
    run = cloud.run("postdeploy.sh", "--if-deploid", **ENVIRONMENT)
    assert (run.code, run.calls) == (1, [])
    assert "usage" in run.output


# after a deployment: the key vault


def test_an_app_that_reads_the_key_vault_is_left_alone(cloud: Any) -> None:
    cloud.answer(READ_REFERENCE, reference("Resolved"))
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **WITH_VAULT)
    assert run.code == 0, run.output
    assert (run.called(REFRESH), run.called(RESTART), run.called("sleep")) == ([], [], [])


def test_an_app_that_cannot_read_the_key_vault_yet_is_told_to_try_again_until_it_can(cloud: Any) -> None:
    denied = reference("AccessToKeyVaultDenied")
    cloud.answer(READ_REFERENCE, denied, denied, denied, reference("Resolved"))
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **WITH_VAULT)
    assert run.code == 0, run.output
    steps = [REFRESH, "sleep", RESTART, READ_KEY]
    assert [step for call in run.calls for step in steps if step in " ".join(call)] == [
        *(REFRESH, "sleep", REFRESH, "sleep"),
        *(RESTART, READ_KEY),
    ]


def test_an_app_that_stays_unable_to_read_the_key_vault_is_explained(cloud: Any) -> None:
    cloud.answer(READ_REFERENCE, reference("AccessToKeyVaultDenied"))
    run = cloud.run("postdeploy.sh", **WITH_VAULT, HOST_PATIENCE="20")
    assert run.code == 1
    assert "is not resolved, its state is AccessToKeyVaultDenied" in run.output
    assert "the role Key Vault Secrets User" in run.output
    assert "Then run: azd hooks run postdeploy" in run.output
    assert (run.called(READ_KEY), run.called(RESTART)) == ([], [])


def test_who_may_not_ask_about_the_key_vault_is_told_the_role_and_the_rest_goes_on(cloud: Any) -> None:
    cloud.answer(READ_REFERENCE, FORBIDDEN, code=1)
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", URL))
    run = cloud.run("postdeploy.sh", **WITH_VAULT)
    assert run.code == 0, run.output
    assert "is not known: you need the role Website Contributor on it" in run.output
    assert "sends events to func-api-x.azurewebsites.net already" in run.output


@pytest.mark.parametrize("refused", [REFRESH, RESTART], ids=["refresh", "restart"])
def test_who_may_not_let_the_app_read_the_key_vault_is_told_the_role(cloud: Any, refused: str) -> None:
    cloud.answer(READ_REFERENCE, *map(reference, ["VaultNotFound", "VaultNotFound", "Resolved"]))
    cloud.answer(refused, FORBIDDEN, code=1)
    run = cloud.run("postdeploy.sh", **WITH_VAULT)
    assert run.code == 1
    assert "you need the role Website Contributor on it" in run.output


def test_without_a_key_vault_nothing_is_asked_about_one(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", URL))
    assert cloud.run("postdeploy.sh", **ENVIRONMENT).called("configreferences") == []


# after a deployment: the HTTP upstream

HTTP = {**ENVIRONMENT, "SIGNALR_UPSTREAM": "http"}
UPSTREAM = function("chat_upstream", "httpTrigger", route="upstream", methods=["POST"])


def test_the_http_upstream_needs_a_function_and_no_address(cloud: Any) -> None:
    cloud.answer(LIST_FUNCTIONS, [function("index", "httpTrigger", route="index"), UPSTREAM])
    run = cloud.run("postdeploy.sh", **HTTP)
    assert run.code == 0, run.output
    assert "needs no key" in run.output
    assert run.called("az rest") == []


@pytest.mark.parametrize(
    "functions",
    [
        [],
        [function("index", "httpTrigger")],
        [function("other", "httpTrigger", route="upstreams")],
        [function("chat_connected", "signalRTrigger", route="upstream")],
    ],
    ids=["no function", "no route", "another route", "another trigger"],
)
def test_a_missing_function_for_the_http_upstream_is_explained(cloud: Any, functions: Any) -> None:
    cloud.answer(LIST_FUNCTIONS, functions)
    run = cloud.run("postdeploy.sh", **HTTP, HOST_PATIENCE="10")
    assert run.code == 1
    assert "has no HTTP function with the route upstream" in run.output
    assert 'upstream_route="upstream"' in run.output
    assert "azd env set SIGNALR_UPSTREAM webhook" in run.output


def test_functions_that_appear_late_are_waited_for(cloud: Any) -> None:
    cloud.answer(LIST_FUNCTIONS, [], [UPSTREAM])
    run = cloud.run("postdeploy.sh", **HTTP)
    assert (run.code, run.called("sleep")) == (0, [["sleep", "10"]])


def test_who_may_not_list_the_functions_is_told_the_role(cloud: Any) -> None:
    cloud.answer(LIST_FUNCTIONS, FORBIDDEN, code=1)
    run = cloud.run("postdeploy.sh", **HTTP)
    assert run.code == 1
    assert "you need the role Website Contributor on it" in run.output
    assert run.called("sleep") == []


# after provisioning


def test_an_address_that_provisioning_left_out_is_put_back(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded"), service("Succeeded", URL))
    run = cloud.run("postprovision.sh", **WITH_VAULT)
    assert run.code == 0, run.output
    (change,) = run.called(CHANGE_SERVICE)
    assert URL in change[change.index("--body") + 1]


def test_an_address_that_provisioning_has_written_is_left_alone(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEYS)
    cloud.answer(READ_SERVICE, service("Succeeded", URL))
    run = cloud.run("postprovision.sh", **WITH_VAULT)
    assert (run.code, run.called(CHANGE_SERVICE)) == (0, [])


def test_after_the_first_provisioning_there_is_nothing_to_tell_and_nothing_to_wait_for(cloud: Any) -> None:
    cloud.answer(READ_KEY, NO_KEY)
    run = cloud.run("postprovision.sh", **WITH_VAULT)
    assert (run.code, run.called("sleep"), run.called("az rest")) == (0, [], [])
    assert run.output == (
        "The function app func-api-x has no key for its webhook yet: "
        "azd deploy tells the SignalR Service where events go.\n"
    )


def test_an_app_without_code_that_does_not_answer_is_not_waited_for_long(cloud: Any) -> None:
    cloud.answer(READ_KEY, "ServiceUnavailable", code=1)
    run = cloud.run("postprovision.sh", **WITH_VAULT)
    assert (run.code, run.called("sleep")) == (0, [["sleep", "10"]] * 3)
    assert "ServiceUnavailable" not in run.output


def test_an_app_that_wakes_up_after_provisioning_is_found(cloud: Any) -> None:
    cloud.answer(READ_KEY, "ServiceUnavailable", code=1, then=[KEYS])
    cloud.answer(READ_SERVICE, service("Succeeded"), service("Succeeded", URL))
    run = cloud.run("postprovision.sh", **WITH_VAULT)
    assert len(run.called(CHANGE_SERVICE)) == 1


def test_after_provisioning_the_http_upstream_needs_nothing(cloud: Any) -> None:
    cloud.commands = ()
    run = cloud.run("postprovision.sh", **HTTP)
    assert (run.code, run.output) == (0, "")


# all of them


@pytest.mark.parametrize("script", ["preprovision.sh", "postprovision.sh", "postdeploy.sh"])
class TestEveryHook:
    def test_another_subscription_or_account_is_named(self, cloud: Any, script: str) -> None:
        cloud.answer("az account show", "ERROR: The subscription doesn't exist", code=1)
        run = cloud.run(script, **ENVIRONMENT)
        assert run.code == 1
        assert "az cannot see the subscription 11111111-2222-3333-4444-555555555555" in run.output
        assert "az login --tenant 99999999-2222-3333-4444-555555555555" in run.output
        assert len(run.calls) == 1

    def test_every_call_names_the_subscription(self, cloud: Any, script: str) -> None:
        cloud.answer(LIST_APPS, APPS)
        cloud.answer(READ_KEY, KEYS)
        cloud.answer(READ_SERVICE, service("Succeeded"), service("Succeeded", URL))
        run = cloud.run(script, **ENVIRONMENT)
        assert run.called("az ")
        for call in run.calls:
            if call[0] == "az":
                assert call[call.index("--subscription") + 1] == ENVIRONMENT["AZURE_SUBSCRIPTION_ID"]

    def test_a_missing_az_is_named(self, cloud: Any, script: str) -> None:
        cloud.commands = ("azd",)
        run = cloud.run(script, **ENVIRONMENT)
        assert run.code == 1
        assert "The Azure CLI (az) is missing" in run.output


def test_a_missing_variable_is_named(cloud: Any) -> None:
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "SIGNALR_NAME"}
    run = cloud.run("postdeploy.sh", **environment)
    assert run.code == 1
    assert "SIGNALR_NAME is not set" in run.output
    assert run.calls == []


@pytest.mark.parametrize("name", ["azure.sh", "check-bicep.sh"])
def test_what_a_script_has_written_is_removed_whatever_ends_it(name: str) -> None:
    source = (INFRA / "scripts" / name).read_text()
    assert re.findall(r"^trap '(rm|exit \d+).*' (\w+)$", source, re.MULTILINE) == [
        ("rm", "EXIT"),
        ("exit 130", "INT"),
        ("exit 143", "TERM"),
        ("exit 129", "HUP"),
    ]


@pytest.mark.parametrize(
    "script", [path.name for path in (INFRA / "scripts").glob("[!a]*.sh") if path.name != "check-bicep.sh"]
)
def test_help_runs_nothing(cloud: Any, script: str) -> None:
    run = cloud.run(script, "--help", **ENVIRONMENT)
    assert run.code in (1, 2)
    assert run.calls == []
    assert run.output.startswith(f"usage: {script}")


@pytest.mark.parametrize("script", ["azure.sh", "rotate-key.sh"])
def test_git_bash_leaves_ids_of_resources_alone(script: str) -> None:
    # Whether they export it themselves or read the file that does.
    text = (INFRA / "scripts" / script).read_text()
    assert "export MSYS2_ARG_CONV_EXCL=/subscriptions" in text or ". ./azure.sh" in text
