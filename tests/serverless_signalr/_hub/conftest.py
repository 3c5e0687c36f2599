"""A hub behind the HTTP upstream, and a hub whose service keeps its requests."""

from collections.abc import AsyncIterator

import pytest

from tests.serverless_signalr._hub import recorder as recording
from tests.serverless_signalr._hub.upstream_requests import CONNECTION, SETTING, Chat


@pytest.fixture
def connection_string(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the app setting that names the service."""
    monkeypatch.setenv(SETTING, CONNECTION)


@pytest.fixture
def chat(connection_string: None) -> Chat:
    """Return a hub that receives its events through one HTTP function."""
    return Chat()


@pytest.fixture
async def recorder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[recording.Recorder]:
    """Run a service that keeps its requests, and have the app use it."""
    recorder = recording.Recorder()
    monkeypatch.setenv("AzureSignalRConnectionString", await recorder.start())
    yield recorder
    await recorder.stop()


@pytest.fixture
async def recorded_chat(recorder: recording.Recorder) -> AsyncIterator[recording.Chat]:
    """Return a hub whose service keeps its requests."""
    chat = recording.Chat()
    yield chat
    await chat.service.aclose()
