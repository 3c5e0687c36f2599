"""A hub's members: connections, users, groups, and the groups remembered for a user."""

from dataclasses import dataclass

import pytest

from signalr_local.emulator.hub import MAX_REMEMBERED, Hub, Hubs, near_match


@dataclass(frozen=True)
class Member:
    connection_id: str
    user_id: str | None = None


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(clock: Clock) -> Hub[Member]:
    return Hub("chat", clock)


def ids(members: list[Member]) -> list[str]:
    return [member.connection_id for member in members]


def test_everybody_in_the_hub_is_reached_but_the_excluded(hub: Hub[Member]) -> None:
    for name in ("a", "b", "c"):
        hub.add(Member(name))
    assert ids(hub.in_hub()) == ["a", "b", "c"]
    assert ids(hub.in_hub({"b", "nobody"})) == ["a", "c"]


def test_a_user_is_reached_on_every_connection(hub: Hub[Member]) -> None:
    hub.add(Member("a", "ann"))
    hub.add(Member("b", "bob"))
    hub.add(Member("c", "ann"))
    assert ids(hub.of_user("ann")) == ["a", "c"]
    assert ids(hub.of_user("Ann")) == []


def test_an_anonymous_connection_is_no_users(hub: Hub[Member]) -> None:
    hub.add(Member("a"))
    assert not hub.users


def test_a_group_has_the_connections_that_were_added_but_the_excluded(hub: Hub[Member]) -> None:
    for name in ("a", "b", "c"):
        hub.add(Member(name))
    assert hub.add_to_group("a", "g")
    assert hub.add_to_group("b", "g")
    assert ids(hub.in_group("g")) == ["a", "b"]
    assert ids(hub.in_group("g", {"a"})) == ["b"]
    assert ids(hub.in_group("G")) == []


def test_who_is_not_there_cannot_be_added_to_or_removed_from_a_group(hub: Hub[Member]) -> None:
    assert not hub.add_to_group("a", "g")
    assert not hub.remove_from_group("a", "g")
    hub.remove_from_all_groups("a")
    assert "g" not in hub.groups


def test_removing_a_connection_from_a_group_it_is_not_in_is_no_error(hub: Hub[Member]) -> None:
    hub.add(Member("a"))
    assert hub.remove_from_group("a", "g")


def test_a_group_exists_as_long_as_it_has_a_connection(hub: Hub[Member]) -> None:
    hub.add(Member("a"))
    hub.add_to_group("a", "g")
    assert "g" in hub.groups
    hub.remove_from_group("a", "g")
    assert "g" not in hub.groups


def test_a_connection_leaves_everything_when_it_ends(hub: Hub[Member]) -> None:
    member = Member("a", "ann")
    hub.add(member)
    hub.add_to_group("a", "g")
    hub.remove(member)
    assert not hub.connections
    assert not hub.users
    assert not hub.groups
    hub.remove(member)


def test_a_connection_leaves_all_its_groups_at_once(hub: Hub[Member]) -> None:
    hub.add(Member("a"))
    for group in ("g", "h"):
        hub.add_to_group("a", group)
    hub.remove_from_all_groups("a")
    assert not hub.groups


def test_a_users_connections_join_a_group_now_and_later(hub: Hub[Member]) -> None:
    hub.add(Member("a", "ann"))
    hub.add_user_to_group("ann", "g")
    hub.add(Member("b", "ann"))
    assert ids(hub.in_group("g")) == ["a", "b"]


def test_a_user_may_be_added_to_a_group_before_it_ever_connects(hub: Hub[Member]) -> None:
    hub.add_user_to_group("ann", "g")
    assert hub.is_user_in_group("ann", "g")
    assert "g" not in hub.groups
    hub.add(Member("a", "ann"))
    assert ids(hub.in_group("g")) == ["a"]


def test_membership_of_a_user_outlives_its_connections(hub: Hub[Member]) -> None:
    first = Member("a", "ann")
    hub.add(first)
    hub.add_user_to_group("ann", "g")
    hub.remove(first)
    hub.add(Member("b", "ann"))
    assert ids(hub.in_group("g")) == ["b"]


def test_with_ttl_zero_only_present_connections_join(hub: Hub[Member]) -> None:
    hub.add(Member("a", "ann"))
    hub.add_user_to_group("ann", "g", 0)
    hub.add(Member("b", "ann"))
    assert ids(hub.in_group("g")) == ["a"]
    assert not hub.is_user_in_group("ann", "g")


def test_after_its_ttl_an_entry_is_forgotten_but_who_joined_stays(hub: Hub[Member], clock: Clock) -> None:
    hub.add_user_to_group("ann", "g", 10)
    clock.now += 9
    hub.add(Member("a", "ann"))
    clock.now += 1
    hub.add(Member("b", "ann"))
    assert ids(hub.in_group("g")) == ["a"]
    assert not hub.is_user_in_group("ann", "g")


def test_adding_again_starts_the_ttl_anew(hub: Hub[Member], clock: Clock) -> None:
    hub.add_user_to_group("ann", "g", 10)
    clock.now += 9
    hub.add_user_to_group("ann", "g", 10)
    clock.now += 9
    assert hub.is_user_in_group("ann", "g")


def test_adding_again_with_ttl_zero_forgets(hub: Hub[Member]) -> None:
    hub.add_user_to_group("ann", "g")
    hub.add_user_to_group("ann", "g", 0)
    assert not hub.is_user_in_group("ann", "g")


def test_without_ttl_an_entry_lives_for_a_year(hub: Hub[Member], clock: Clock) -> None:
    hub.add_user_to_group("ann", "g")
    clock.now += 365 * 24 * 3600 - 1
    assert hub.is_user_in_group("ann", "g")
    clock.now += 1
    assert not hub.is_user_in_group("ann", "g")


def test_the_latest_groups_without_ttl_are_remembered_those_with_ttl_do_not_count(hub: Hub[Member]) -> None:
    hub.add_user_to_group("ann", "timed", 60)
    for number in range(MAX_REMEMBERED):
        hub.add_user_to_group("ann", f"g{number}")
    hub.add_user_to_group("ann", "g0")
    hub.add_user_to_group("ann", "one more")
    assert hub.is_user_in_group("ann", "timed")
    assert hub.is_user_in_group("ann", "g0")
    assert not hub.is_user_in_group("ann", "g1")
    assert hub.is_user_in_group("ann", "g2")


def test_removing_a_user_from_a_group_takes_out_all_its_connections(hub: Hub[Member]) -> None:
    hub.add(Member("a", "ann"))
    hub.add(Member("b", "bob"))
    for connection in ("a", "b"):
        hub.add_to_group(connection, "g")
    hub.add_user_to_group("ann", "h")
    hub.remove_user_from_group("ann", "g")
    hub.remove_user_from_group("ann", "h")
    assert ids(hub.in_group("g")) == ["b"]
    assert not hub.is_user_in_group("ann", "h")


def test_removing_a_user_from_all_groups_forgets_and_takes_out(hub: Hub[Member]) -> None:
    hub.add(Member("a", "ann"))
    hub.add_to_group("a", "g")
    hub.add_user_to_group("ann", "h")
    hub.remove_user_from_all_groups("ann")
    hub.remove_user_from_all_groups("nobody")
    assert not hub.groups
    hub.add(Member("b", "ann"))
    assert not hub.groups


def test_a_user_is_in_a_group_by_its_own_entry_not_by_its_connections(hub: Hub[Member]) -> None:
    hub.add(Member("a", "ann"))
    hub.add_to_group("a", "g")
    assert not hub.is_user_in_group("ann", "g")


def test_hubs_are_found_without_regard_to_case() -> None:
    hubs: Hubs[Member] = Hubs()
    assert hubs["Chat"] is hubs["chat"]
    assert [hub.name for hub in hubs] == ["chat"]


def test_near_match_differs_in_case_only() -> None:
    assert near_match("room", ["hall", "Room"]) == "Room"
    assert near_match("room", ["room"]) is None
    assert near_match("room", ["rooms"]) is None


def test_memberships_whose_time_is_over_are_forgotten_without_anybody_asking(
    hub: Hub[Member], clock: Clock
) -> None:
    for number in range(1000):
        hub.add_user_to_group(f"user{number}", "g", 60)
    hub.add_user_to_group("ann", "g")
    clock.now += 61
    hub.add(Member("b", "bob"))
    assert hub.remembered == 1


def test_a_membership_that_was_renewed_lives_on(hub: Hub[Member], clock: Clock) -> None:
    hub.add_user_to_group("ann", "g", 60)
    clock.now += 30
    hub.add_user_to_group("ann", "g", 60)
    clock.now += 31
    hub.add(Member("b", "bob"))
    assert hub.is_user_in_group("ann", "g")


def test_renewing_again_and_again_takes_no_more_memory(hub: Hub[Member]) -> None:
    for _ in range(10_000):
        hub.add_user_to_group("ann", "g", 1000)
    assert len(hub._ends) <= 2000


def test_many_remembered_users_are_dropped_when_their_time_is_over(
    hub: Hub[Member], clock: Clock, pytestconfig: pytest.Config
) -> None:
    count = 100_000 if pytestconfig.getoption("--full") else 5000
    for number in range(count):
        hub.add_user_to_group(f"user{number}", "g", 60)
    assert hub.remembered == count
    clock.now += 61
    hub.add_user_to_group("ann", "g", 60)
    assert hub.remembered == 1
