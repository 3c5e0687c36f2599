"""Warnings that are logged once."""

import pytest

from serverless_signalr._connection.once import warn_once


def test_warning_is_logged_once_by_its_text(caplog: pytest.LogCaptureFixture) -> None:
    for text in ("the setting A is ignored", "the setting B is ignored", "the setting A is ignored"):
        warn_once(text)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "the setting A is ignored"),
        ("WARNING", "the setting B is ignored"),
    ]


def test_text_is_no_format(caplog: pytest.LogCaptureFixture) -> None:
    warn_once("the setting %NAME% is ignored")
    assert caplog.records[0].getMessage() == "the setting %NAME% is ignored"
