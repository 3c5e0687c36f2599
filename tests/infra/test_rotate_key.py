"""The rotation of access keys, against commands that only record their calls."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
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
LONG_AGO, TO_COME = "1000000000", "9000000000"
READ = "az keyvault secret show --vault-name kv-x --name AzureSignalRConnectionString"
SET = "az keyvault secret set"
MARK = "az keyvault secret set-attributes"
RENEW = "az signalr key renew"
FORBIDDEN = "ERROR: (Forbidden) Caller is not authorized to perform action"


@pytest.fixture
def service(cloud: Any) -> Any:
    """Return a cloud with a service, whose primary key the app uses."""
    cloud.answer(
        "az signalr key list",
        {
            "primaryKey": "one",
            "primaryConnectionString": PRIMARY,
            "secondaryKey": "two",
            "secondaryConnectionString": SECONDARY,
        },
    )
    cloud.answer(READ, secret(PRIMARY, switched=LONG_AGO))
    cloud.answer("az rest --method get", reference("Resolved"))
    return cloud


def secret(value: str, switched: str | None = None) -> Any:
    """Return the secret in the vault, and when the app began to use it."""
    return {"value": value, "tags": None if switched is None else {"switched": switched}}


def reference(state: str) -> Any:
    """Return what the platform says of the app setting that refers to the vault."""
    return {"name": "AzureSignalRConnectionString", "properties": {"status": state, "vaultName": "kv-x"}}


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
    service.answer(READ, secret(SECONDARY, switched=LONG_AGO))
    run = service.run("rotate-key.sh", "switch", **ENVIRONMENT)
    (stored,) = run.called(f"{SET} ")
    assert stored[stored.index("--file") + 1] == PRIMARY
    assert run.called("azd")[0][-1] == "primary"


def test_only_the_key_that_the_app_does_not_use_is_renewed(service: Any) -> None:
    service.answer(READ, secret(SECONDARY, switched=LONG_AGO))
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert run.code == 0, run.output
    (renewed,) = run.called(RENEW)
    assert renewed[renewed.index("--key-type") + 1] == "primary"
    assert run.called(f"{SET} ") == []


def test_renewal_waits_until_tokens_of_the_key_have_expired(service: Any) -> None:
    service.answer(READ, secret(PRIMARY, switched=TO_COME))
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert order(run, "sleep", RENEW) == ["sleep", RENEW]
    assert int(run.called("sleep")[0][1]) > 3600


def test_a_switch_long_ago_is_not_waited_for(service: Any) -> None:
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert run.called("sleep") == []
    assert len(run.called(RENEW)) == 1


def test_a_switch_that_was_interrupted_is_ended_before_the_whole_wait(service: Any) -> None:
    service.answer(READ, secret(PRIMARY))
    run = service.run("rotate-key.sh", "renew", **ENVIRONMENT)
    assert order(run, "refresh", MARK, "sleep", RENEW) == ["refresh", MARK, "sleep", RENEW]
    assert int(run.called("sleep")[0][1]) > 3600


def test_without_an_argument_both_happen_in_order(service: Any) -> None:
    service.answer(READ, secret(PRIMARY), secret(SECONDARY, switched=TO_COME))
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
    service.answer("az rest --method get", reference("AccessToKeyVaultDenied"))
    run = service.run("rotate-key.sh", **ENVIRONMENT, HOST_PATIENCE="10")
    assert run.code == 1
    assert "AccessToKeyVaultDenied" in run.output
    assert "both keys are valid still" in run.output
    assert run.called(RENEW) == []


def test_a_vault_with_neither_key_is_named(service: Any) -> None:
    service.answer(READ, secret("something else"))
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


def test_a_vault_that_the_app_can_read_after_a_while_is_waited_for(service: Any) -> None:
    denied = reference("AccessToKeyVaultDenied")
    service.answer("az rest --method get", denied, reference("Resolved"))
    run = service.run("rotate-key.sh", "switch", **ENVIRONMENT)
    assert run.code == 0, run.output
    assert order(run, "refresh", "sleep", MARK) == ["refresh", "refresh", "sleep", MARK]


@pytest.mark.parametrize("on", ["true", "True", "1"])
def test_with_managed_identity_there_is_nothing_to_rotate(service: Any, on: str) -> None:
    run = service.run("rotate-key.sh", **ENVIRONMENT, USE_MANAGED_IDENTITY=on)
    assert (run.code, run.calls) == (0, [])
    assert "nothing to rotate" in run.output


def test_a_wrong_argument_is_refused(service: Any) -> None:
    run = service.run("rotate-key.sh", "swich", **ENVIRONMENT)
    assert (run.code, run.calls) == (1, [])
    assert "usage" in run.output


# interrupted


def test_while_it_waits_no_key_is_in_any_file(service: Any) -> None:
    service.answer(READ, secret(PRIMARY), secret(SECONDARY, switched=TO_COME))
    service.run("rotate-key.sh", **ENVIRONMENT)
    assert "AccessKey" not in service.kept()


@pytest.fixture
def waiting(service: Any) -> Iterator[subprocess.Popen[str]]:
    """Return a rotation that waits for tokens to expire."""
    service.commands = ("az", "azd")
    service.answer(READ, secret(PRIMARY), secret(SECONDARY, switched=TO_COME))
    with service.start("rotate-key.sh", **ENVIRONMENT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "waiting" in line:
                break
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)], ids=["Ctrl+C", "kill", "hang up"]
)
def test_a_rotation_that_is_interrupted_leaves_nothing_behind(
    service: Any, waiting: subprocess.Popen[str], name: str, code: int
) -> None:
    while waiting.returncode is None:
        # again, in case that it came just before the wait
        os.killpg(waiting.pid, signal.Signals[name])
        with suppress(subprocess.TimeoutExpired):
            waiting.wait(timeout=1)
    assert waiting.returncode == code
    assert [path.name for path in Path(service.folder).iterdir() if path.is_dir()] == ["bin"]
