"""What az says, and what it does not say: signed out, not allowed, noisy, stuck, missing."""

import json
import sys

import pytest

from tests.signalr_local.doctor.deployment import Azure


def replace_az(azure: Azure, text: str) -> None:
    """Put another program in the place of az, in Python."""
    (azure.folder / "bin" / "az").write_text(f"#!{sys.executable} -I\n{text}")


@pytest.mark.parametrize(
    ("az", "told"),
    [
        ("ERROR: Please run 'az login' to setup account.", "sign in with az login"),
        ("ERROR: (AuthorizationFailed) no", "you need the role Website Contributor"),
        ("ERROR: (ResourceNotFound) The Resource was not found.", "does not exist in this subscription"),
    ],
)
async def test_an_app_that_cannot_be_read_is_exit_code_2(
    azure: Azure, capsys: pytest.CaptureFixture[str], az: str, told: str
) -> None:
    azure.answers["functionapp show"] = (1, az)
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert told in printed


async def test_what_may_not_be_read_is_a_warning_that_names_the_role(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.answers["signalr list"] = (1, "ERROR: (AuthorizationFailed) no")
    code, printed = await azure.doctor(capsys)
    assert "[warning] the SignalR Service: it could not be read" in printed
    assert "you need the role Reader" in printed
    assert code == 0


@pytest.mark.parametrize(
    ("groups", "told"), [([], "has no function app named app"), (["a", "b"], "has 2 function apps named app")]
)
async def test_an_app_that_is_not_one_needs_its_resource_group(
    azure: Azure, capsys: pytest.CaptureFixture[str], groups: list[str], told: str
) -> None:
    azure.answers["resource list"] = (0, [{"resourceGroup": name} for name in groups])
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert told in printed


async def test_without_az_it_says_where_to_get_it(
    azure: Azure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert "The Azure CLI (az) is not installed: https://" in printed


async def test_lines_beside_the_answer_are_passed_over(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    program = (azure.folder / "bin" / "az").read_text().partition("\n")[2]
    noise = "WARNING: The behavior of this command has been altered [see the notes]."
    replace_az(azure, f"print({noise!r})\n{program}")
    code, printed = await azure.doctor(capsys)
    assert code == 0, printed


async def test_an_az_that_does_not_answer_is_given_up(
    azure: Azure, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signalr_local.doctor.azure_cli._PATIENCE", 0.5)
    replace_az(azure, "import threading; threading.Event().wait()")
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert "az resource list did not answer within" in printed
    assert "Run it yourself to see what it waits for." in printed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("print('Signed in.')", "az resource list printed no JSON."),
        ("print('{')", "az resource list printed no JSON."),
        ("import sys; sys.exit(3)", "cannot be read: az gave no reason"),
    ],
    ids=["text", "cut off", "silent"],
)
async def test_an_answer_that_is_none_is_exit_code_2(
    azure: Azure, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    replace_az(azure, text)
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert told in printed


async def test_an_az_that_cannot_be_run_is_exit_code_2(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    (azure.folder / "bin" / "az").write_text("no program")
    code, printed = await azure.doctor(capsys)
    assert code == 2
    assert "cannot be run: " in printed


async def test_a_hint_after_the_error_is_not_taken_for_it(
    azure: Azure, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.answers["functionapp show"] = (1, "ERROR: Something new.\nTo learn more, see https://aka.ms/cli")
    _, printed = await azure.doctor(capsys)
    assert printed == "The function app app cannot be read: ERROR: Something new.\n"


async def test_what_could_not_be_read_is_told_once(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("functionapp cors show", "signalr list"):
        azure.answers[command] = (1, "ERROR: (AuthorizationFailed) no")
    _, printed = await azure.doctor(capsys, "--output", "json")
    found = [
        item for item in json.loads(printed)["findings"] if item["section"] in ("CORS", "SignalR Service")
    ]
    assert [(item["rule"], item["state"]) for item in found] == [
        ("service.unreadable", "warning"),
        ("cors.unreadable", "warning"),
    ]


async def test_a_domain_of_the_app_is_the_app(azure: Azure, capsys: pytest.CaptureFixture[str]) -> None:
    site = {"defaultHostName": "other.azurewebsites.net", "state": "Running", "sku": "FlexConsumption"}
    azure.answers["functionapp show"] = (0, {**site, "hostNames": ["other.azurewebsites.net"]})
    _, printed = await azure.doctor(capsys, "--no-round-trip")
    assert "is not this function app, whose host is other.azurewebsites.net" in printed
    names = ["other.azurewebsites.net", "app.azurewebsites.net"]
    azure.answers["functionapp show"] = (0, {**site, "hostNames": names})
    code, printed = await azure.doctor(capsys, "--no-round-trip")
    assert (code, printed.splitlines()[-1]) == (0, "No problems found.")
