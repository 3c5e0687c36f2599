"""The smoke test after a deployment: it tries again while things start, and says how to go back."""

from pathlib import Path
from typing import Any

import pytest

STUB = """#!/bin/sh
echo "$@" >> "{folder}/asked"
read -r code < "{folder}/codes"
sed -i 1d "{folder}/codes"
echo "verdict of try $code"
exit "$code"
"""


@pytest.fixture
def environment(cloud: Any) -> dict[str, str]:
    """Return the environment of a deployment, with a doctor that ends with the codes of a file."""
    python = cloud.folder / "python"
    python.write_text(STUB.format(folder=cloud.folder).replace("sed -i 1d", "/usr/bin/sed -i 1d"))
    python.chmod(0o755)
    return {
        "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
        "AZURE_RESOURCE_GROUP": "rg-chat",
        "SERVICE_API_NAME": "func-api-x",
        "PYTHON": str(python),
    }


def codes(cloud: Any, *wanted: int) -> None:
    (cloud.folder / "codes").write_text("".join(f"{code}\n" for code in wanted))


def test_an_app_that_passes_is_examined_once(cloud: Any, environment: dict[str, str]) -> None:
    codes(cloud, 0)
    run = cloud.run("smoke-test.sh", **environment)
    assert run.code == 0
    assert run.called("sleep") == []
    assert (cloud.folder / "asked").read_text().split("doctor ")[1].strip() == (
        "--azure func-api-x --resource-group rg-chat --subscription 11111111-2222-3333-4444-555555555555"
    )


def test_an_app_that_is_starting_is_examined_again(cloud: Any, environment: dict[str, str]) -> None:
    codes(cloud, 1, 1, 0)
    run = cloud.run("smoke-test.sh", **environment)
    assert run.code == 0
    assert len(run.called("sleep")) == 2
    assert "verdict of try 0" in run.output
    assert "verdict of try 1" not in run.output


def test_an_app_that_does_not_pass_fails_with_the_report_and_the_way_back(
    cloud: Any, environment: dict[str, str]
) -> None:
    codes(cloud, *[1] * 10)
    run = cloud.run("smoke-test.sh", **environment, SMOKE_PATIENCE="30")
    assert run.code == 1
    assert len(run.called("sleep")) == 3
    assert "verdict of try 1" in run.output
    assert "rollback.py, see docs/operate.md" in run.output


def test_a_doctor_that_cannot_look_is_not_asked_again(cloud: Any, environment: dict[str, str]) -> None:
    codes(cloud, 2)
    run = cloud.run("smoke-test.sh", **environment)
    assert run.code == 1
    assert run.called("sleep") == []


def test_nobody_is_signed_in_for_a_round_trip(cloud: Any, environment: dict[str, str]) -> None:
    codes(cloud, 0)
    cloud.run("smoke-test.sh", **environment, AUTH_CLIENT_ID="client")
    assert "--no-round-trip" in (cloud.folder / "asked").read_text()


def test_it_can_be_turned_off(cloud: Any) -> None:
    run = cloud.run("smoke-test.sh", SMOKE_TEST="off")
    assert (run.code, run.output, run.calls) == (0, "", [])


def test_the_stub_is_not_what_is_shipped() -> None:
    script = Path(__file__).parents[2] / "infra" / "scripts" / "doctor.sh"
    assert '-m signalr_local doctor --azure "$SERVICE_API_NAME"' in script.read_text()
