"""The journal: the last events, in bounded memory."""

from signalr_local.inspector.events import ClientCalled, HostEvent
from signalr_local.inspector.journal import Journal


def call(body: bytes = b"") -> ClientCalled:
    return ClientCalled(
        hub="chat",
        connection_id="1",
        user_id=None,
        target="echo",
        invocation_id=None,
        protocol="json",
        body=body,
    )


def numbers(journal: Journal, seq: int = 0, limit: int = 100) -> list[int]:
    return [event.seq for event in journal.after(seq, limit)]


def test_events_are_counted_and_have_the_time() -> None:
    journal = Journal(clock=lambda: 12.5)
    journal.add(call())
    journal.add(call())
    assert [(event.seq, event.at) for event in journal.after(0)] == [(1, 12.5), (2, 12.5)]


def test_the_last_events_are_kept() -> None:
    journal = Journal(max_events=3)
    for _ in range(5):
        journal.add(call())
    assert numbers(journal) == [3, 4, 5]


def test_the_oldest_events_go_where_bodies_take_too_much() -> None:
    journal = Journal(max_bytes=100)
    for _ in range(3):
        journal.add(call(b"x" * 40))
    assert (numbers(journal), journal.size) == ([2, 3], 80)


def test_one_event_that_is_too_large_is_kept_alone() -> None:
    journal = Journal(max_bytes=10)
    journal.add(call())
    journal.add(call(b"x" * 40))
    assert numbers(journal) == [2]


def test_events_after_a_number_are_those_that_somebody_has_not_seen() -> None:
    journal = Journal(max_events=4)
    for _ in range(6):
        journal.add(call())
    assert numbers(journal, 4) == [5, 6]
    assert numbers(journal, 1) == [3, 4, 5, 6]
    assert numbers(journal, 6) == []
    assert numbers(journal, 0, limit=2) == [5, 6]


def test_an_event_is_found_by_its_number_as_long_as_it_is_kept() -> None:
    journal = Journal(max_events=2)
    for _ in range(3):
        journal.add(call())
    assert (journal.find(1), journal.find(4), journal.find(0)) == (None, None, None)
    found = journal.find(2)
    assert found is not None
    assert found.seq == 2


def test_who_listens_is_told_at_once() -> None:
    journal, heard = Journal(), list[int]()
    journal.listen(lambda event: heard.append(event.seq))
    journal.add(HostEvent(name="summary", fields={}))
    assert heard == [1]
