"""Every fault of a deployed app: it is found once, and following the fix that is printed ends it."""

import pytest

from signalr_local.doctor.findings import Finding, State
from tests.serverless_signalr.azure_fakes.cloud import Cloud
from tests.signalr_local.doctor.apps import HOST, KEY, Deployed
from tests.signalr_local.doctor.azure_faults import FAULTS, Fault
from tests.signalr_local.doctor.world import WEBHOOK, FunctionApp, World


@pytest.fixture
def world(cloud: Cloud, deployed: Deployed) -> World:
    cloud.service.keys.add(KEY)
    cloud.vault.put("signalr", f"Endpoint=https://chat.service.signalr.net;AccessKey={KEY};Version=1.0;")
    site = FunctionApp()
    cloud.hosts[HOST] = site
    return World(deployed, site, cloud)


def problems(findings: list[Finding]) -> list[tuple[str, State]]:
    return [(item.rule, item.state) for item in findings if item.is_problem]


async def test_an_app_without_a_fault_has_no_finding_that_needs_a_fix(world: World) -> None:
    findings = await world.app.examine()
    assert [str(item) for item in findings if item.state is not State.FINE] == []


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_is_found_once_and_its_fix_ends_it(world: World, fault: Fault) -> None:
    fault.make(world)
    findings = await world.app.examine()
    shown = "\n".join(map(str, findings))
    assert problems(findings) == [(fault.rule, fault.state)], shown
    assert KEY not in shown
    assert "the-key" not in shown
    [found] = [item for item in findings if item.is_problem]
    assert fault.fix in found.fix
    fault.apply(world, found.fix)
    after = await world.app.examine()
    assert problems(after) == [], "\n".join(map(str, after))


async def test_the_webhook_is_asked_once_with_a_request_that_no_function_can_take(world: World) -> None:
    findings = await world.app.examine()
    [found] = [item for item in findings if item.rule == "upstream.webhook"]
    assert found.state is State.FINE
    assert found.milliseconds is not None
    assert world.site.requests == [f"POST {WEBHOOK}?code=the-key"]


async def test_a_code_that_the_service_reads_from_the_vault_is_not_tried(world: World) -> None:
    secret = "{@Microsoft.KeyVault(SecretUri=https://main.vault.azure.net/secrets/webhook/)}"
    world.app.rule["urlTemplate"] = f"https://{HOST}{WEBHOOK}?code={secret}"
    findings = await world.app.examine()
    assert problems(findings) == []
    assert "its code is in Key Vault, which only the service reads" in [item.seen for item in findings]
    assert world.site.requests == []


async def test_names_in_the_upstream_url_are_those_of_the_event(world: World) -> None:
    world.app.rule["urlTemplate"] += "&hub={hub}&category={category}"
    assert problems(await world.app.examine()) == []
    assert world.site.requests == [f"POST {WEBHOOK}?code=the-key&hub=talk&category=messages"]


async def test_a_rule_without_patterns_matches_everything(world: World) -> None:
    for name in ("hubPattern", "categoryPattern", "eventPattern"):
        del world.app.rule[name]
    assert problems(await world.app.examine()) == []


async def test_a_service_that_sends_no_events_is_fine_for_an_app_without_triggers(world: World) -> None:
    del world.app.functions[1]
    world.app.service["upstream"] = None
    assert problems(await world.app.examine()) == []


@pytest.mark.parametrize(
    "url", ["http://localhost:7071/runtime/webhooks/signalr", "https://other.azurewebsites.net/api/x", ""]
)
@pytest.mark.parametrize("hub", ["*", "other"], ids=["behind a rule for everything", "for another hub"])
async def test_a_rule_that_no_event_of_the_app_takes_is_no_fault(world: World, url: str, hub: str) -> None:
    world.app.service["upstream"]["templates"].append({"urlTemplate": url, "hubPattern": hub})
    findings = await world.app.examine()
    assert problems(findings) == []
    [found] = [item for item in findings if item.rule == "upstream.unused"]
    assert (found.subject, found.seen) == ("upstream rule 2", "no event of this app goes there")
