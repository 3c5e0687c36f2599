"""The inspector's page, as a developer uses it: why did nobody get it?"""

import re
import time
from typing import Any

import pytest
from playwright.async_api import expect

from serverless_signalr import ServiceClient
from serverless_signalr._rest import clock
from signalr_local.emulator.actions import Actions
from tests.browser.conftest import Looks
from tests.browser.stage import APP, OTHER_KEY, PLANTED, Stage


async def test_ten_faults_are_explained_in_three_clicks(look: Any, stage: Stage) -> None:
    inspecting = await look()
    await stage.connect("ann")
    bob = await stage.connect("bob")
    await stage.join("ann", "Friends")
    # A message to the wrong hub, to a group in the wrong case, to a group without members.
    async with ServiceClient(stage.emulator.connection_string, "chta") as client:
        await client.send_to_all("told", "typo")
    await stage.call(bob, "tell", "friends", "wrong case")
    await stage.call(bob, "tell", "nobody", "no members")
    # An output that names another hub, and a function that raises.
    url = f"http://localhost:{stage.host.port}/api/announce"
    async with stage.session.post(url) as response:
        assert response.status < 300
    await stage.call(bob, "fail")
    # A token that has expired, and one connection too many.
    with clock.following(lambda: time.time() - 3700):
        late = stage.token("eve")
    assert await stage.negotiate(late) == 401
    for number in range(6):
        await stage.connect(f"user {number}")
    assert await stage.negotiate(stage.token("late")) == 429
    # A client that does not read.
    Actions(stage.emulator).pause(user="ann")
    async with ServiceClient(stage.emulator.connection_string, "chat") as client:
        for _ in range(3):
            await client.send_to_user("ann", "told", "x" * 1000)
    # An app whose connection string holds another key.
    stage.emulator.keys = [OTHER_KEY]
    await stage.call(bob, "tell", "Friends", "who signs?")

    await inspecting.explains(
        "reached 0 connections of hub 'chta'. Hubs with connections: 'chat'", step="REST API"
    )
    await inspecting.explains("There is a group 'Friends': names are case-sensitive", "bob", step="REST API")
    await inspecting.explains("A message to group 'nobody' reached 0 connections", "bob", step="Function")
    await inspecting.explains("reached 0 connections of hub 'news'", "announce", step="REST API")
    await inspecting.explains("LookupError: my own mistake", "bob", "fail", step="Function")
    await inspecting.explains("the token expired", "refused, 401", step="Refused")
    await inspecting.explains("Connection count reaches limit", "refused, 429", step="Refused")
    await inspecting.explains("The client reads too slowly", "ann", "disconnected", step="Connection")
    await inspecting.explains("X-ASRS-Signature fits no access key", "bob", "tell", step="Upstream")
    hidden = inspecting.trace("later is never reached by GET /api/items/{name}: item takes /api/items/{id}")
    await expect(hidden).to_be_visible()


async def test_a_call_is_made_by_a_form_and_seen_from_end_to_end(look: Any, stage: Stage) -> None:
    inspecting = await look()
    page = inspecting.page
    for user in ("ann", "bob"):
        await page.get_by_label("User id").fill(user)
        await page.get_by_role("button", name="Connect", exact=True).click()
        await expect(page.get_by_role("navigation").get_by_role("button", name=user).first).to_be_visible()
        await stage.join(user, "Friends")
    await page.get_by_label("Method", exact=True).select_option("tell")
    await page.get_by_label("group string").fill("Friends")
    await page.get_by_label("text string").fill("hello")
    await expect(page.get_by_label("loud boolean, optional")).to_be_visible()
    await page.get_by_role("button", name="Call", exact=True).click()
    await expect(page.locator("#answer")).to_have_text('"WORD"')
    trace = inspecting.trace("tell", '"Friends", "hello"')
    await expect(trace).to_contain_text("reached 2")
    await trace.locator("button.row").click()
    names = ["Client calls", "Upstream", "Function", "REST API", "Completion", "Received"]
    for name in names:
        await expect(trace.locator(".hop-name", has_text=re.compile(f"^{name}$")).first).to_be_visible()
    headers = trace.locator("details").filter(has_text="Headers")
    await headers.locator("summary").click()
    await expect(headers.locator("pre")).to_contain_text("X-ASRS-Event: tell")
    await trace.get_by_role("button", name="Send again").click()
    await expect(page.locator("#toast")).to_have_text("Sent again: the app answered 200.")
    await expect(page.get_by_role("log", name="Received")).to_contain_text("told")
    # The server is played, and something goes wrong as planned.
    await page.get_by_role("tab", name="Server").click()
    await page.get_by_label("To", exact=True).select_option("group")
    await page.get_by_label("Group", exact=True).nth(1).fill("Friends")
    await page.locator("#send-target").fill("told")
    await page.locator("#send-arguments").fill('["by the server"]')
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(inspecting.trace("told to group Friends", '"by the server"')).to_contain_text("reached 2")
    await page.get_by_role("tab", name="Faults").click()
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.locator("#fault-pending")).to_have_text("1 planned.")
    await page.get_by_role("tab", name="Client").click()
    await page.get_by_role("button", name="Call", exact=True).click()
    await expect(page.locator("#answer")).to_have_text("Invocation failed, status code 503")
    await expect(inspecting.trace("Answered 503 on purpose")).to_be_visible()
    # No secret is anywhere on the page, whatever is opened.
    content = await page.content()
    for secret in (*stage.emulator.keys, PLANTED, "planted-code", "eyJ"):
        assert secret not in content


async def test_it_survives_reloads_of_the_app_and_of_the_page(look: Any, stage: Stage) -> None:
    inspecting = await look()
    page = inspecting.page
    await page.get_by_label("User id").fill("ann")
    await page.get_by_role("button", name="Connect", exact=True).click()
    await page.get_by_label("Method", exact=True).select_option("tell")
    await page.get_by_label("group string").fill("nobody")
    await page.get_by_role("button", name="Call", exact=True).click()
    await expect(page.locator("#answer")).to_have_text('"WORD"')
    await page.get_by_label("Outcome").select_option("nobody")
    trace = inspecting.trace("A message to group 'nobody'")
    await trace.locator("button.row").click()
    new = stage.folder / "function_app.new"
    new.write_text(APP.replace("WORD", "another"))
    new.replace(stage.folder / "function_app.py")
    await stage.host.reloaded()
    await page.get_by_role("button", name="Call", exact=True).click()
    await expect(page.locator("#answer")).to_have_text('"another"')
    await page.reload()
    # Filters, the open trace and the client are as they were.
    await expect(page.locator("li.trace .hop").first).to_be_visible()
    await expect(page.get_by_label("Outcome")).to_have_value("nobody")
    await expect(page.locator("#clients option")).to_have_text(re.compile("^ann in chat"))
    await page.get_by_role("button", name="Show everything").click()
    await expect(inspecting.trace("the app has changed and is loaded again")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("wide", {"viewport": {"width": 1280, "height": 800}}),
        ("dark", {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 390, "height": 844}, "has_touch": True}),
        (
            "phone-dark",
            {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True},
        ),
    ],
)
async def test_it_looks_right(
    look: Any, looks: Looks, stage: Stage, name: str, options: dict[str, Any]
) -> None:
    inspecting = await look(**options)
    page = inspecting.page
    ann = await stage.connect("ann")
    await stage.join("ann", "Friends")
    await stage.call(ann, "tell", "Friends", "hello")
    await stage.call(ann, "tell", "friends", "hello")
    await stage.call(ann, "fail")
    trace = inspecting.trace("LookupError")
    await trace.locator("button.row").focus()
    await page.keyboard.press("Enter")
    await expect(trace.locator(".hop").first).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await expect(inspecting.trace("case-sensitive").locator("button.row")).to_be_focused()
    await looks.check(page, f"inspector-{name}")
    # Each column scrolls by itself, the page does not.
    assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    if name.startswith("phone"):
        for tab in ("Who", "Try"):
            await page.get_by_role("tab", name=tab).click()
            await looks.check(page, f"inspector-{name}-{tab.lower()}")
            assert await looks.small_targets(page, "summary") == []
