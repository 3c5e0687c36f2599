"""The doctor's findings as SARIF, for code scanning.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, and what GitHub needs of it:
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from signalr_local.doctor.findings import Finding, State
from signalr_local.doctor.rules import RULES
from signalr_local.host.app_folder import script_name
from signalr_local.host.configuration import HOST_JSON
from signalr_local.host.settings import LOCAL_SETTINGS

__all__ = ["as_sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_DOCUMENTATION = "docs/doctor.md"
_LEVELS = {State.WRONG: "error", State.WARNING: "warning", State.NOTE: "note", State.SKIPPED: "note"}
_FILES = {
    "host-json": HOST_JSON,
    "settings": LOCAL_SETTINGS,
    "connections": LOCAL_SETTINGS,
    "cors": LOCAL_SETTINGS,
}
"""The file that a section is about, for an app in a folder; without one it is the app's code."""


def as_sarif(findings: Sequence[Finding], version: str, app: Path, *, is_deployed: bool) -> str:
    """Return all findings but the good ones as a SARIF log.

    Files of the folder ``app`` are named as seen from the working directory. A deployed app has settings, but
    no file of them.
    """
    shown = [item for item in findings if item.state is not State.FINE]
    rules = list(dict.fromkeys(item.rule for item in shown))
    driver = {
        "name": "signalr-local doctor",
        "version": version,
        "rules": [_rule(rule) for rule in rules],
    }
    results = []
    for item in shown:
        path, line = _place(item, app, is_deployed=is_deployed)
        results.append(_result(item, rules.index(item.rule), path, line))
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "signalr-local-doctor/"},
        "results": results,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False)


def _rule(name: str) -> dict[str, Any]:
    finds = RULES[name].replace("`", "")
    sentence = f"{finds[0].upper()}{finds[1:]}."
    return {
        "id": name,
        "shortDescription": {"text": sentence},
        "fullDescription": {"text": sentence},
        "help": {"text": f"{sentence} Each result says how to fix it. All rules: {_DOCUMENTATION}."},
    }


def _result(item: Finding, rule: int, path: Path, line: int) -> dict[str, Any]:
    text = f"{item.subject}: {item.seen}"
    # Code scanning shows only results that have a place.
    location = {"artifactLocation": {"uri": _uri(path)}, "region": {"startLine": line}}
    return {
        "ruleId": item.rule,
        "ruleIndex": rule,
        "level": _LEVELS[item.state],
        "message": {"text": f"{text}. Fix: {item.fix}" if item.fix else text},
        "locations": [{"physicalLocation": location}],
        # Two findings of a rule in one file are two alerts, and remain the same ones when lines move.
        "partialFingerprints": {"finding/v1": f"{item.rule}:{item.subject}"},
    }


def _place(item: Finding, app: Path, *, is_deployed: bool) -> tuple[Path, int]:
    if item.place is not None:
        return Path(item.place.file), item.place.line
    section = item.rule.partition(".")[0]
    name = None if is_deployed else _FILES.get(section)
    return app / (name or script_name({})), 1


def _uri(path: Path) -> str:
    """Return a path relative to the working directory, or an absolute address of one that is elsewhere."""
    path = path.resolve()
    try:
        return quote(path.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return path.as_uri()
