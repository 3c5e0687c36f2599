"""The steps of a start."""

from collections.abc import Mapping
from typing import Any

import pytest

from signalr_local.host.options import HostOptions
from signalr_local.host.steps import COMPLETED, Step
from tests.serverless_signalr.azure_fakes.cloud import Cloud
from tests.signalr_local.host.conftest import StartHost

APP = "import azure.functions as func\napp = func.FunctionApp()\n"


class Told(list[tuple[str, dict[str, Any]]]):
    """Collect what a start tells."""

    def __call__(self, what: str, fields: Mapping[str, Any]) -> None:
        self.append((what, dict(fields)))


def test_a_step_tells_its_begin_its_progress_and_its_end() -> None:
    told = Told()
    with Step(told, "load", "Load it", detail="all of it", has_progress=True) as step:
        step.advance(1, 3, "the first")
        step.message = "loaded"
    assert told == [
        (
            "step_started",
            {"step": "load", "title": "Load it", "display": "progress", "detail": "all of it"},
        ),
        ("progress", {"step": "load", "percent": 33, "message": "the first"}),
        ("step_completed", {"step": "load", "message": "loaded"}),
    ]


def test_a_step_that_fails_is_not_completed() -> None:
    told = Told()
    with pytest.raises(LookupError), Step(told, "load", "Load it"):
        raise LookupError
    assert [what for what, _ in told] == ["step_started"]


async def test_a_host_tells_the_steps_of_its_start(start_host_in_cloud: StartHost, cloud: Cloud) -> None:
    told = Told()
    references = {}
    for name in ("One", "Two"):
        cloud.vault.put(name, "secret")
        references[name] = f"@Microsoft.KeyVault(VaultName=main;SecretName={name})"
    await start_host_in_cloud(APP, settings=references, options=HostOptions(on_step=told))
    assert [(what, fields.get("step")) for what, fields in told] == [
        ("step_started", "read_settings"),
        ("step_completed", "read_settings"),
        ("step_started", "read_secrets"),
        ("progress", "read_secrets"),
        ("progress", "read_secrets"),
        ("step_completed", "read_secrets"),
        ("step_started", "start_worker"),
        ("step_completed", "start_worker"),
        (COMPLETED, None),
    ]
    assert [fields["percent"] for what, fields in told if what == "progress"] == [50, 100]
    assert "secret" not in {text for _, fields in told for text in fields.values()}
