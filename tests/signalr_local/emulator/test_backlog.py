"""What waits for slow clients, one by one and together."""

from signalr_local.emulator.backlog import Backlog


class Waiting:
    def __init__(self, backlog: Backlog) -> None:
        self.size = 0
        self.cuts = 0
        self._backlog = backlog

    def grow(self, size: int, messages: int = 2) -> None:
        self.size = size
        self._backlog.update(self, messages)

    def cut_off(self) -> None:
        self.size = 0
        self.cuts += 1


def test_a_client_is_cut_off_where_more_waits_than_its_limit() -> None:
    backlog = Backlog(10, 100)
    one = Waiting(backlog)
    one.grow(10)
    assert one.cuts == 0
    one.grow(11)
    assert one.cuts == 1
    assert backlog.size == 0


def test_a_single_message_is_never_too_much() -> None:
    one = Waiting(Backlog(10, 100))
    one.grow(1000, messages=1)
    assert one.cuts == 0


def test_when_all_together_is_too_much_the_largest_goes() -> None:
    backlog = Backlog(60, 100)
    small, large, last = Waiting(backlog), Waiting(backlog), Waiting(backlog)
    small.grow(20)
    large.grow(50)
    last.grow(30)
    assert large.cuts == 0
    last.grow(31)
    assert (small.cuts, large.cuts, last.cuts) == (0, 1, 0)
    assert backlog.size == 51


def test_what_was_read_no_longer_counts() -> None:
    backlog = Backlog(60, 100)
    one, other = Waiting(backlog), Waiting(backlog)
    for _ in range(10):
        one.grow(50)
        one.grow(0)
    other.grow(60)
    assert backlog.size == 60
    backlog.remove(other)
    assert backlog.size == 0
    assert one.cuts == 0
    assert other.cuts == 0
