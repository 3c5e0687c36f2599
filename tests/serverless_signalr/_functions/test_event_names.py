"""The names of events: their categories, and the misspellings that are refused."""

import pytest

from serverless_signalr._functions.event_names import category_of, check_event_name


@pytest.mark.parametrize(
    ("event", "category"),
    [
        ("connected", "connections"),
        ("disconnected", "connections"),
        ("Connected", "messages"),
        ("say", "messages"),
    ],
)
def test_category_follows_from_the_exact_name(event: str, category: str) -> None:
    assert category_of(event).value == category


@pytest.mark.parametrize(
    ("event", "meant"),
    [
        ("Connected", "connected"),
        ("CONNECTED", "connected"),
        ("onConnected", "connected"),
        ("OnConnected", "connected"),
        ("on_connected", "connected"),
        ("OnConnectedAsync", "connected"),
        ("onConnect", "connected"),
        ("Disconnected", "disconnected"),
        ("on_disconnected", "disconnected"),
        ("OnDisconnectedAsync", "disconnected"),
        ("on_disconnect", "disconnected"),
    ],
)
def test_misspelling_of_an_event_of_a_connection_is_told_the_name(event: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"^Chat.m would be the event {event}, .* is called {meant}$"):
        check_event_name("Chat.m", event)


@pytest.mark.parametrize(
    "event", ["connected", "disconnected", "connectedUsers", "connectTo", "reconnected", "on"]
)
def test_other_names_are_accepted(event: str) -> None:
    check_event_name("Chat.m", event)
