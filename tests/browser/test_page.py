"""The page, as two people use it."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect

type Visit = Callable[..., Awaitable[Any]]


async def test_two_windows_chat(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("bob")
    await ann.write("Everyone", "hello bob")
    await expect(bob.message("hello bob")).to_have_count(1)
    await bob.write("Everyone", "hello ann")
    await expect(ann.message("hello ann")).to_have_count(1)
    await expect(ann.message("hello bob")).to_have_attribute("data-own", "true")


async def test_a_group_message_does_not_reach_the_outsider(visit: Visit) -> None:
    ann, bob, eve = await visit("ann"), await visit("bob"), await visit("eve")
    await ann.join_group("friends")
    await bob.join_group("friends")
    await ann.write("friends", "members only")
    await expect(bob.message("members only")).to_have_count(1)
    await ann.open("Everyone")
    await ann.write("Everyone", "for all")
    await expect(eve.message("for all")).to_have_count(1)
    await expect(eve.message("members only")).to_have_count(0)
    await expect(eve.conversations.get_by_role("button", name="friends")).to_have_count(0)


async def test_a_private_message_reaches_one_person(visit: Visit) -> None:
    ann, bob, eve = await visit("ann"), await visit("bob"), await visit("eve")
    people = ann.page.get_by_role("complementary", name="People")
    await people.get_by_role("button", name="Message bob", exact=True).click()
    await ann.write("bob", "just for you")
    await bob.open("ann")
    await expect(bob.message("just for you")).to_have_count(1)
    await expect(eve.conversations.get_by_role("button", name="ann")).to_have_count(0)


async def test_people_are_seen_to_come_and_go(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("bob")
    await expect(ann.person("bob")).to_have_attribute("data-presence", "here")
    await bob.page.get_by_role("button", name="Leave chat").click()
    await expect(ann.person("bob")).to_have_attribute("data-presence", "gone")


async def test_both_are_back_without_a_reload_after_the_emulator_restarts(visit: Visit, stack: Any) -> None:
    ann, bob = await visit("ann"), await visit("bob")
    await ann.join_group("friends")
    await bob.join_group("friends")
    stack.stop_emulator()
    await ann.is_in_state("reconnecting")
    await bob.is_in_state("reconnecting")
    stack.start_emulator()
    await ann.is_in_state("connected")
    await bob.is_in_state("connected")
    await ann.write("friends", "still here")
    await expect(bob.message("still here")).to_have_count(1)


async def test_the_page_works_on_a_phone(visit: Visit) -> None:
    ann = await visit("ann", viewport={"width": 390, "height": 844}, has_touch=True)
    await ann.write("Everyone", "from a phone")
    await expect(ann.message("from a phone")).to_have_count(1)
    width = await ann.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390


async def test_who_was_there_before_is_listed(visit: Visit) -> None:
    await visit("ann")
    bob = await visit("bob")
    await expect(bob.person("ann")).to_have_attribute("data-presence", "here")


async def test_people_are_listed_again_after_the_connection_was_lost(visit: Visit) -> None:
    ann, bob, eve = await visit("ann"), await visit("bob"), await visit("eve")
    await ann.page.get_by_role("button", name="Disconnect").click()
    await bob.page.get_by_role("button", name="Leave chat").click()
    await expect(eve.person("bob")).to_have_attribute("data-presence", "gone")
    await ann.page.get_by_role("button", name="Reconnect").click()
    await ann.is_in_state("connected")
    await expect(ann.person("eve")).to_have_attribute("data-presence", "here")
    await expect(ann.person("bob")).to_have_attribute("data-presence", "gone")


async def test_a_reload_keeps_the_name_and_the_groups(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("bob")
    await ann.join_group("friends")
    await bob.join_group("friends")
    await ann.page.reload()
    await ann.is_in_state("connected")
    await bob.write("friends", "welcome back")
    await ann.open("friends")
    await expect(ann.message("welcome back")).to_have_count(1)


async def test_who_left_the_chat_is_asked_for_a_name_after_a_reload(visit: Visit) -> None:
    ann = await visit("ann")
    await ann.page.get_by_role("button", name="Leave chat").click()
    await ann.page.reload()
    await expect(ann.page.get_by_label("Your name")).to_be_visible()


async def test_a_second_window_asks_for_a_name_of_its_own(visit: Visit) -> None:
    ann = await visit("ann")
    async with ann.page.context.expect_page() as opened:
        await ann.log.get_by_role("link", name="Open a second window").click()
    second = await opened.value
    await expect(second.get_by_label("Your name")).to_have_value("")


async def test_a_private_message_to_nobody_says_so(visit: Visit) -> None:
    ann = await visit("ann")
    await ann.open_private("nobody")
    await ann.write("nobody", "are you there?")
    await expect(ann.log).to_contain_text("nobody is not connected. Nobody received this message.")


async def test_a_private_message_to_somebody_says_nothing_of_the_kind(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("bob")
    await ann.open_private("bob")
    await ann.write("bob", "are you there?")
    await expect(bob.conversations.get_by_role("button", name="ann")).to_be_visible()
    await expect(ann.message("are you there?")).to_have_attribute("data-pending", "false")
    await expect(ann.log).not_to_contain_text("is not connected")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://example.org/a?b=c#d.", "https://example.org/a?b=c#d"),
        ("(https://example.org/wiki/Signal_(sent))", "https://example.org/wiki/Signal_(sent)"),
    ],
)
async def test_an_address_in_a_message_is_a_link(visit: Visit, text: str, address: str) -> None:
    ann = await visit("ann")
    await ann.write("Everyone", text)
    link = ann.message(text).get_by_role("link")
    await expect(link).to_have_attribute("href", address)
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await expect(ann.message(text).locator(".text")).to_have_text(text)


async def test_markup_and_scripts_in_a_message_are_text(visit: Visit) -> None:
    ann = await visit("ann")
    text = "<img src=x onerror=alert(1)> javascript:alert(1)"
    await ann.write("Everyone", text)
    await expect(ann.message(text)).to_have_count(1)
    await expect(ann.message(text).get_by_role("link")).to_have_count(0)


async def test_another_day_is_announced(visit: Visit) -> None:
    ann = await visit("ann", clock="2026-03-01T23:59:00")
    await ann.write("Everyone", "before midnight")
    await expect(ann.message("before midnight")).to_have_count(1)
    await ann.page.clock.set_fixed_time("2026-03-02T00:01:00")
    await ann.write("Everyone", "after midnight")
    await expect(ann.message("after midnight")).to_have_count(1)
    await expect(ann.log.locator(".day")).to_have_text(["Monday, March 2"])


async def test_the_list_of_conversations_comes_first_and_a_button_adds_to_it(visit: Visit) -> None:
    ann = await visit("ann")
    add = ann.page.get_by_role("button", name="New conversation")
    group = ann.page.get_by_label("Group name")
    await expect(group).to_be_hidden()
    await add.focus()
    await ann.page.keyboard.press("Enter")
    await expect(add).to_have_attribute("aria-expanded", "true")
    await expect(group).to_be_focused()
    await ann.page.keyboard.type("friends")
    await ann.page.keyboard.press("Enter")
    await expect(ann.page.get_by_label("Message to friends")).to_be_focused()
    await expect(group).to_be_hidden()
    await expect(group).to_have_value("")


@pytest.mark.parametrize("field", ["Group name", "User or connection id"])
async def test_escape_leaves_the_forms_for_the_button_that_showed_them(visit: Visit, field: str) -> None:
    ann = await visit("ann", viewport={"width": 390, "height": 844}, has_touch=True)
    await ann.page.get_by_role("button", name="Conversations").click()
    await ann.add_conversation()
    await ann.page.get_by_label(field).press("Escape")
    await expect(ann.page.get_by_label(field)).to_be_hidden()
    add = ann.page.get_by_role("button", name="New conversation")
    await expect(add).to_be_focused()
    await add.press("Escape")
    await expect(ann.page.get_by_role("button", name="Conversations")).to_be_focused()


async def test_connection_ids_are_shown_to_developers_only(visit: Visit) -> None:
    ann, _ = await visit("ann"), await visit("bob")
    people = ann.page.get_by_role("complementary", name="People")
    chip = people.get_by_role("button", name="Message connection")
    await expect(ann.person("bob")).to_have_attribute("data-presence", "here")
    kind = ann.page.get_by_label("Private with")
    await ann.add_conversation()
    await expect(chip).to_be_hidden()
    await expect(kind).to_be_hidden()
    await people.get_by_label("Show connection ids").check()
    await expect(chip).to_be_visible()
    await kind.select_option("connection")
    await people.get_by_label("Show connection ids").uncheck()
    await expect(kind).to_have_value("user")
    await people.get_by_label("Show connection ids").check()
    await ann.page.reload()
    await expect(chip).to_be_visible()


async def test_the_notice_of_a_failed_join_goes_when_the_next_one_succeeds(visit: Visit) -> None:
    ann = await visit("ann")
    await ann.add_conversation()
    await ann.page.get_by_label("Group name").fill("$people")
    await ann.page.get_by_role("button", name="Join group").click()
    await expect(ann.page.get_by_role("alert")).to_contain_text("the app's own group")
    await ann.join_group("others")
    await expect(ann.page.get_by_role("alert")).to_have_count(0)


async def test_a_message_without_an_answer_names_the_upstream_after_twenty_seconds(visit: Visit) -> None:
    ann = await visit("ann", lost="broadcast")
    await ann.write("Everyone", "is anybody out there?")
    await ann.page.clock.fast_forward(20_001)
    await expect(ann.page.get_by_role("alert")).to_contain_text(
        "has not answered within 20 s. Look at the upstream"
    )
    await expect(ann.page.get_by_label("Message to Everyone")).to_have_value("is anybody out there?")


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 15), (0.999, 30)], ids=["soonest", "latest"])
async def test_pauses_between_attempts_are_left_to_chance_up_to_thirty_seconds(
    visit: Visit, stack: Any, chance: float, seconds: int
) -> None:
    ann = await visit("ann", lost="nothing")
    await ann.page.evaluate(f"Math.random = () => {chance}")
    stack.stop_emulator()
    await ann.is_in_state("reconnecting")
    detail = ann.page.locator("#status-detail")
    for _ in range(7):
        await expect(detail).to_have_text(re.compile(r"\d+ s"))
        await ann.page.clock.fast_forward(seconds * 1000 + 1)
    # The countdown goes on meanwhile, a little.
    await expect(detail).to_have_text(re.compile(rf"\b({seconds}|{seconds - 1}|{seconds - 2}) s"))
    stack.start_emulator()
    await ann.page.get_by_role("button", name="Try now").click()
    await ann.is_in_state("connected")


LOOKS = [
    pytest.param(width, scheme, id=f"{width}-{scheme}")
    for width in (1280, 390, 320)
    for scheme in ("light", "dark")
]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
async def test_the_page_is_accessible_and_fits(visit: Visit, width: int, scheme: str, looks: Any) -> None:
    is_phone = width < 720
    ann = await visit(
        "ann",
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        has_touch=is_phone,
        is_mobile=is_phone,
    )
    bob = await visit("bob with a name that is rather long")
    await bob.write("Everyone", "hello ann, look at https://example.org/a/path/that/does/not/end/soon")
    await expect(ann.message("hello ann")).to_have_count(1)
    await ann.write("Everyone", "hello bob")
    await expect(ann.message("hello bob")).to_have_count(1)
    await looks.check(ann.page, f"chat-{width}-{scheme}")
    for drawer in ("Conversations", "People"):
        toggle = ann.page.get_by_role("button", name=drawer)
        if await toggle.is_visible():
            await toggle.click()
            await looks.check(ann.page, f"{drawer.lower()}-{width}-{scheme}")
            await ann.page.keyboard.press("Escape")
    if is_phone:
        await ann.page.get_by_role("button", name="Conversations").click()
    await ann.add_conversation()
    await looks.check(ann.page, f"adding-{width}-{scheme}")
    assert await looks.wrapped_times(ann.page) == 0
    if is_phone:
        assert await looks.small_targets(ann.page) == []


async def test_a_person_has_the_same_avatar_in_the_list_and_beside_messages(visit: Visit) -> None:
    ann, bob = await visit("ann"), await visit("émile")
    await bob.write("Everyone", "hello")
    avatar = ann.message("hello").locator(".avatar")
    listed = ann.person("émile").locator(".avatar")
    for shown in (avatar, listed, bob.page.locator("#me-avatar .avatar")):
        await expect(shown).to_have_text("É")
        await expect(shown).to_have_attribute("aria-hidden", "true")
    colour = "(one) => getComputedStyle(one).backgroundColor"
    assert await avatar.evaluate(colour) == await listed.evaluate(colour)
    assert await avatar.evaluate(colour) != await ann.page.locator("#me-avatar .avatar").evaluate(colour)
    await expect(bob.message("hello").locator(".avatar")).to_have_count(0)
