"""local.settings.json: what is read from it, what is said of it, and how settings are looked up."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from signalr_local.host.settings import LocalSettings, Settings


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, LocalSettings()),
        ({"IsEncrypted": False, "Values": None, "Host": None}, LocalSettings()),
        ({"Values": {"A": "1", "B": ""}}, LocalSettings({"A": "1", "B": ""})),
        ({"Values": {"A": 5, "B": True, "C": 1.5}}, LocalSettings({"A": "5", "B": "True", "C": "1.5"})),
        ({"Values": {"A": "x", "B": None}}, LocalSettings({"A": "x"})),
        ({"ConnectionStrings": {"A": None, "B": {"ProviderName": "p"}}}, LocalSettings()),
        (
            {"ConnectionStrings": {"A": "a", "B": {"ConnectionString": "b", "ProviderName": "p"}}},
            LocalSettings({"ConnectionStrings:A": "a", "ConnectionStrings:B": "b"}),
        ),
        ({"Host": {"LocalHttpPort": 7072}}, LocalSettings(port=7072)),
        ({"Host": {"LocalHttpPort": "7072"}}, LocalSettings(port=7072)),
        ({"Host": {"CORS": ""}}, LocalSettings()),
        ({"Host": {"CORS": "*"}}, LocalSettings(cors_origins=("*",))),
        (
            {"Host": {"CORS": "http://a, http://b,", "CORSCredentials": True}},
            LocalSettings(cors_origins=("http://a", "http://b"), cors_credentials=True),
        ),
        ({"Host": {"CORSCredentials": "true"}}, LocalSettings(cors_credentials=True)),
        ({"Host": {"CORSCredentials": False}}, LocalSettings()),
    ],
)
def test_the_file_is_read(tmp_path: Path, content: object, expected: LocalSettings) -> None:
    (tmp_path / "local.settings.json").write_text(json.dumps(content))
    assert LocalSettings.read(tmp_path) == expected


def test_a_byte_order_mark_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": "é"}}', encoding="utf-8-sig")
    assert LocalSettings.read(tmp_path).values == {"A": "é"}


def test_an_app_without_the_file_is_warned(tmp_path: Path, log: Any) -> None:
    assert LocalSettings.read(tmp_path) == LocalSettings()
    assert "has no local.settings.json: only settings of the environment apply" in log.text
    assert "Copy it" not in log.text


def test_app_without_the_file_is_told_of_the_example_that_it_has(tmp_path: Path, log: Any) -> None:
    (tmp_path / "local.settings.json.example").touch()
    LocalSettings.read(tmp_path)
    assert log.text.endswith("Copy it from local.settings.json.example.")


@pytest.mark.parametrize("content", [None, '{"Values": {"A": null}, "B": "outside"}'])
def test_nothing_is_logged_by_who_reads_quietly(tmp_path: Path, log: Any, content: str | None) -> None:
    if content is not None:
        (tmp_path / "local.settings.json").write_text(content)
    LocalSettings.read(tmp_path, is_quiet=True)
    assert log.text == ""


def test_a_null_is_skipped_and_named(tmp_path: Path, log: Any) -> None:
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": null}}')
    LocalSettings.read(tmp_path)
    assert log.text == "WARNING Skipping 'A' because value is null"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON: there is no value: line 1 column 1"),
        ("{", "is not valid JSON: the text ends too early: line 1 column 2"),
        ('{"Values": {"A": 1 "B": 2}}', "is not valid JSON: expected ,: line 1 column 20"),
        ("[]", "must hold a JSON object, got an array"),
        ('{"Values": ["A"]}', "must hold an object as Values"),
        ('{"ConnectionStrings": "A"}', "must hold an object as ConnectionStrings"),
        ('{"Host": 7071}', "must hold an object as Host"),
        ('{"Host": {"LocalHttpPort": "x"}}', "has the LocalHttpPort 'x', expected a number"),
        ('{"IsEncrypted": true}', "is encrypted, which only Core Tools can read: run func settings decrypt"),
        ('{"Host": {"LocalHttpPort": 70000}}', "has the LocalHttpPort 70000, expected a number up to 65535"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path} {message}')}"):
        LocalSettings.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HubName", "chat"),
        ("hubname", "chat"),
        ("Azure:SignalR:Hub", "nested"),
        ("azure__signalr__hub", "nested"),
    ],
)
def test_a_setting_is_found_whatever_its_case_and_its_separator(name: str, value: str) -> None:
    assert Settings({"HubName": "chat", "Azure__SignalR__Hub": "nested"})[name] == value


def test_a_setting_that_nobody_gave_is_absent() -> None:
    settings = Settings({"A": "a"})
    assert settings.get("B") is None
    with pytest.raises(KeyError):
        settings["B"]


def test_settings_list_what_was_given() -> None:
    settings = Settings({"A": "a", "B__C": "b"})
    assert dict(settings) == {"A": "a", "B__C": "b"}
    assert len(settings) == 2


@pytest.mark.parametrize(("environment", "value"), [({}, "file"), ({"A": ""}, "file"), ({"A": "env"}, "env")])
def test_the_environment_wins_where_it_is_not_empty(environment: dict[str, str], value: str) -> None:
    assert LocalSettings({"A": "file"}).effective(environment) == {"A": value}


def test_a_setting_that_the_environment_overrides_is_named(log: Any) -> None:
    LocalSettings({"A": "file", "B": "b"}).effective({"A": "env"})
    assert log.text == (
        "WARNING Skipping 'A' from local settings as it's already defined in current environment variables."
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_file_is_read_as_core_tools_read_it(tmp_path: Path, encoding: str) -> None:
    text = "// mine\n{'values': {'A': 1, /* more */ 'B': 'x',}, 'host': {'localhttpaddress': '0.0.0.0',},}"
    (tmp_path / "local.settings.json").write_text(text, encoding=encoding)
    settings = LocalSettings.read(tmp_path)
    assert (settings.values, settings.address) == ({"A": "1", "B": "x"}, "0.0.0.0")


def test_settings_beside_values_are_told(tmp_path: Path, log: Any) -> None:
    (tmp_path / "local.settings.json").write_text(
        '{"IsEncrypted": false, "FUNCTIONS_WORKER_RUNTIME": "python"}'
    )
    assert LocalSettings.read(tmp_path).values == {}
    told = log.find("settings stand outside of Values").getMessage()
    assert told.endswith("FUNCTIONS_WORKER_RUNTIME.")
