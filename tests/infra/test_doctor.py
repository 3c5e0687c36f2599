"""Examining the deployed app: the script hands the names of the deployment to the doctor."""

import sys
from typing import Any

import pytest

KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
ENVIRONMENT = {
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-chat",
    "SERVICE_API_NAME": "func-api-x",
    "PYTHON": sys.executable,
}
PRINTED: dict[str, Any] = {
    "az functionapp show": {
        "defaultHostName": "func-api-x.azurewebsites.net",
        "state": "Running",
        "identity": {
            "userAssignedIdentities": {"/id": {"principalId": "22222222-2222-3333-4444-555555555555"}}
        },
    },
    "az functionapp config appsettings list": [
        {
            "name": "AzureSignalRConnectionString",
            "value": f"Endpoint=http://localhost:1;AccessKey={KEY};Version=1.0;",
        }
    ],
    "az functionapp cors show": {"allowedOrigins": ["*"], "supportCredentials": True},
    "az functionapp function list": [],
    "az signalr list": [
        {
            "name": "sigr-x",
            "resourceGroup": "rg-chat",
            "hostName": "localhost",
            "features": [{"flag": "ServiceMode", "value": "Default"}],
        }
    ],
    "az role assignment list --all --assignee 22222222": [],
}


@pytest.fixture(autouse=True)
def answers(cloud: Any) -> None:
    for command, content in PRINTED.items():
        cloud.answer(command, content)


def test_the_doctor_reads_all_that_az_prints(cloud: Any) -> None:
    run = cloud.run("doctor.sh", "--no-round-trip", **ENVIRONMENT)
    assert run.code == 1
    for found in (
        "[error] AzureSignalRConnectionString: it names an emulator",
        "[error] CORS of the function app: it allows every origin",
        "[error] service mode: it is Default, and events are not sent upstream",
    ):
        assert found in run.output
    assert "skipped" not in run.output
    assert KEY not in run.output


def test_nothing_is_changed_and_nothing_stays_behind(cloud: Any) -> None:
    run = cloud.run("doctor.sh", "--no-round-trip", **ENVIRONMENT)
    asked = [call[1:] for call in run.calls]
    assert not [call for call in asked if not {"list", "show"} & set(call)]
    assert all("--subscription" in call for call in asked)
    left = {path.name for path in cloud.folder.iterdir()}
    assert left == {"bin", "rules.json", "calls.jsonl"}


def test_options_are_those_of_the_doctor(cloud: Any) -> None:
    run = cloud.run("doctor.sh", "--no-round-trip", "--output", "json", **ENVIRONMENT)
    assert '"schemaVersion": 1' in run.output


def test_without_the_environment_of_the_deployment_it_says_where_to_get_it(cloud: Any) -> None:
    run = cloud.run("doctor.sh", PYTHON=sys.executable)
    assert "AZURE_SUBSCRIPTION_ID is not set. azd sets it" in run.output
