"""Apps as users wrote them, each with the finding that they need."""

from pathlib import Path
from typing import Any

import pytest

from signalr_local.doctor.findings import Finding, State
from tests.signalr_local.doctor.apps import HOST, HOST_JSON, KEY, NAME, Deployed, Folder, listed

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEGOTIATE = """
import json

import azure.functions as func

app = func.FunctionApp()


@app.route("negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
@app.generic_input_binding("connection", type="signalRConnectionInfo", hub_name="h1")
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")
"""

CASES = Path(__file__).parent / "cases"
VALUES = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsStorage": ""}


@pytest.fixture
def user_app(folder: Folder) -> Folder:
    """Return an app with nothing but negotiate."""
    folder.write("function_app.py", NEGOTIATE)
    folder.write("local.settings.json", {"Values": {**VALUES, NAME: folder.connection_string}})
    return folder


def problems(findings: list[Finding]) -> list[tuple[State, str, str, str]]:
    return [(item.state, item.subject, item.seen, item.fix) for item in findings if item.is_problem]


async def test_the_hub_of_a_queue_functions_output_is_checked_too(user_app: Folder) -> None:
    app = (CASES / "other-triggers" / "function_app.py").read_text()
    user_app.write("function_app.py", app.replace('"h1"', '"my-hub"').replace('"my-hub"', '"h1"', 1))
    assert [rule for _, rule, *_ in problems(await user_app.examine())] == ["function order", "function tick"]


async def test_a_route_prefix_in_the_old_place(user_app: Folder) -> None:
    user_app.write("host.json", {**HOST_JSON, "http": {"routePrefix": "x"}})
    [(state, subject, seen, _)] = problems(await user_app.examine())
    assert (state, subject) == (State.WARNING, "host.json")
    assert seen == "http.routePrefix is ignored outside of extensions: functions are at /api"


async def test_every_origin_is_mended_in_one_step(user_app: Folder) -> None:
    user_app.edit("local.settings.json", "Host", CORS="*")
    [(_, _, seen, fix)] = problems(await user_app.examine())
    assert "which browsers refuse for requests with credentials" in seen
    assert fix == 'list the origins of your pages in place of *, and set "CORSCredentials": true in Host'


async def test_settings_beside_values_are_named(user_app: Folder) -> None:
    user_app.write("local.settings.json", {"IsEncrypted": False, **VALUES, NAME: user_app.connection_string})
    [(_, subject, seen, fix)] = problems(await user_app.examine())
    assert subject == "local.settings.json"
    assert seen == (
        "settings stand outside Values, where nothing reads them (FUNCTIONS_WORKER_RUNTIME, "
        f"AzureWebJobsStorage, {NAME})"
    )
    assert fix == "move them into Values"


async def test_another_language_is_named(user_app: Folder) -> None:
    user_app.value(FUNCTIONS_WORKER_RUNTIME="node")
    assert problems(await user_app.examine()) == [
        (State.WRONG, "FUNCTIONS_WORKER_RUNTIME", "it is node", "set it to python")
    ]


def trigger(number: int) -> dict[str, Any]:
    name = f"method{number}"
    return listed(
        name,
        {"type": "signalRTrigger", "name": "i", "hubName": "talk", "category": "messages", "event": name},
    )


async def test_a_rule_that_points_to_localhost_is_one_finding_for_nine_functions(deployed: Deployed) -> None:
    deployed.functions = [trigger(number) for number in range(9)]
    deployed.settings[NAME] = f"Endpoint=http://localhost:1;AccessKey={KEY};Version=1.0;"
    deployed.rule["urlTemplate"] = "http://localhost:7071/runtime/webhooks/signalr"
    found = [item for item in problems(await deployed.examine()) if item[1].startswith("upstream")]
    assert [item[2] for item in found] == [
        "http://localhost:7071/runtime/webhooks/signalr cannot be reached by the service"
    ]


async def test_an_identity_does_not_replace_the_code(deployed: Deployed) -> None:
    deployed.functions = [trigger(number) for number in range(9)]
    deployed.settings[NAME] = f"Endpoint=http://localhost:1;AccessKey={KEY};Version=1.0;"
    deployed.rule.update(
        urlTemplate=f"https://{HOST}/runtime/webhooks/signalr", auth={"type": "ManagedIdentity"}
    )
    found = [item for item in problems(await deployed.examine()) if item[1].startswith("upstream")]
    assert [item[2] for item in found] == [
        f"https://{HOST}/runtime/webhooks/signalr has no code: the host asks for the system key even with "
        "ManagedIdentity"
    ]


async def test_functions_that_no_rule_matches_are_one_finding(deployed: Deployed) -> None:
    deployed.functions = [trigger(number) for number in range(9)]
    deployed.settings[NAME] = f"Endpoint=http://localhost:1;AccessKey={KEY};Version=1.0;"
    deployed.rule["hubPattern"] = "other"
    found = [item for item in await deployed.examine() if item.rule == "upstream.unmatched"]
    assert len(found) == 1
    assert found[0].seen.endswith("method2 (hub talk, category messages, event method2) and 6 more")
