"""The hooks of azd, against commands that only record their calls: azd up once, twice, and gone wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "infra" / "scripts"

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
READ_KEY = "az functionapp keys list --resource-group rg-chat --name func-api-x"
READ_SERVICE = "az rest --method get"
CHANGE_SERVICE = "az rest --method patch"

FORBIDDEN = "ERROR: (AuthorizationFailed) The client does not have authorization to perform action"


# before provisioning


def test_before_the_first_provisioning_there_is_no_key_and_nothing_is_asked(cloud: Any) -> None:
    run = cloud.run("preprovision.sh", AZURE_ENV_NAME="chat")
    assert (run.code, run.calls) == (0, [])


def test_before_the_second_provisioning_the_key_is_found(cloud: Any) -> None:
    cloud.answer("az resource list", "rg-chat func-api-x")
    cloud.answer(READ_KEY, KEY)
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert run.called("azd env set") == [["azd", "env", "set", "SIGNALR_EXTENSION_KEY_EXISTS", "true"]]
    assert KEY not in run.output


def test_what_is_known_already_is_not_set_again(cloud: Any) -> None:
    cloud.answer("az resource list", "rg-chat func-api-x")
    cloud.answer(READ_KEY, KEY)
    run = cloud.run("preprovision.sh", **ENVIRONMENT, SIGNALR_EXTENSION_KEY_EXISTS="true")
    assert run.code == 0, run.output
    assert run.called("azd env set") == []


def test_the_app_is_found_by_the_tag_of_the_environment(cloud: Any) -> None:
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert len(run.called("az resource list --tag azd-env-name=chat")) == 1


def test_after_teardown_the_key_is_forgotten(cloud: Any) -> None:
    run = cloud.run("preprovision.sh", **ENVIRONMENT, SIGNALR_EXTENSION_KEY_EXISTS="true")
    assert run.called("azd env set") == [["azd", "env", "set", "SIGNALR_EXTENSION_KEY_EXISTS", "false"]]


def test_an_app_without_code_has_no_key(cloud: Any) -> None:
    cloud.answer("az resource list", "rg-chat func-api-x")
    run = cloud.run("preprovision.sh", **ENVIRONMENT)
    assert (run.code, run.called("azd env set")) == (0, [])


def test_an_app_that_sleeps_is_asked_again(cloud: Any) -> None:
    cloud.answer("az resource list", "rg-chat func-api-x")
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_KEY, "ServiceUnavailable", code=1)
    run = cloud.run("preprovision.sh", **ENVIRONMENT, HOST_PATIENCE="20")
    assert len(run.called(READ_KEY)) == 3
    assert run.called("sleep") == [["sleep", "10"]] * 2


def test_an_app_that_does_not_answer_does_not_stop_provisioning(cloud: Any) -> None:
    cloud.answer("az resource list", "rg-chat func-api-x")
    cloud.answer(READ_KEY, "ServiceUnavailable", code=1)
    run = cloud.run("preprovision.sh", **ENVIRONMENT, SIGNALR_EXTENSION_KEY_EXISTS="true")
    assert run.code == 0
    assert run.called("azd env set")[0][-1] == "false"
    assert "does not answer; events stop until it is deployed again: azd deploy" in run.output


def test_provisioning_stops_before_it_would_empty_the_upstream_for_want_of_a_role(cloud: Any) -> None:
    cloud.answer("az resource list", "rg-chat func-api-x")
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
        ({"ALLOWED_ORIGINS": "*"}, "every origin must be named"),
        ({"ALLOWED_ORIGINS": "https://a.example,https://*.b.example"}, "every origin must be named"),
    ],
    ids=["http and identity", "free and network", "free and units", "wildcard", "wildcard in a host"],
)
def test_parameters_that_exclude_each_other_are_refused(cloud: Any, wrong: dict[str, str], said: str) -> None:
    run = cloud.run("preprovision.sh", **ENVIRONMENT, **wrong)
    assert run.code == 1
    assert said in run.output
    assert run.calls == []


# after a deployment


def test_the_first_deployment_tells_the_service_where_the_webhook_is(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_SERVICE, "Succeeded ", f"Updating {URL}", f"Succeeded {URL}")
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    (change,) = run.called(CHANGE_SERVICE)
    assert change[change.index("--url") + 1] == (
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-chat"
        "/providers/Microsoft.SignalRService/signalR/sigr-x?api-version=2024-03-01"
    )
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
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_SERVICE, f"Succeeded {URL}")
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert run.called(CHANGE_SERVICE) == []
    assert "already" in run.output


def test_a_renewed_key_reaches_the_service(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_SERVICE, f"Succeeded {URL}x", f"Succeeded {URL}")
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert len(run.called(CHANGE_SERVICE)) == 1


def test_the_key_is_neither_printed_nor_an_argument(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_SERVICE, "Succeeded ", f"Succeeded {URL}")
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert KEY not in run.output
    # the recording has the contents of files in place of their names
    assert [call for call in run.calls if KEY in " ".join(call)] == run.called(CHANGE_SERVICE)
    (change,) = run.called(CHANGE_SERVICE)
    assert [word for word in change if KEY in word] == [change[change.index("--body") + 1]]
    assert [path.name for path in cloud.folder.iterdir() if path.is_dir()] == ["bin"]


def test_a_host_that_starts_slowly_is_waited_for(cloud: Any) -> None:
    cloud.answer(READ_KEY, "", "", KEY)
    cloud.answer(READ_SERVICE, f"Succeeded {URL}")
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 0
    assert run.called("sleep") == [["sleep", "10"]] * 2


def test_a_missing_key_is_explained(cloud: Any) -> None:
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
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_SERVICE, "Succeeded ")
    cloud.answer(refused, FORBIDDEN, code=1)
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 1
    assert f"you need the role {role} on it" in run.output
    assert "AuthorizationFailed" in run.output
    assert run.called("sleep") == []


def test_a_service_that_cannot_be_read_is_named(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_SERVICE, "ERROR: Not Found", code=1)
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 1
    assert "The SignalR Service sigr-x cannot be read." in run.output


def test_a_service_that_does_not_take_the_address_over_is_an_error(cloud: Any) -> None:
    cloud.answer(READ_KEY, KEY)
    cloud.answer(READ_SERVICE, "Succeeded ")
    run = cloud.run("postdeploy.sh", **ENVIRONMENT, HOST_PATIENCE="10")
    assert run.code == 1
    assert "did not take over the address" in run.output


def test_a_key_that_would_break_the_url_is_refused(cloud: Any) -> None:
    cloud.answer(READ_KEY, 'a"b&c')
    run = cloud.run("postdeploy.sh", **ENVIRONMENT)
    assert run.code == 1
    assert "characters that do not belong into a URL" in run.output
    assert run.called("az rest") == []


def test_the_http_upstream_needs_no_address(cloud: Any) -> None:
    cloud.commands = ()
    run = cloud.run("postdeploy.sh", SIGNALR_UPSTREAM="http")
    assert run.code == 0
    assert "needs no key" in run.output


# both


@pytest.mark.parametrize("script", ["preprovision.sh", "postdeploy.sh"])
class TestBothHooks:
    def test_another_subscription_or_account_is_named(self, cloud: Any, script: str) -> None:
        cloud.answer("az account show", "ERROR: The subscription doesn't exist", code=1)
        run = cloud.run(script, **ENVIRONMENT)
        assert run.code == 1
        assert "az cannot see the subscription 11111111-2222-3333-4444-555555555555" in run.output
        assert "az login --tenant 99999999-2222-3333-4444-555555555555" in run.output
        assert len(run.calls) == 1

    def test_every_call_names_the_subscription(self, cloud: Any, script: str) -> None:
        cloud.answer("az resource list", "rg-chat func-api-x")
        cloud.answer(READ_KEY, KEY)
        cloud.answer(READ_SERVICE, "Succeeded ", f"Succeeded {URL}")
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
