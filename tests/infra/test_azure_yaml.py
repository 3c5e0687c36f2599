"""azure.yaml is what azd expects, and what it names exists."""

import json
import os
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft201909Validator

ROOT = Path(__file__).parents[2]
SCHEMAS = [
    Path(__file__).with_name("azure.yaml.schema.json"),
    # the whole of it, where it lies beside the project
    *(ROOT.parent / "shared" / "data").glob("azure.yaml.schema.json"),
]


def hooks(azure_yaml: Any) -> Iterator[tuple[str, Any]]:
    for owner in (azure_yaml, *azure_yaml["services"].values()):
        for event, hook in owner["hooks"].items():
            first, *more = hook if isinstance(hook, list) else [hook]
            yield event, first
            yield from (("smoke-test", one) for one in more)


@pytest.mark.parametrize("schema", SCHEMAS, ids=["what is used", "whole"][: len(SCHEMAS)])
def test_it_fits_the_schema(azure_yaml: Any, schema: Path) -> None:
    validator = Draft201909Validator(json.loads(schema.read_text()))
    assert [error.message for error in validator.iter_errors(azure_yaml)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Upper Case", "services": {}},
        {"name": "x", "hooks": {"preprovison": {"run": "x"}}},
        {"name": "app", "services": {"api": {"project": "."}}},
        {"name": "app", "hooks": {"postdeploy": {"posix": {"shell": "bash", "run": "x"}}}},
    ],
    ids=["name", "hook", "host", "shell"],
)
def test_the_schema_notices_mistakes(wrong: Any) -> None:
    assert not Draft201909Validator(json.loads(SCHEMAS[0].read_text())).is_valid(wrong)


def test_every_hook_has_a_script_for_every_system(azure_yaml: Any) -> None:
    for name, hook in hooks(azure_yaml):
        assert hook["posix"] == {"shell": "sh", "run": f"./infra/scripts/{name}.sh"}
        assert hook["windows"] == {"shell": "pwsh", "run": f"./infra/scripts/{name}.ps1"}
        assert os.access(ROOT / hook["posix"]["run"], os.X_OK), f"{name}.sh is not executable"
        assert (ROOT / hook["windows"]["run"]).is_file()


def test_the_key_of_the_webhook_is_looked_for_before_and_set_after(azure_yaml: Any) -> None:
    assert list(azure_yaml["hooks"]) == ["preprovision", "postprovision", "postdeploy"]


def test_the_smoke_test_comes_after_the_service_was_told(azure_yaml: Any) -> None:
    names = [Path(hook["posix"]["run"]).stem for hook in azure_yaml["hooks"]["postdeploy"]]
    assert names == ["postdeploy", "smoke-test"]


def test_an_azd_that_does_not_know_remote_build_is_refused(azure_yaml: Any) -> None:
    assert azure_yaml["requiredVersions"]["azd"] == ">= 1.23.5 != 1.23.9"


def test_azd_deploys_what_was_packaged_and_builds_nothing(azure_yaml: Any) -> None:
    (service,) = azure_yaml["services"].values()
    package = runpy.run_path(str(ROOT / "infra" / "scripts" / "package.py"))
    assert ROOT / service["project"] / service["dist"] == package["FOLDER"]
    assert service["remoteBuild"] is False
    assert (service["host"], service["language"]) == ("function", "python")
