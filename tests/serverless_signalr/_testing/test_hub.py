"""Connections and groups of a hub in memory."""

from datetime import timedelta

import pytest

from serverless_signalr import ServiceClient, service_connection
from serverless_signalr._testing.hub import FakeHub, as_claims
from serverless_signalr.testing import Closed, FakeService, GroupAction, Message, Recipient


def client() -> ServiceClient:
    return service_connection().client("chat")


async def test_connection_that_leaves_all_groups_is_in_none() -> None:
    with FakeService() as service:
        ann = service.connect("chat")
        await client().add_connection_to_group("g", connection_id=ann.id)
        await client().remove_connection_from_all_groups(connection_id=ann.id)
    assert ann.groups == set()


async def test_user_that_left_a_group_does_not_come_back_to_it() -> None:
    with FakeService() as service:
        await client().add_user_to_group("g", user_id="ann", ttl=timedelta(hours=1))
        assert await client().is_user_in_group("g", user_id="ann")
        await client().remove_user_from_group("g", user_id="ann")
        assert not await client().is_user_in_group("g", user_id="ann")
        assert service.connect("chat", user_id="ann").groups == set()


def test_connection_id_in_use_is_refused() -> None:
    service = FakeService()
    service.connect("chat", connection_id="a")
    with pytest.raises(ValueError, match="'a' is connected already"):
        service.connect("chat", connection_id="a")


@pytest.fixture
def hub() -> FakeHub:
    hub = FakeHub("chat", lambda record: None)
    for id, user_id in (("a1", "ann"), ("a2", "ann"), ("b1", "bob"), ("x", None)):
        hub.connect(id, user_id)
    hub.change(GroupAction("add", "g", connection_id="a1"))
    hub.change(GroupAction("add", "g", connection_id="b1"))
    return hub


@pytest.mark.parametrize(
    ("recipient", "members"),
    [
        (Recipient("all"), ["a1", "a2", "b1", "x"]),
        (Recipient("connection", "a2"), ["a2"]),
        (Recipient("user", "ann"), ["a1", "a2"]),
        (Recipient("group", "g"), ["a1", "b1"]),
        (Recipient("group", "ann"), []),
    ],
    ids=["all", "connection", "user", "group", "nobody"],
)
def test_message_reaches_its_recipients(hub: FakeHub, recipient: Recipient, members: list[str]) -> None:
    hub.send(Message("news", to=recipient))
    assert [each.id for each in hub.connections.values() if each.received] == members


def test_excluded_connections_receive_nothing_and_stay_open(hub: FakeHub) -> None:
    hub.send(Message("news", to=Recipient("group", "g"), excluded=["a1"]))
    assert [each.id for each in hub.connections.values() if each.received] == ["b1"]
    hub.close(Closed(Recipient("all"), "bye", ("a2",)))
    assert list(hub.connections) == ["a2"]


def test_change_of_a_user_is_for_present_and_later_connections(hub: FakeHub) -> None:
    hub.change(GroupAction("add", "vip", user_id="ann"))
    hub.connect("a3", "ann")
    assert [each.id for each in hub.members(Recipient("group", "vip"))] == ["a1", "a2", "a3"]
    hub.change(GroupAction("remove", None, user_id="ann"))
    hub.connect("a4", "ann")
    assert hub.members(Recipient("group", "vip")) == []
    assert [each.id for each in hub.members(Recipient("group", "g"))] == ["b1"]


def test_change_of_a_connection_is_not_for_its_user(hub: FakeHub) -> None:
    hub.connect("a3", "ann")
    assert not hub.has_user("ann", "g")
    assert [each.id for each in hub.members(Recipient("group", "g"))] == ["a1", "b1"]


def test_ids_are_not_given_twice(hub: FakeHub) -> None:
    hub.connect("c1")
    assert hub.connect().id == "c2"


@pytest.mark.parametrize(
    ("given", "claims"),
    [
        (None, {}),
        ({"role": "admin"}, {"role": ("admin",)}),
        ({"role": ["admin", "author"]}, {"role": ("admin", "author")}),
    ],
)
def test_claims_have_all_of_their_values(given: dict[str, str | list[str]] | None, claims: object) -> None:
    assert as_claims(given) == claims
