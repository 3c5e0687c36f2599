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
HTTP = {**ENVIRONMENT, "SIGNALR_UPSTREAM": "http"}
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
