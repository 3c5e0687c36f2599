"""A parameter is the same in the template, in azd's environment, in the workflow and in the documentation."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

GIVEN_BY_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION"}
SET_BY_HOOK = {"SIGNALR_EXTENSION_KEY_EXISTS"}


@pytest.fixture(scope="module")
def template(trees: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of main.bicep."""
    parameters: dict[str, Any] = trees["main.bicep"]["parameters"]
    return parameters


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """Return the values of main.parameters.json."""
    content = json.loads((ROOT / "infra" / "main.parameters.json").read_text())
    return {name: entry["value"] for name, entry in content["parameters"].items()}


@pytest.fixture(scope="module")
def environment(values: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the environment value and the default of each parameter that has one."""
    found = {}
    for name, value in values.items():
        if isinstance(value, str):
            match = re.fullmatch(r"\$\{([A-Z_]+)(?:=(.*))?\}", value)
            assert match is not None, value
            found[name] = (match[1], match[2] or "")
    return found


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """Return the rows of the parameter table in the reference."""
    text = (ROOT / "docs" / "deployment-reference.md").read_text()
    table = text.split("## Parameters\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()
        if line[:3] == "| `"
    ]
    return {row[0].strip("`"): row[1:] for row in cells}


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def test_azd_gives_every_parameter(template: dict[str, Any], values: dict[str, Any]) -> None:
    assert set(values) == set(template)


def test_azd_has_the_defaults_of_the_template(
    template: dict[str, Any], environment: dict[str, tuple[str, str]]
) -> None:
    expected = {
        name: "" if parameter["default"] is None else as_text(parameter["default"])
        for name, parameter in template.items()
        if name in environment
    }
    assert {name: default for name, (_, default) in environment.items()} == expected


def test_every_parameter_is_described(template: dict[str, Any]) -> None:
    for name, parameter in template.items():
        kinds = [decorator["type"] for decorator in parameter["decorators"]]
        assert "description" in kinds, name


def test_defaults_are_allowed(template: dict[str, Any]) -> None:
    for parameter in template.values():
        for decorator in parameter["decorators"]:
            if decorator["type"] == "allowed":
                assert parameter["default"] in decorator["argument"]


def test_the_documentation_has_every_parameter(template: dict[str, Any], rows: dict[str, list[str]]) -> None:
    assert list(rows) == list(template)


def test_the_documentation_names_environment_and_default(
    environment: dict[str, tuple[str, str]], rows: dict[str, list[str]]
) -> None:
    for name, (variable, default) in environment.items():
        shown = "asked" if variable in GIVEN_BY_AZD else f"`{default}`" if default else "none"
        assert rows[name][:2] == [f"`{variable}`", shown]


def workflow(name: str) -> Any:
    """Return a workflow; YAML 1.1 reads its key "on" as true."""
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())


def test_the_workflow_passes_every_parameter_on(environment: dict[str, tuple[str, str]]) -> None:
    passed = workflow("deploy-environment")["jobs"]["deploy"]["env"]
    variables = {variable for variable, _ in environment.values()} - SET_BY_HOOK
    assert variables <= set(passed)
    assert all(value == f"${{{{ vars.{name} }}}}" for name, value in passed.items())


@pytest.mark.parametrize("name", ["deploy", "deploy-environment"])
def test_the_workflow_needs_no_secret(name: str) -> None:
    assert "secrets." not in (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    assert workflow(name)["permissions"] == {"contents": "read", "id-token": "write"}


@pytest.mark.parametrize("job", ["staging", "production"])
def test_the_workflow_deploys_only_what_was_pushed_here_and_passed(job: str) -> None:
    deploy = workflow("deploy")
    assert deploy[True]["workflow_run"]["workflows"] == [workflow("ci")["name"]]
    condition = deploy["jobs"][job]["if"]
    assert "vars.AZURE_CLIENT_ID != ''" in condition
    assert "github.event.workflow_run.conclusion == 'success'" in condition
    assert "github.event.workflow_run.event == 'push'" in condition


def test_production_waits_for_staging_and_for_its_reviewers() -> None:
    jobs = workflow("deploy")["jobs"]
    assert jobs["production"]["needs"] == "staging"
    assert "needs.staging.result != 'failure'" in jobs["production"]["if"]
    assert {name: job["with"]["environment"] for name, job in jobs.items()} == {
        "staging": "staging",
        "production": "production",
    }
    called = workflow("deploy-environment")
    assert all(job["uses"] == "./.github/workflows/deploy-environment.yml" for job in jobs.values())
    assert called["jobs"]["deploy"]["environment"] == "${{ inputs.environment }}"
    assert called["jobs"]["deploy"]["concurrency"]["cancel-in-progress"] is False


def test_an_older_commit_can_be_deployed_by_hand() -> None:
    deploy = workflow("deploy")
    assert deploy[True]["workflow_dispatch"]["inputs"]["ref"]["default"] == "main"
    assert all(
        job["with"]["ref"] == "${{ inputs.ref || github.event.workflow_run.head_sha }}"
        for job in deploy["jobs"].values()
    )
    checkout = workflow("deploy-environment")["jobs"]["deploy"]["steps"][0]
    assert checkout["with"]["ref"] == "${{ inputs.ref }}"


def test_every_package_that_is_deployed_is_kept_under_its_checksum() -> None:
    steps = workflow("deploy-environment")["jobs"]["deploy"]["steps"]
    names = [step.get("uses", step.get("run", "")) for step in steps]
    kept = next(step for step in steps if step.get("uses", "").startswith("actions/upload-artifact@"))
    assert kept["with"]["path"] == "${{ steps.package.outputs.sha }}.zip"
    assert names.index(kept["uses"]) < names.index("azd deploy --no-prompt")


def test_updates_of_dependencies_are_proposed_for_every_kind() -> None:
    content = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())
    assert {item["package-ecosystem"] for item in content["updates"]} == {"pip", "npm", "github-actions"}


def test_the_documentation_has_every_app_setting(trees: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "deployment-reference.md").read_text()
    source = (ROOT / "infra" / "app" / "api.bicep").read_text()
    names = re.findall(r"^  ([A-Z]\w+): ", source.split("resource plan")[0], re.MULTILINE)
    assert "AZURE_CLIENT_ID" in names
    for name in names:
        first, _, last = name.partition("__")
        assert f"`{first}" in text
        assert f"__{last}" in text


def test_what_workflows_install_is_there() -> None:
    steps = [step.get("run", "") for job in workflow("ci")["jobs"].values() for step in job["steps"]]
    commands = [line for step in steps for line in step.splitlines() if "pip install" in line]
    assert commands
    for command in commands:
        words = command.split()
        files = [after for word, after in pairwise(words) if word == "-r"]
        folders = [after for word, after in pairwise(words) if word == "-e"]
        assert all((ROOT / name).is_file() for name in files), command
        assert all((ROOT / name / "pyproject.toml").is_file() for name in folders), command
