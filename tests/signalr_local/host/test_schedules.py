"""Schedules of timers."""

from datetime import datetime, timedelta

import pytest

from signalr_local.host.schedules import parse_schedule
from signalr_local.host.timespans import format_timespan, parse_timespan

MONDAY = datetime(2026, 11, 30, 8, 59, 58)


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("* * * * * *", ["08:59:59", "09:00:00"]),
        ("0 */5 * * * *", ["09:00:00", "09:05:00"]),
        ("*/5 * * * *", ["09:00:00", "09:05:00"]),
        ("30 0 9,17 * * *", ["09:00:30", "17:00:30"]),
        ("00:00:02", ["09:00:00", "09:00:02"]),
        ("-00:00:05", ["08:59:59", "09:00:00"]),
    ],
)
def test_a_schedule_tells_the_next_times(text: str, later: list[str]) -> None:
    schedule, moment = parse_schedule(text), MONDAY
    for expected in later:
        moment = schedule.after(moment)
        assert f"{moment:%H:%M:%S}" == expected


def test_day_and_weekday_must_both_fit() -> None:
    assert parse_schedule("0 0 9 1 * Mon").after(MONDAY) == datetime(2027, 2, 1, 9)


@pytest.mark.parametrize(("text", "adjusts"), [("0 0 9 * * *", True), ("01:00:00", False)])
def test_only_expressions_follow_daylight_saving_time(text: str, adjusts: bool) -> None:
    assert parse_schedule(text).adjusts_for_dst == adjusts


@pytest.mark.parametrize("text", ["0 0 0 31 2 *", "bad cron", "", "* * * *", "0 0 9 * * 7", "0 0 9 * * Mo1"])
def test_a_schedule_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^The schedule expression "):
        parse_schedule(text)


@pytest.mark.parametrize(
    ("text", "span", "written"),
    [
        ("00:05", timedelta(minutes=5), "00:05:00"),
        ("1.02:03:04", timedelta(days=1, hours=2, minutes=3, seconds=4), "1.02:03:04"),
        ("24:00:00", timedelta(days=24), "24.00:00:00"),
        ("10", timedelta(days=10), "10.00:00:00"),
        ("-00:00:01.5", timedelta(seconds=-1.5), "-00:00:01.5000000"),
    ],
)
def test_a_timespan_is_read_and_written(text: str, span: timedelta, written: str) -> None:
    assert parse_timespan(text) == span
    assert format_timespan(span) == written


@pytest.mark.parametrize("text", ["", "00:00:60", "25:60:00", "abc", "99999999999", "1:2:3:4", "00:60"])
def test_other_texts_are_no_timespans(text: str) -> None:
    assert parse_timespan(text) is None
