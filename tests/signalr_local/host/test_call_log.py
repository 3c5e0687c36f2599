"""The log of calls: lines for handlers that take them, records for all others."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from signalr_local.host.call_log import CallHandler, log_call

EVENT = {"kind": "invocation_started", "function": "a", "invocation_id": "1"}
LINE = (logging.INFO, "Executing", "Function.a", EVENT)


class Records(logging.Handler):
    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.taken: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = vars(record)
        self.taken.append((record.levelno, record.getMessage(), fields["category"], fields["event"]))


class Lines(CallHandler, Records):
    def take_call(self, level: int, text: str, category: str, event: dict[str, Any], created: float) -> None:
        self.taken.append((level, text, category, event, created))


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Take all handlers from the logger of the runtime during one test."""
    logger = logging.getLogger("signalr_local")
    before = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [], False
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers, logger.propagate, level = before
    logger.setLevel(level)


def test_a_handler_that_takes_lines_gets_one_and_any_other_a_record(logger: logging.Logger) -> None:
    lines, records = Lines(), Records()
    logger.handlers = [lines, records]
    log_call(*LINE)
    [(*line, created)] = lines.taken
    assert (tuple(line), records.taken) == (LINE, [LINE])
    assert created > 0


def test_a_handler_for_errors_gets_no_information(logger: logging.Logger) -> None:
    logger.handlers = [records := Records(logging.ERROR)]
    log_call(*LINE)
    assert records.taken == []


def test_where_no_console_is_installed_the_log_takes_its_usual_way(logger: logging.Logger) -> None:
    own, root = Records(), Records()
    logger.handlers, logger.propagate = [own], True
    logging.getLogger().addHandler(root)
    try:
        log_call(*LINE)
        logger.setLevel(logging.ERROR)
        log_call(*LINE)
    finally:
        logging.getLogger().removeHandler(root)
    assert (own.taken, root.taken) == ([LINE], [LINE])
