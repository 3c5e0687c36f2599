"""Dates as .NET has them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from signalr_local.host.dates import DateText, format_moment


@pytest.fixture(params=["UTC", "Europe/Berlin"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make one of several the time zone of this machine."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc", "berlin"),
    [
        ("2026-01-02T03:04:05.120Z", "2026-01-02T03:04:05.12Z", "2026-01-02T03:04:05.12Z"),
        ("2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.500", "2026-01-02T03:04:05.5", "2026-01-02T03:04:05.5"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00", "2026-01-02T02:04:05+01:00"),
        ("2026-01-02T03:04:05+0200", "2026-01-02T01:04:05+00:00", "2026-01-02T02:04:05+01:00"),
        ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05+00:00", "2026-01-02T04:04:05+01:00"),
        ("2026-01-02T24:00:00Z", "2026-01-03T00:00:00Z", "2026-01-03T00:00:00Z"),
        ("/Date(1700000000000)/", "2023-11-14T22:13:20Z", "2023-11-14T22:13:20Z"),
        ("/Date(1700000000000+0200)/", "2023-11-14T22:13:20+00:00", "2023-11-14T23:13:20+01:00"),
    ],
)
def test_a_date_is_written_anew(zone: str, text: str, utc: str, berlin: str) -> None:
    date = DateText.parse(text)
    assert date == (utc if zone == "UTC" else berlin)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-02", "2026-01-02T03:04", "2026-01-02 03:04:05", "2026-01-02t03:04:05z"),
        *("2026-13-02T03:04:05Z", "2026-01-02T03:04:05.123456789Z", " 2026-01-02T03:04:05Z", "now", ""),
        *("0000-01-02T03:04:05Z", "/Date(x)/", "/Date(99999999999999999999)/", "2026-01-02T24:00:01Z"),
    ],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert DateText.parse(text) is None


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yyyy-MM-ddTHH-mm-ssK", "2026-03-05T07-08-09Z"),
        ("yy M d H m s", "26 3 5 7 8 9"),
        ("ddd, dd MMM yyyy", "Thu, 05 Mar 2026"),
        ("dddd MMMM", "Thursday March"),
        ("hh:mm tt", "07:08 AM"),
        ("HH'h'mm \"min\" \\x", "07h08 min x"),
        ("ss.fff|FFFFFF|zzz|zz|z", "09.120|12|+00:00|+00|+0"),
        ("o", "2026-03-05T07:08:09.1200000Z"),
        ("R", "Thu, 05 Mar 2026 07:08:09 GMT"),
        ("%d", "5"),
    ],
)
def test_a_moment_takes_any_form(form: str, text: str) -> None:
    assert format_moment(datetime(2026, 3, 5, 7, 8, 9, 120_000, UTC), form) == text
