"""A hub behind the HTTP upstream, and the setting that its requests are signed by."""

import pytest

from tests.serverless_signalr._hub.upstream_requests import CONNECTION, SETTING, Chat


@pytest.fixture
def connection_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the app setting that names the service."""
    monkeypatch.setenv(SETTING, CONNECTION)


@pytest.fixture
def chat(connection_string: None) -> Chat:
    """Return a hub that receives its events through one HTTP function."""
    return Chat()
