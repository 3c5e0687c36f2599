"""The journal: the last events, in bounded memory."""

from serverless_signalr.protocol.upstream import Category, UpstreamEvent
from signalr_local.inspector.events import ClientCalled, HostEvent
from signalr_local.inspector.journal import LIGHT, Journal

BODY = b"x" * (1 << 20)


def call() -> ClientCalled:
    client = UpstreamEvent(hub="chat", category=Category.MESSAGES, event="", connection_id="1")
    return ClientCalled(client, "echo", None, "json", b"")


def entry(journal: Journal, body: bytes = b"") -> None:
    """Add an event as the emulator adds those that every call leads to."""
    client = UpstreamEvent(hub="chat", category=Category.MESSAGES, event="", connection_id="1")
    journal.append((ClientCalled, journal.number(), 12.5, "trace", client, "echo", "7", "json", body))
    if len(body) > LIGHT:
        journal.weigh(len(body))


def numbers(journal: Journal, seq: int = 0, limit: int = 100) -> list[int]:
    return [event.seq for event in journal.after(seq, limit)]


def test_events_are_counted_and_have_the_time() -> None:
    journal = Journal(clock=lambda: 12.5)
    journal.add(call())
    journal.add(call())
    assert [(event.seq, event.at) for event in journal.after(0)] == [(1, 12.5), (2, 12.5)]


def test_entry_is_made_an_event_for_who_reads_it() -> None:
    journal = Journal(clock=lambda: 12.5)
    entry(journal)
    made = call()
    made.invocation_id, made.trace_id = "7", "trace"
    journal.add(made)
    first, second = journal.after(0)
    assert (first.seq, second.seq, journal.last) == (1, 2, 2)
    second.seq = 1
    assert first == second == journal.find(1)


def test_ten_thousand_bodies_of_a_mebibyte_take_no_more_than_32() -> None:
    journal = Journal()
    for number in range(10_000):
        # A body of its own for each, as far as the journal knows.
        entry(journal, BODY)
        if number % 100 == 0:
            assert (
                sum(len(event.body) for event in journal.after(0) if isinstance(event, ClientCalled))
                <= 32 << 20
            )
    assert (len(journal), journal.size, journal.last) == (32, 32 << 20, 10_000)


def test_light_bodies_are_bounded_by_the_number_of_events() -> None:
    journal = Journal()
    for _ in range(10_010):
        entry(journal, b"x" * LIGHT)
    assert (len(journal), journal.size) == (10_000, 0)


def test_bodies_that_went_with_their_events_count_no_longer() -> None:
    journal = Journal(max_events=3)
    for size in (LIGHT + 1, 0, 0, 0):
        entry(journal, b"x" * size)
    assert (numbers(journal), journal.size) == ([2, 3, 4], 0)


def test_the_last_events_are_kept() -> None:
    journal = Journal(max_events=3)
    for _ in range(5):
        journal.add(call())
    assert numbers(journal) == [3, 4, 5]


def test_the_oldest_events_go_where_bodies_take_too_much() -> None:
    journal = Journal(max_bytes=10_000)
    for _ in range(3):
        journal.add(call(), 4000)
    assert (numbers(journal), journal.size) == ([2, 3], 8000)


def test_one_event_that_is_too_large_is_kept_alone() -> None:
    journal = Journal(max_bytes=2000)
    journal.add(call())
    journal.add(call(), 4000)
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
    journal.add(HostEvent("summary", {}))
    entry(journal)
    assert heard == [1, 2]
