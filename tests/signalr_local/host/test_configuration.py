"""host.json: what is honoured, and what is said of a file that is wrong."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from signalr_local.host.configuration import HostConfiguration


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({}, HostConfiguration()),
        ({"concurrency": {"dynamicConcurrencyEnabled": True}}, HostConfiguration()),
        ({"extensions": {"http": {"routePrefix": ""}}}, HostConfiguration(route_prefix="")),
        ({"extensions": {"http": {"routePrefix": "/v1/api/"}}}, HostConfiguration(route_prefix="v1/api")),
        ({"extensions": {"signalR": {}}}, HostConfiguration()),
        ({"extensions": None}, HostConfiguration()),
        ({"functionTimeout": "00:00:05"}, HostConfiguration(function_timeout=timedelta(seconds=5))),
        ({"functionTimeout": "1.02:03:04"}, HostConfiguration(function_timeout=timedelta(1, 7384))),
        ({"functionTimeout": "-1"}, HostConfiguration(function_timeout=None)),
        ({"functionTimeout": -1}, HostConfiguration(function_timeout=None)),
        (
            {"logging": {"logLevel": {"default": "Warning", "Function.a": "Debug"}}},
            HostConfiguration(log_levels={"default": "Warning", "Function.a": "Debug"}),
        ),
        ({"logging": {"logLevel": None}}, HostConfiguration()),
        (
            {"extensionBundle": {"id": "Bundle", "version": "[4.*, 5.0.0)"}},
            HostConfiguration(extension_bundle={"id": "Bundle", "version": "[4.*, 5.0.0)"}),
        ),
    ],
)
def test_the_file_is_read(tmp_path: Path, content: dict[str, object], expected: HostConfiguration) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", **content}))
    assert HostConfiguration.read(tmp_path) == expected


def test_an_app_without_the_file_has_the_defaults(tmp_path: Path) -> None:
    assert HostConfiguration.read(tmp_path) == HostConfiguration()
    assert HostConfiguration().route_prefix == "api"
    assert HostConfiguration().function_timeout == timedelta(minutes=30)


def test_a_byte_order_mark_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}', encoding="utf-8-sig")
    assert HostConfiguration.read(tmp_path) == HostConfiguration()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "{path} is not valid JSON: "),
        ("[]", '{path} must hold an object with "version": "2.0"'),
        ("{}", '{path} must hold an object with "version": "2.0"'),
        ('{"version": "1.0"}', '{path} must hold an object with "version": "2.0"'),
        (
            '{"version": "2.0", "functionTimeout": "5m"}',
            'functionTimeout in {path} is \'5m\', expected "hh:mm:ss" or "-1"',
        ),
        (
            '{"version": "2.0", "functionTimeout": "00:00:00"}',
            "functionTimeout in {path} is '00:00:00', expected one second or more",
        ),
        (
            '{"version": "2.0", "logging": {"logLevel": "Debug"}}',
            "logLevel in {path} is 'Debug', expected levels by category",
        ),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "host.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(message.format(path=path))}"):
        HostConfiguration.read(tmp_path)
