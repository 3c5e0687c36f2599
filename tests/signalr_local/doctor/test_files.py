"""What the doctor is handed: the forms in which the Azure CLI prints it, and files that are none of these."""

import json
from pathlib import Path

import pytest

from signalr_local.doctor.files import AppSettings, Papers, Role, ServiceDescription
from signalr_local.host.cors import Cors


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


@pytest.mark.parametrize(
    "content",
    [
        [{"name": "A", "value": "a", "slotSetting": False}, {"name": "B", "value": None}],
        {"A": "a", "B": None},
    ],
    ids=["az", "object"],
)
def test_settings_of_a_deployed_app(file: Path, content: object) -> None:
    file.write_text(json.dumps(content))
    assert AppSettings.of_files(file) == AppSettings({"A": "a", "B": ""}, {"A": "a", "B": ""}, True, None)


def test_cors_of_a_deployed_app(tmp_path: Path, file: Path) -> None:
    file.write_text("{}")
    cors = tmp_path / "cors.json"
    cors.write_text('{"allowedOrigins": ["https://a.example"], "supportCredentials": true}')
    assert AppSettings.of_files(file, cors).cors == Cors(("https://a.example",), True)
    cors.write_text('{"allowedOrigins": null, "supportCredentials": false}')
    assert AppSettings.of_files(file, cors).cors == Cors()


def test_roles(file: Path) -> None:
    definition = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/7E4F1700-ea5a"
    item = {"roleDefinitionId": definition, "roleDefinitionName": "Owner", "scope": "/subscriptions/s"}
    file.write_text(json.dumps([item]))
    assert Role.of_file(file) == [Role("7e4f1700-ea5a", "Owner", "/subscriptions/s")]


def test_service(file: Path) -> None:
    rule = {"urlTemplate": "https://a.example", "hubPattern": "*"}
    content = {
        "features": [{"flag": "ServiceMode", "value": "Serverless"}],
        "upstream": {"templates": [rule]},
        "cors": {"allowedOrigins": ["*"]},
    }
    file.write_text(json.dumps(content))
    assert ServiceDescription.of_file(file) == ServiceDescription("Serverless", [rule], ("*",))
    file.write_text('{"features": null, "upstream": null, "cors": null}')
    assert ServiceDescription.of_file(file) == ServiceDescription(None)


@pytest.mark.parametrize(
    "content",
    [
        '{"features": ["x"]}',
        '{"features": 5}',
        '{"features": [], "upstream": {"templates": ["x"]}}',
        '{"features": [], "cors": {"allowedOrigins": 5}}',
    ],
)
def test_a_service_in_another_form_is_named(file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(ValueError, match=f"^{file} is not what az signalr show prints"):
        ServiceDescription.of_file(file)


@pytest.mark.parametrize("name", ["settings", "service", "roles"])
@pytest.mark.parametrize("content", ["{", "5", '{"Values": {}}', '[{"x": 1}]', '["x"]'])
def test_a_file_that_is_something_else_is_named(file: Path, name: str, content: str) -> None:
    file.write_text(content)
    with pytest.raises(ValueError, match=str(file)):
        Papers.read(file.parent, **{name: file})


@pytest.mark.parametrize("content", ["{", "[]", '{"x": 1}'])
def test_cors_that_is_something_else_is_named(tmp_path: Path, file: Path, content: str) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text("{}")
    file.write_text(content)
    with pytest.raises(ValueError, match=str(file)):
        Papers.read(tmp_path, settings=settings, cors=file)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(ValueError, match=f"^{file} cannot be read: No such file"):
        Papers.read(file.parent, service=file)


def test_cors_without_settings_is_refused(file: Path) -> None:
    with pytest.raises(ValueError, match="whose settings are missing: give both"):
        Papers.read(file.parent, cors=file)
