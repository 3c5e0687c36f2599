"""The hook that runs after a deployment, against commands that only record their calls."""

import json
from typing import Any

import pytest

from tests.infra.test_hooks import (
    CHANGE_SERVICE,
    ENVIRONMENT,
    FORBIDDEN,
    HTTP,
    KEY,
    KEYS,
    LIST_FUNCTIONS,
    NO_KEY,
    READ_KEY,
    READ_REFERENCE,
    READ_SERVICE,
    REFRESH,
    RESTART,
    URL,
    WITH_VAULT,
    function,
    reference,
    service,
)


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


# the key vault


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
