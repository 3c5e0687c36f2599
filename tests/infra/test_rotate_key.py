"""The rotation of access keys, against commands that only record their calls."""

from pathlib import Path
from typing import Any

import pytest

PRIMARY = "Endpoint=https://sigr-x.service.signalr.net;AccessKey=one;Version=1.0;"
SECONDARY = "Endpoint=https://sigr-x.service.signalr.net;AccessKey=two;Version=1.0;"

ENVIRONMENT = {
    "AZURE_ENV_NAME": "chat",
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-chat",
    "AZURE_KEY_VAULT_NAME": "kv-x",
    "SERVICE_API_NAME": "func-api-x",
    "SIGNALR_NAME": "sigr-x",
}
SET = "az keyvault secret set"
MARK = "az keyvault secret set-attributes"
RENEW = "az signalr key renew"
FORBIDDEN = "ERROR: (Forbidden) Caller is not authorized to perform action"


@pytest.fixture
def service(cloud: Any) -> Any:
    """Return a cloud with a service, whose primary key the app uses."""
    cloud.answer("--query primaryConnectionString", PRIMARY)
    cloud.answer("--query secondaryConnectionString", SECONDARY)
    cloud.answer("az keyvault secret show --vault-name kv-x --name AzureSignalRConnectionString", PRIMARY)
    cloud.answer("--query tags.switched", "1000000000")
    cloud.answer("--query properties.status", "Resolved")
    return cloud


def order(run: Any, *steps: str) -> list[str]:
    """Return the steps in the order in which they were called."""
    return [step for call in run.calls for step in steps if step in " ".join(call)]


def test_the_other_key_goes_into_the_vault_and_the_app_is_told(service: Any) -> None:
    run = service.run("rotate-key.sh", "switch", **ENVIRONMENT)
    assert run.code == 0, run.output
    (stored,) = run.called(f"{SET} ")
    assert stored[stored.index("--file") + 1] == SECONDARY
    assert order(run, f"{SET} ", "azd env set", "refresh", MARK) == [
        f"{SET} ",
        "azd env set",
        "refresh",
        MARK,
    ]
    assert run.called("azd") == [["azd", "env", "set", "SIGNALR_ACTIVE_KEY", "secondary"]]
    assert run.called(RENEW) == []


def test_the_next_time_it_goes_the_other_way(service: Any) -> None:
    service.answer("--name AzureSignalRConnectionString --query value", SECONDARY)
    run = service.run("rotate-key.sh", "switch", **ENVIRONMENT)
    (stored,) = run.called(f"{SET} ")
    assert stored[stored.index("--file") + 1] == PRIMARY
    assert run.called("azd")[0][-1] == "primary"


def test_only_the_key_that_the_app_does_not_use_is_renewed(service: Any) -> None:
    service.answer("--name AzureSignalRConnectionString --query value", SECONDARY)
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert run.code == 0, run.output
    (renewed,) = run.called(RENEW)
    assert renewed[renewed.index("--key-type") + 1] == "primary"
    assert run.called(f"{SET} ") == []


def test_renewal_waits_until_tokens_of_the_key_have_expired(service: Any) -> None:
    service.answer("--query tags.switched", "9000000000")
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert order(run, "sleep", RENEW) == ["sleep", RENEW]
    assert int(run.called("sleep")[0][1]) > 3600


def test_a_switch_long_ago_is_not_waited_for(service: Any) -> None:
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert run.called("sleep") == []
    assert len(run.called(RENEW)) == 1


def test_a_switch_that_was_interrupted_is_ended_before_the_whole_wait(service: Any) -> None:
    service.answer("--query tags.switched", "")
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert order(run, "refresh", MARK, "sleep", RENEW) == ["refresh", MARK, "sleep", RENEW]
    assert int(run.called("sleep")[0][1]) > 3600


def test_without_an_argument_both_happen_in_order(service: Any) -> None:
    service.answer("--name AzureSignalRConnectionString --query value", PRIMARY, SECONDARY)
    service.answer("--query tags.switched", "9000000000")
    run = service.run("rotate-key.sh", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert order(run, f"{SET} ", "refresh", "sleep", RENEW) == [f"{SET} ", "refresh", "sleep", RENEW]
    assert run.called(RENEW)[0][run.called(RENEW)[0].index("--key-type") + 1] == "primary"


def test_no_key_is_printed_or_an_argument(service: Any) -> None:
    run = service.run("rotate-key.sh", **ENVIRONMENT, TOKEN_LIFETIME="0")
    assert "AccessKey" not in run.output
    for call in run.calls:
        secrets = [at for at, word in enumerate(call) if "AccessKey" in word]
        assert all(call[at - 1] == "--file" for at in secrets)
    assert [path.name for path in Path(service.folder).iterdir() if path.is_dir()] == ["bin"]


def test_without_azd_the_next_step_is_said(service: Any) -> None:
    service.commands = ("az", "sleep")
    run = service.run("rotate-key.sh", "switch", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert "Pass signalrActiveKey=secondary" in run.output


def test_nothing_is_renewed_while_the_app_cannot_read_the_vault(service: Any) -> None:
    service.answer("--query properties.status", "AccessToKeyVaultDenied")
    run = service.run("rotate-key.sh", **ENVIRONMENT, HOST_PATIENCE="10")
    assert run.code == 1
    assert "AccessToKeyVaultDenied" in run.output
    assert "both keys are valid still" in run.output
    assert run.called(RENEW) == []


def test_a_vault_with_neither_key_is_named(service: Any) -> None:
    service.answer("--name AzureSignalRConnectionString --query value", "something else")
    run = service.run("rotate-key.sh", **ENVIRONMENT)
    assert run.code == 1
    assert "holds neither key" in run.output
    assert run.called(f"{SET} ") == []
    assert "something else" not in run.output


@pytest.mark.parametrize(
    ("refused", "role"),
    [
        ("az signalr key list", "SignalR/Web PubSub Contributor"),
        ("az keyvault secret show", "Key Vault Secrets Officer"),
        (f"{SET} ", "Key Vault Secrets Officer"),
        (MARK, "Key Vault Secrets Officer"),
        ("az rest --method post", "Website Contributor"),
        (RENEW, "SignalR/Web PubSub Contributor"),
    ],
)
def test_a_missing_role_is_named(service: Any, refused: str, role: str) -> None:
    service.answer(refused, FORBIDDEN, code=1)
    run = service.run("rotate-key.sh", **ENVIRONMENT, TOKEN_LIFETIME="0")
    assert run.code == 1
    assert f"you need the role {role}" in run.output
    assert "Caller is not authorized" in run.output


def test_with_managed_identity_there_is_nothing_to_rotate(service: Any) -> None:
    run = service.run("rotate-key.sh", **ENVIRONMENT, USE_MANAGED_IDENTITY="true")
    assert (run.code, run.calls) == (0, [])
    assert "nothing to rotate" in run.output


def test_a_wrong_argument_is_refused(service: Any) -> None:
    run = service.run("rotate-key.sh", "swich", **ENVIRONMENT)
    assert (run.code, run.calls) == (1, [])
    assert "usage" in run.output
