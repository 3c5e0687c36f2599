"""The settings of a developer's machine, for as long as a test needs them."""

import os

import pytest

from serverless_signalr import is_deployed
from serverless_signalr._testing.environment import local_environment

NAMES = ("AZURE_FUNCTIONS_ENVIRONMENT", "WEBSITE_HOSTNAME")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def present() -> list[str]:
    return [name for name in NAMES if name in os.environ]


def test_app_runs_on_a_developers_machine_within() -> None:
    assert is_deployed()
    with local_environment():
        assert not is_deployed()
    assert is_deployed()


def test_last_to_leave_removes_the_variables() -> None:
    with local_environment():
        with local_environment():
            pass
        assert present() == list(NAMES)
    assert present() == []


def test_variable_that_has_a_value_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_HOSTNAME", "mine:1")
    with local_environment():
        assert os.environ["WEBSITE_HOSTNAME"] == "mine:1"
    assert present() == ["WEBSITE_HOSTNAME"]


def test_error_within_removes_them_too() -> None:
    with pytest.raises(ValueError, match="oops"), local_environment():
        raise ValueError("oops")
    assert present() == []
