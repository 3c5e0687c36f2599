"""What makes a template of this repository: for Azure Functions Core Tools 5, and for azd.

Source: openspec/changes/azure-samples-template-pipeline, Azure/azure-functions-core-tools, branch vnext, and
https://learn.microsoft.com/azure/developer/azure-developer-cli/make-azd-compatible.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator

from signalr_local.new.files import NewApp, Style, files

ROOT = Path(__file__).parents[2]

DESCRIPTOR = {
    "type": "object",
    "required": ["schemaVersion", "identity", "shortName", "name", "description", "projects"],
    "additionalProperties": False,
    "properties": {
        "schemaVersion": {"const": 1},
        "identity": {"type": "string", "pattern": r"^Azure\.Functions\.Templates\.[A-Za-z0-9.]+$"},
        "shortName": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
        "name": {"type": "string", "minLength": 1},
        "description": {"type": "string", "minLength": 1},
        "projects": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["root", "stack", "language"],
                "additionalProperties": False,
                "properties": {
                    "root": {"type": "string", "minLength": 1},
                    "stack": {"const": "python"},
                    "language": {"const": "Python"},
                },
            },
        },
    },
}


@pytest.fixture(scope="module")
def descriptor() -> Any:
    return yaml.safe_load((ROOT / ".github" / "azure-functions-template.yaml").read_text(encoding="utf-8"))


def test_descriptor_has_the_form_that_the_pipeline_reads(descriptor: Any) -> None:
    errors = Draft201909Validator(DESCRIPTOR).iter_errors(descriptor)
    assert [error.message for error in errors] == []


def test_every_project_of_the_descriptor_is_a_function_app(descriptor: Any) -> None:
    for project in descriptor["projects"]:
        root = ROOT / project["root"]
        assert (root / "host.json").is_file()
        assert (root / "function_app.py").is_file()


def test_descriptor_is_the_only_source_of_the_template() -> None:
    assert not (ROOT / ".template.config").exists()


def test_licence_is_one_that_the_pipeline_takes() -> None:
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


def test_azd_is_told_which_template_an_app_comes_from_in_this_version(azure_yaml: Any) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert azure_yaml["metadata"] == {"template": f"{azure_yaml['name']}@{version}"}


def test_azd_finds_what_it_provisions() -> None:
    parameters = json.loads((ROOT / "infra" / "main.parameters.json").read_text(encoding="utf-8"))
    declared = re.findall(r"^param (\w+)", (ROOT / "infra" / "main.bicep").read_text(encoding="utf-8"), re.M)
    assert set(parameters["parameters"]) <= set(declared)


@pytest.mark.parametrize("style", list(Style))
def test_new_app_is_a_project_of_azd(style: Style) -> None:
    made = files(NewApp("our-app", "our_hub", style, azure=True), {"one.whl": b"", "two.whl": b""})
    project = yaml.safe_load(made["azure.yaml"])
    schema = json.loads(Path(__file__).with_name("azure.yaml.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft201909Validator(schema).iter_errors(project)] == []
    assert project["name"] == "our-app"
    parameters = json.loads(made["infra/main.parameters.json"])["parameters"]
    declared = re.findall(r"^param (\w+)", made["infra/main.bicep"].decode(), re.M)
    assert set(parameters) == set(declared)
    [service] = project["services"]
    assert f"'azd-service-name': '{service}'" in made["infra/app.bicep"].decode()
