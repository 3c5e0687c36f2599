"""What the app logs: records, with the invocation that they belong to."""

import logging
import logging.config
from collections.abc import Callable, Iterator

import pytest
from azure_functions_runtime import invocation_id_cv, native_invocation

from signalr_local.worker import logs

type Said = list[tuple[int, str, str | None]]


@pytest.fixture
def said() -> Iterator[Said]:
    """Install the log of the worker for one test, and return what it passes on."""
    found: Said = []
    root, system = logging.getLogger(), logging.getLogger("azure.functions")
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in (root, system)]
    enabled = [logger for logger in _loggers() if not logger.disabled]
    library = native_invocation.logger
    logs.install(lambda level, text, invocation: found.append((level, text, invocation)))
    yield found
    native_invocation.logger = library
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate
    # dictConfig disables every logger that it does not know.
    for logger in enabled:
        logger.disabled = False


def _loggers() -> list[logging.Logger]:
    return [one for one in logging.Logger.manager.loggerDict.values() if isinstance(one, logging.Logger)]


@pytest.fixture
def invocation() -> Iterator[str]:
    """Run the test as an invocation."""
    token = invocation_id_cv.set("i1")
    yield "i1"
    invocation_id_cv.reset(token)


def test_a_record_is_passed_on_with_its_invocation(said: Said, invocation: str) -> None:
    logging.getLogger("mine").warning("one %d", 1)
    assert said == [(logging.WARNING, "one 1", invocation)]


def test_a_record_outside_of_invocations_has_none(said: Said) -> None:
    logging.getLogger().info("hello")
    assert said == [(logging.INFO, "hello", None)]


def test_debug_is_left_out_unless_the_app_asks_for_it(said: Said) -> None:
    logger = logging.getLogger("mine.own")
    logger.debug("one")
    logger.setLevel(logging.DEBUG)
    logger.debug("two")
    logger.setLevel(logging.NOTSET)
    assert said == [(logging.DEBUG, "two", None)]


@pytest.mark.parametrize(
    "name", ["azure.functions", "azure.functions.http", "azure_functions_runtime", "azure_functions_worker.x"]
)
def test_the_worker_library_s_own_log_is_left_out(said: Said, name: str) -> None:
    logging.getLogger(name).error("internal")
    assert said == []


def test_a_record_that_cannot_be_formatted_is_left_out(
    said: Said, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Handlers of pytest would raise what the worker's swallows.
    root = logging.getLogger()
    ours = [handler for handler in root.handlers if isinstance(handler, logs._Forwarder)]
    monkeypatch.setattr(root, "handlers", ours)
    root.info("%d", "no number")
    assert said == []
    assert "--- Logging error ---" in capsys.readouterr().err


def test_the_exception_that_the_library_reports_is_kept(said: Said) -> None:
    error = ValueError("wrong")
    # The app may turn all logging off.
    logging.disable()
    try:
        raise error
    except ValueError:
        native_invocation.logger.exception("failed")
    finally:
        logging.disable(logging.NOTSET)
    assert logs.last_failure() is error


@pytest.mark.parametrize(
    ("set_up", "expected"),
    [
        (lambda: None, ""),
        (lambda: logging.basicConfig(), ""),
        (lambda: logging.config.dictConfig({"version": 1, "incremental": True, "root": {"level": 20}}), ""),
        (lambda: logging.getLogger().handlers.clear(), "removed the root logger's handler"),
        (lambda: logging.config.dictConfig({"version": 1, "root": {"handlers": []}}), "removed the root"),
        (lambda: logging.basicConfig(force=True), "no basicConfig(force=True)"),
        (lambda: logging.disable(), "has turned logging off"),
    ],
    ids=["none", "basic", "incremental", "cleared", "root", "forced", "off"],
)
def test_an_app_that_cuts_its_log_off_is_told_so(
    said: Said, set_up: Callable[[], object], expected: str
) -> None:
    try:
        set_up()
        warning = logs.lost()
    finally:
        logging.disable(logging.NOTSET)
    assert expected in warning
    assert bool(warning) is bool(expected)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("1", ["one"]), ("true", ["one"]), ("0", []), ("", [])],
)
def test_the_app_setting_for_debug_logging_counts(
    setting: str, expected: list[str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("PYTHON_ENABLE_DEBUG_LOGGING", setting)
    said: Said = request.getfixturevalue("said")
    logging.getLogger("of.a.library").debug("one")
    assert [text for _, text, _ in said] == expected
