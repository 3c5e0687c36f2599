"""The workbook shows the queries of the documentation."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_workbook_has_the_queries_of_the_documentation() -> None:
    documentation = (ROOT / "docs" / "deployment.md").read_text()
    documented = dict(
        re.findall(r"^([^\n]+):\n\n```kusto\n(.*?)\n```", documentation, re.MULTILINE | re.DOTALL)
    )
    workbook = json.loads((ROOT / "infra" / "monitoring" / "workbook.json").read_text())
    shown = {
        item["content"]["title"]: item["content"]["query"] for item in workbook["items"] if item["type"] == 3
    }
    assert documented
    assert shown == documented
