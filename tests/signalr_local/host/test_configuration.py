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
        (
            {"concurrency": {"dynamicConcurrencyEnabled": True}},
            HostConfiguration(
                remarks=("not used by the local runtime: concurrency.dynamicConcurrencyEnabled",)
            ),
        ),
        ({"extensions": {"http": {"routePrefix": ""}}}, HostConfiguration(route_prefix="")),
        ({"extensions": {"http": {"routePrefix": "/v1/api/"}}}, HostConfiguration(route_prefix="/v1/api/")),
        ({"extensions": {"signalR": {}}}, HostConfiguration()),
        ({"extensions": None}, HostConfiguration()),
        ({"Extensions": {"HTTP": {"RoutePrefix": "x"}}}, HostConfiguration(route_prefix="x")),
        ({"extensions": {"http": {"routePrefix": None}}}, HostConfiguration(route_prefix="")),
        ({"functions": ["a", "b"]}, HostConfiguration(functions=("a", "b"))),
        (
            {"extensions": {"http": {"customHeaders": {"X-A": "1", "X-B": None}}}},
            HostConfiguration(custom_headers={"X-A": "1", "X-B": ""}),
        ),
        (
            {"extensions": {"http": {"maxConcurrentRequests": 4, "maxOutstandingRequests": "-1"}}},
            HostConfiguration(max_concurrent=4),
        ),
        (
            {"extensions": {"http": {"hsts": {"isEnabled": True, "maxAge": "10", "preload": True}}}},
            HostConfiguration(strict_transport_security="max-age=864000; preload"),
        ),
        (
            {"extension": {}},
            HostConfiguration(remarks=("the host does not know extension, here as in Azure",)),
        ),
        (
            {"extensions": {"http": {"routePrefx": "x"}}},
            HostConfiguration(remarks=("not used by the local runtime: extensions.http.routePrefx",)),
        ),
        ({"functionTimeout": ""}, HostConfiguration()),
        ({"functionTimeout": "10"}, HostConfiguration(function_timeout=timedelta(days=10))),
        ({"logging": {"logLevel": "Debug"}}, HostConfiguration()),
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
        ("[]", "{path} must hold a JSON object, got an array"),
        ('{"extensions": {}}', '{path} has no "version", write "version": "2.0"'),
        ('{"Version": "2.0"}', '{path} has no "version", write "version": "2.0"'),
        ('{"version": "1.0"}', '{path} has the "version" "1.0", write "version": "2.0"'),
        ('{"version": 2.0}', '{path} has the "version" 2.0, write "version": "2.0"'),
        (
            '{"version": "2.0", "functionTimeout": "5m"}',
            'functionTimeout in {path} is \'5m\', expected "hh:mm:ss", or "-1" for none',
        ),
        (
            '{"version": "2.0", "functionTimeout": "00:00:00"}',
            "functionTimeout in {path} is '00:00:00', expected one second or more",
        ),
        (
            '{"version": "2.0", "logging": {"logLevel": {"Function": "Loud"}}}',
            "{path}: the log level of Function is 'Loud', expected one of trace, debug, information",
        ),
        (
            '{"version": "2.0", "extensions": {"http": {"maxConcurrentRequests": "many"}}}',
            "maxConcurrentRequests in {path} is 'many', expected a number",
        ),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "host.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(message.format(path=path))}") as raised:
        HostConfiguration.read(tmp_path)
    assert str(raised.value).endswith("In Azure the whole app does not start.")


def test_a_limit_below_one_is_an_error(tmp_path: Path) -> None:
    content = {"version": "2.0", "extensions": {"http": {"maxOutstandingRequests": 0}}}
    (tmp_path / "host.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="in Azure every request is answered with 500"):
        HostConfiguration.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("X-A", "caf\u00e9", "the header X-A has the value 'caf\u00e9', expected printable ASCII"),
        ("X A", "1", "'X A' is not the name of a header"),
    ],
)
def test_a_header_that_cannot_be_sent_is_an_error(tmp_path: Path, name: str, value: str, reason: str) -> None:
    content = {"version": "2.0", "extensions": {"http": {"customHeaders": {name: value}}}}
    (tmp_path / "host.json").write_text(json.dumps(content))
    message = f"{reason}. In Azure every request is answered with 500"
    with pytest.raises(ValueError, match=re.escape(message)):
        HostConfiguration.read(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        '// mine\n{"version": "2.0", /* and */ "extensions": {"http": {"routePrefix": "x",},},}',
        "{'version': '2.0', 'extensions': {'http': {'routePrefix': 'x'}}}",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_file_is_read_as_the_real_host_reads_it(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "host.json").write_text(text, encoding=encoding)
    assert HostConfiguration.read(tmp_path).route_prefix == "x"


@pytest.mark.parametrize("name", ["__extensions__http__routePrefix", ":Extensions:HTTP:ROUTEPREFIX"])
def test_a_setting_overrides_the_file(tmp_path: Path, name: str) -> None:
    content = {"version": "2.0", "extensions": {"http": {"routePrefix": "x"}}}
    (tmp_path / "host.json").write_text(json.dumps(content))
    settings = {f"AzureFunctionsJobHost{name}": "y", "AzureFunctionsJobHost__version": "1.0"}
    assert HostConfiguration.read(tmp_path, settings).route_prefix == "y"
