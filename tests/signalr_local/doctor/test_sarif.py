"""SARIF as code scanning takes it: described rules, places that exist, one alert for each finding."""

import json
from pathlib import Path
from typing import Any

import pytest

from signalr_local.doctor.findings import Finding, fine, note, skipped, warning, wrong
from signalr_local.doctor.rules import RULES
from signalr_local.doctor.sarif import as_sarif
from signalr_local.host.failures import Place

FINE = fine("host-json.bundle", "host.json", "extension bundle 4")
NOTE = note("functions.azure-only", "function tick", "runs in Azure")
WARNING = warning("cors.service", "CORS", "differs", "make it equal")
WRONG = wrong("host-json.version", "host.json", "it is 1.0", "set it")
SKIPPED = skipped("roles.skipped", "roles", "give them")


def run_of(*findings: Finding, app: Path | None = None, is_deployed: bool = False) -> dict[str, Any]:
    log = json.loads(as_sarif(findings, "1.2", app or Path.cwd(), is_deployed=is_deployed))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    found: dict[str, Any] = run
    return found


def place(result: dict[str, Any]) -> tuple[str, int]:
    [location] = result["locations"]
    where = location["physicalLocation"]
    return where["artifactLocation"]["uri"], where["region"]["startLine"]


def test_all_findings_but_the_good_ones_are_results() -> None:
    run = run_of(FINE, WRONG, WARNING, NOTE, SKIPPED)
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [(item["ruleId"], item["level"]) for item in run["results"]] == [
        ("host-json.version", "error"),
        ("cors.service", "warning"),
        ("functions.azure-only", "note"),
        ("roles.skipped", "note"),
    ]
    assert [ids[item["ruleIndex"]] for item in run["results"]] == [item["ruleId"] for item in run["results"]]
    assert run["results"][0]["message"]["text"] == "host.json: it is 1.0. Fix: set it"
    assert run["tool"]["driver"]["version"] == "1.2"


def test_every_rule_has_the_descriptions_that_code_scanning_needs() -> None:
    findings = [wrong(rule, "x", "y", "z") for rule in RULES]
    for rule in run_of(*findings)["tool"]["driver"]["rules"]:
        for member in ("shortDescription", "fullDescription", "help"):
            assert rule[member]["text"].endswith("."), rule
        assert "`" not in rule["shortDescription"]["text"]


def test_files_are_named_as_seen_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code = wrong(
        "functions.load", "function_app.py", "no", "mend", place=Place(str(tmp_path / "my app/x.py"), 7)
    )
    secret = wrong("connections.settings", "X", "no", "mend")
    run = run_of(WRONG, secret, NOTE, code, app=tmp_path / "my app")
    assert [place(item) for item in run["results"]] == [
        ("my%20app/host.json", 1),
        ("my%20app/local.settings.json", 1),
        ("my%20app/function_app.py", 1),
        ("my%20app/x.py", 7),
    ]


def test_a_folder_elsewhere_has_an_absolute_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    [result] = run_of(WRONG, app=tmp_path / "app")["results"]
    assert place(result) == ((tmp_path / "app" / "host.json").as_uri(), 1)


def test_settings_of_a_deployed_app_are_not_in_a_file() -> None:
    [result] = run_of(wrong("settings.given", "app settings", "none", "add"), is_deployed=True)["results"]
    assert place(result) == ("function_app.py", 1)


def test_two_findings_of_a_rule_are_two_alerts() -> None:
    results = run_of(
        wrong("functions.hub-name", "function a", "no", "mend"),
        wrong("functions.hub-name", "function b", "no", "mend"),
    )["results"]
    assert len({item["partialFingerprints"]["finding/v1"] for item in results}) == 2
