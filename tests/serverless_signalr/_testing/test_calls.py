"""Calls of hubs and apps in every style: they run as in production, and say what was sent."""

from collections.abc import Callable
from typing import Any

import pytest

from serverless_signalr import HubException
from serverless_signalr.testing import FakeService, Message, call, connect, disconnect, fire
from tests.serverless_signalr._testing.apps import Room, room_app

STYLES: list[Any] = [
    pytest.param(room_app, id="decorators"),
    pytest.param(Room, id="class"),
    pytest.param(lambda: Room(upstream_route="events"), id="http-upstream"),
]
type Make = Callable[[], Any]


@pytest.fixture(params=STYLES)
def app(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture
def room() -> Room:
    return Room()


async def test_call_returns_what_answers_invoke(app: Any) -> None:
    assert (await call(app, "say", "hello", user_id="ann")).result == 5


async def test_call_says_what_was_sent_to_a_group(room: Room) -> None:
    sent = await call(room, "say", "hello", user_id="ann", connection_id="a")
    assert sent.to_group("lobby") == [Message("said", "hello", "ann", excluded=["a"])]


async def test_what_was_sent_to_a_group_was_not_sent_to_everybody(room: Room) -> None:
    sent = await call(room, "say", "hello", user_id="ann")
    assert (sent.to_all, sent.to_group("others"), sent.to_user("lobby")) == ([], [], [])


async def test_each_call_says_what_it_sent_itself(room: Room) -> None:
    with FakeService() as service:
        await call(room, "say", "one", user_id="ann")
        second = await call(room, "say", "two", user_id="ann")
    assert [message.arguments[0] for message in second.messages] == ["two"]
    assert [message.arguments[0] for message in service.sent.messages] == ["one", "two"]


async def test_call_that_does_not_fit_raises_what_the_client_sees(app: Any) -> None:
    with pytest.raises(HubException, match=r"^say\(text: string\) was called with 0 arguments\.$"):
        await call(app, "say", user_id="ann")


async def test_argument_of_another_type_is_refused(app: Any) -> None:
    with pytest.raises(HubException, match="expected string, got integer"):
        await call(app, "say", 5)


async def test_call_without_the_role_is_refused(app: Any) -> None:
    with pytest.raises(HubException, match="ban is not allowed: it requires"):
        await call(app, "ban", "bob", user_id="ann", claims={"role": "author"})


async def test_call_with_the_role_is_let_in(app: Any) -> None:
    await call(app, "ban", "bob", user_id="ann", claims={"role": ["author", "admin"]})


async def test_claims_of_the_connection_count_in_its_calls(app: Any) -> None:
    with FakeService():
        ann = await connect(app, user_id="ann", claims={"role": "admin"})
        await call(app, "ban", "bob", connection=ann.connection)


@pytest.mark.parametrize("make", [Room, lambda: Room(upstream_route="events")])
async def test_filters_surround_the_call(make: Make) -> None:
    with pytest.raises(HubException, match=r"^Be polite\.$"):
        await call(make(), "say", "rude")


async def test_unexpected_error_reads_as_the_client_sees_it(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeService() as service:
        service.fail(503)
        with pytest.raises(HubException, match=r"^say failed on the server\.$"):
            await call(room, "say", "hello")
    assert "ServiceUnavailableError" in caplog.text


async def test_event_that_nothing_listens_to_names_those_that_there_are(room: Room) -> None:
    with pytest.raises(LookupError, match=r"no function handles the event sya; the app handles .*say"):
        await call(room, "sya")


@pytest.mark.parametrize("make", [Room, lambda: Room(upstream_route="events")])
async def test_method_that_is_not_async_runs_too(make: Make) -> None:
    assert (await call(make(), "wait", 3)).result == "waited 3"


async def test_connection_that_came_is_in_what_the_app_put_it_into(app: Any) -> None:
    with FakeService():
        ann = await connect(app, user_id="ann")
    assert ann.connection.groups == {"lobby"}


async def test_connection_that_is_refused_is_not_there(app: Any) -> None:
    with FakeService() as service:
        with pytest.raises(HubException):
            await connect(app)
        assert service.connections("room") == []


async def test_members_receive_what_goes_to_their_group(app: Any) -> None:
    with FakeService():
        bob = (await connect(app, user_id="bob")).connection
        await call(app, "say", "hello", user_id="ann")
    assert bob.received[-1] == Message("said", "hello", "ann", excluded=bob.received[-1].excluded)


async def test_excluded_connection_receives_nothing(room: Room) -> None:
    with FakeService():
        ann = (await connect(room, user_id="ann")).connection
        await call(room, "say", "hello", connection=ann)
    assert ann.received == []


async def test_calls_of_a_user_come_from_its_connection(room: Room) -> None:
    with FakeService():
        ann = (await connect(room, user_id="ann")).connection
        assert (await call(room, "say", "hello", user_id="ann")).connection is ann


async def test_app_hears_why_a_connection_ended_when_it_is_gone(room: Room) -> None:
    with FakeService():
        ann = (await connect(room, user_id="ann")).connection
        bob = (await connect(room, user_id="bob")).connection
        await disconnect(room, ann, error="timeout")
    assert bob.received == [Message("said", "gone: timeout", "ann")]
    assert ann.received == []


async def test_events_of_a_connection_need_no_listener() -> None:
    app = room_app()
    assert (await disconnect(app, user_id="ann")).everything == []


async def test_client_is_asked_what_the_test_says(room: Room) -> None:
    with FakeService():
        ann = (await connect(room, user_id="ann")).connection
        ann.answer("confirm", lambda question: question == "Really?")
        assert (await call(room, "ask", connection=ann)).result is True


async def test_client_that_answers_with_an_error_fails_the_call(room: Room) -> None:
    def refuse(question: str) -> bool:
        raise ValueError("no")

    with FakeService():
        ann = (await connect(room, user_id="ann")).connection
        ann.answer("confirm", refuse)
        with pytest.raises(HubException, match="ask failed on the server"):
            await call(room, "ask", connection=ann)


async def test_client_without_an_answer_is_named(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    with FakeService(), pytest.raises(HubException):
        await call(room, "ask", user_id="ann")
    assert "connection.answer('confirm', …)" in caplog.text


async def test_closed_connections_know_the_reason(room: Room) -> None:
    with FakeService() as service:
        bob = (await connect(room, user_id="bob")).connection
        await call(room, "ban", "bob", claims={"role": "admin"})
        assert bob.closed is not None
        assert bob.closed.reason == "banned"
        assert bob not in service.connections("room")


async def test_user_is_in_a_group_for_as_long_as_the_app_says(room: Room) -> None:
    now = 0.0
    with FakeService(clock=lambda: now) as service:
        await call(room, "watch", user_id="ann")
        assert service.connect("room", user_id="ann").groups == {"watchers"}
        now = 301.0
        assert service.connect("room", user_id="ann").groups == set()


@pytest.mark.parametrize("past_due", [False, True])
async def test_timer_is_fired_by_its_name(past_due: bool) -> None:
    assert (await fire(room_app(), "tick", past_due=past_due)).to_all == [Message("tick", past_due)]
