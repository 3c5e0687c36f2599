"""The workbook shows the queries of the documentation, and they fit what the host logs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

DOCUMENTED = dict(
    re.findall(
        r"^([^\n]+):\n\n```kusto\n(.*?)\n```",
        "\n".join(
            (ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("operate.md", "observability.md")
        ),
        re.MULTILINE | re.DOTALL,
    )
)
"""Queries by their title."""

SAMPLED = {
    title: query for title, query in DOCUMENTED.items() if query.startswith(("AppRequests", "AppTraces"))
}


@pytest.fixture
def queries() -> list[Any]:
    """Return the steps of the workbook that query."""
    workbook = json.loads((ROOT / "infra" / "monitoring" / "workbook.json").read_text())
    return [item["content"] for item in workbook["items"] if item["type"] == 3]


@pytest.fixture
def logging() -> Any:
    """Return what host.json says of logging."""
    return json.loads((ROOT / "host.json").read_text())["logging"]


def test_the_workbook_has_the_queries_of_the_documentation(queries: list[Any]) -> None:
    assert DOCUMENTED
    assert {query["title"]: query["query"] for query in queries} == DOCUMENTED


def test_the_workbook_asks_the_workspace_that_it_is_opened_from(queries: list[Any]) -> None:
    for query in queries:
        assert query["resourceType"] == "microsoft.operationalinsights/workspaces"
        assert "crossComponentResources" not in query


def test_calls_that_succeed_are_logged(logging: Any) -> None:
    levels = logging["logLevel"]
    assert levels.get("Host.Results", levels["default"]) == "Information"


def test_everything_but_exceptions_is_sampled(logging: Any) -> None:
    sampling = logging["applicationInsights"]["samplingSettings"]
    assert sampling["isEnabled"] is True
    assert sampling["excludedTypes"] == "Exception"


@pytest.mark.parametrize("query", SAMPLED.values(), ids=SAMPLED)
def test_a_record_counts_for_those_that_sampling_dropped(query: str) -> None:
    assert "sum(ItemCount)" in query
    assert not re.search(r"count\(|percentiles?\(", query)


@pytest.fixture
def alerts() -> list[Any]:
    """Return what is deployed where an address for alerts is given."""
    path = ROOT / "infra" / "snapshots" / "private-network.snapshot.json"
    resources: list[Any] = json.loads(path.read_text())["predictedResources"]
    return [one for one in resources if one["type"].startswith("Microsoft.Insights/")]


@pytest.mark.parametrize(
    "condition",
    [
        "AppRequests | where Success == false",
        'Collection == "Throttling"',
        "ConnectionQuotaUtilization",
        'Name == "health" and ResultCode == "503"',
        "ResourceHealth",
    ],
    ids=["failed calls", "throttled sends", "connection quota", "health check", "resources"],
)
def test_mail_is_sent_for_what_needs_somebody(alerts: list[Any], condition: str) -> None:
    [team] = [one for one in alerts if one["type"].endswith("/actionGroups")]
    assert [one["emailAddress"] for one in team["properties"]["emailReceivers"]] == ["you@example.com"]
    quoted = json.dumps(condition)[1:-1]
    [rule] = [one for one in alerts if quoted in json.dumps(one["properties"])]
    assert rule["properties"]["enabled"] is True
    assert team["id"] in json.dumps(rule["properties"]["actions"])


def test_without_an_address_there_are_no_alerts() -> None:
    text = (ROOT / "infra" / "snapshots" / "defaults.snapshot.json").read_text()
    assert "Microsoft.Insights/components" in text
    assert "actionGroups" not in text
