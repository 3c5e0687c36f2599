"""The console: how a record looks, and which records are shown."""

import io
import logging
import re
from collections.abc import Iterator

import pytest

from signalr_local.host.call_log import CallHandler
from signalr_local.host.console import ConsoleFormatter, LevelFilter, install, say


def record(level: int = logging.INFO, text: str = "text", category: str | None = None) -> logging.LogRecord:
    made = logging.LogRecord("signalr_local.host", level, __file__, 1, text, None, None)
    if category is not None:
        made.category = category
    return made


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def restored_logger() -> Iterator[logging.Logger]:
    """Undo what ``install`` does to the logger of the local runtime."""
    logger = logging.getLogger("signalr_local")
    before = logger.handlers, logger.level, logger.propagate
    yield logger
    logger.handlers, logger.level, logger.propagate = before


def test_every_line_carries_the_time_in_utc() -> None:
    made = record(text="one\ntwo")
    made.created, made.msecs = 1_792_000_000.0074, 7.4
    assert ConsoleFormatter(colored=False).format(made) == (
        "[2026-10-14T17:46:40.007Z] one\n[2026-10-14T17:46:40.007Z] two"
    )


def test_an_empty_text_is_a_line_too() -> None:
    assert re.fullmatch(r"\[\S+Z\] ", ConsoleFormatter(colored=False).format(record(text="")))


def test_an_exception_is_shown_below_its_record() -> None:
    made = record()
    made.exc_info = (ValueError, ValueError("wrong"), None)
    lines = ConsoleFormatter(colored=False).format(made).splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["text", "ValueError: wrong"]


@pytest.mark.parametrize(
    ("level", "color"),
    [
        (logging.DEBUG, ""),
        (logging.INFO, ""),
        (logging.WARNING, "\x1b[33m"),
        (logging.ERROR, "\x1b[31m"),
        (logging.CRITICAL, "\x1b[31m"),
    ],
)
def test_color_says_how_bad_it_is(level: int, color: str) -> None:
    end = "\x1b[0m" if color else ""
    assert ConsoleFormatter(colored=True).format(record(level)).endswith(f"Z] {color}text{end}")
    assert ConsoleFormatter(colored=False).format(record(level)).endswith("Z] text")


LEVELS = {
    "default": "Warning",
    "Function": "Information",
    "Function.loud": "Trace",
    "Function.quiet": "None",
    "Function.quiet.User": "Error",
    "Function.odd": "Sometimes",
}


@pytest.mark.parametrize(
    ("category", "level", "shown"),
    [
        (None, logging.INFO, True),
        (None, logging.DEBUG, False),
        ("Host.Results", logging.INFO, False),
        ("Host.Results", logging.WARNING, True),
        ("Function.any", logging.INFO, True),
        ("Function.any.User", logging.DEBUG, False),
        ("Function.loud.User", 5, True),
        ("FUNCTION.LOUD", logging.DEBUG, True),
        ("Function.louder", logging.DEBUG, False),
        ("Function.quiet", logging.CRITICAL, False),
        ("Function.quiet.User", logging.ERROR, True),
        ("Function.odd", logging.INFO, True),
        ("Function.odd", logging.DEBUG, False),
    ],
)
def test_the_longest_category_decides(category: str | None, level: int, shown: bool) -> None:
    levels = LevelFilter()
    levels.configure(LEVELS)
    assert levels.filter(record(level, category=category)) == shown


@pytest.mark.parametrize(("level", "shown"), [(logging.DEBUG, False), (logging.INFO, True)])
def test_information_is_shown_unless_host_json_says_otherwise(level: int, shown: bool) -> None:
    assert LevelFilter().filter(record(level, category="Function.any")) == shown


def test_levels_may_change_while_the_host_runs() -> None:
    levels = LevelFilter()
    levels.configure({"Function": "None"})
    levels.configure({})
    assert levels.filter(record(category="Function.any"))


def test_install_shows_the_log_on_a_stream(restored_logger: logging.Logger) -> None:
    stream = io.StringIO()
    levels = install(stream)
    levels.configure({"Function": "Error"})
    logging.getLogger("signalr_local.host").info("shown")
    logging.getLogger("signalr_local.host").warning("hidden", extra={"category": "Function.any"})
    assert re.fullmatch(r"\[\S+Z\] shown\n", stream.getvalue())


@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_a_call_looks_the_same_with_a_record_and_without(restored_logger: logging.Logger, level: int) -> None:
    stream = Terminal()
    install(stream)
    [handler] = restored_logger.handlers
    assert isinstance(handler, CallHandler)
    made = record(level, "Executed\nat once \x1b[2J", "Function.a")
    handler.handle(made)
    handler.take_call(level, "Executed\nat once \x1b[2J", "Function.a", {}, made.created)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[:2] == lines[2:]


def test_a_call_that_host_json_hides_is_not_shown(restored_logger: logging.Logger) -> None:
    stream = io.StringIO()
    install(stream).configure({"Function": "Error"})
    [handler] = restored_logger.handlers
    assert isinstance(handler, CallHandler)
    handler.take_call(logging.INFO, "Executed", "Function.a", {}, 0.0)
    assert stream.getvalue() == ""


def test_install_twice_shows_a_record_once(restored_logger: logging.Logger) -> None:
    install(io.StringIO())
    stream = io.StringIO()
    install(stream)
    logging.getLogger("signalr_local.host").info("text")
    assert stream.getvalue().count("text") == 1


@pytest.mark.parametrize(("stream", "colored"), [(io.StringIO(), False), (Terminal(), True)])
def test_only_a_terminal_gets_color(
    restored_logger: logging.Logger, stream: io.StringIO, colored: bool
) -> None:
    install(stream)
    logging.getLogger("signalr_local.host").error("text")
    assert ("\x1b[" in stream.getvalue()) == colored


def test_say_prints_a_line_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("\tnegotiate: [POST]")
    assert capsys.readouterr().out == "\tnegotiate: [POST]\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb", "a\tb"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("back\x08", "back\\x08"),
        ("\x9b2J", "\\x9b2J"),
    ],
    ids=["tab", "color", "clear", "title", "backspace", "8-bit"],
)
def test_the_terminal_obeys_nothing_but_colors(text: str, shown: str) -> None:
    assert ConsoleFormatter(colored=False).format(record(text=text)).partition("] ")[2] == shown


def test_what_the_terminal_has_no_letter_for_is_shown_all_the_same(
    restored_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    install(stream)
    logging.getLogger("signalr_local.host").info("half \ud83d caf\xe9")
    assert raw.getvalue().endswith(b"half \\ud83d caf\\xe9\n")
    assert "Logging error" not in capsys.readouterr().err
