"""Examining the deployed app: what is asked of az, and that the doctor gets it."""

import sys
from typing import Any

import pytest

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-chat",
    "SERVICE_API_NAME": "func-api-x",
    "SERVICE_API_IDENTITY_PRINCIPAL_ID": "22222222-2222-3333-4444-555555555555",
    "SIGNALR_NAME": "sigr-x",
    "PYTHON": sys.executable,
}
PRINTED = {
    "az functionapp config appsettings list": [
        {
            "name": "AzureSignalRConnectionString",
            "value": f"Endpoint=http://localhost:1;AccessKey={KEY};Version=1.0;",
        }
    ],
    "az functionapp cors show": {"allowedOrigins": ["*"], "supportCredentials": True},
    "az signalr show": {"features": [{"flag": "ServiceMode", "value": "Default"}]},
    "az role assignment list --all --assignee 22222222": [],
}


@pytest.fixture(autouse=True)
def answers(cloud: Any) -> None:
    for command, content in PRINTED.items():
        cloud.answer(command, content)


def test_the_doctor_reads_all_that_az_prints(cloud: Any) -> None:
    run = cloud.run("doctor.sh", **ENVIRONMENT)
    assert run.code == 1
    for found in (
        "[error] AzureSignalRConnectionString: it names an emulator",
        "[error] CORS: every origin is allowed, with credentials",
        "[error] service mode: Default: events are not sent upstream",
    ):
        assert found in run.output
    assert "[skipped]" not in run.output
    assert KEY not in run.output


def test_nothing_is_changed_and_nothing_stays_behind(cloud: Any) -> None:
    run = cloud.run("doctor.sh", **ENVIRONMENT)
    asked = [call[1:] for call in run.calls]
    assert not [call for call in asked if not {"list", "show"} & set(call)]
    left = {path.name for path in cloud.folder.iterdir()}
    assert left == {"bin", "rules.json", "calls.jsonl"}


def test_options_are_those_of_the_doctor(cloud: Any) -> None:
    run = cloud.run("doctor.sh", "--app", str(cloud.folder), **ENVIRONMENT)
    assert f"There is no function_app.py in {cloud.folder}" in run.output


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("az functionapp config", "The settings of the function app func-api-x cannot be read: you need the"),
        (
            "az functionapp cors",
            "CORS of the function app func-api-x cannot be read: you need the role Reader",
        ),
        ("az signalr show", "The SignalR Service sigr-x cannot be read: you need the role Reader"),
        ("az role assignment", "The roles of the app's identity cannot be read: you need the role Reader"),
    ],
)
def test_a_role_that_is_missing_is_named(cloud: Any, command: str, told: str) -> None:
    cloud.answer(command, "ERROR: (AuthorizationFailed) no", code=1)
    run = cloud.run("doctor.sh", **ENVIRONMENT)
    assert run.code == 1
    assert told in run.output


def test_without_the_environment_of_the_deployment_it_says_where_to_get_it(cloud: Any) -> None:
    run = cloud.run("doctor.sh", PYTHON=sys.executable)
    assert "AZURE_SUBSCRIPTION_ID is not set. azd sets it" in run.output
