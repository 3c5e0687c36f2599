"""The page, as two people use it."""

from collections.abc import Awaitable, Callable
from typing import Any

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
    person = ann.page.locator("li[data-presence]").filter(has_text="bob")
    await expect(person).to_have_attribute("data-presence", "here")
    await bob.page.get_by_role("button", name="Leave chat").click()
    await expect(person).to_have_attribute("data-presence", "gone")


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
