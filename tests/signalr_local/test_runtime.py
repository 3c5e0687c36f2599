"""Emulator and host together: what the settings of an app are made of."""

import logging
from pathlib import Path
from typing import Any

import pytest

from signalr_local.emulator import DEFAULT_ACCESS_KEY
from signalr_local.runtime import Runtime


async def test_what_the_settings_name_is_told_once_however_often_they_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr(logging.getLogger("signalr_local"), "propagate", True)
    caplog.set_level(logging.INFO)
    runtime = Runtime(tmp_path)
    await runtime.emulator.start(port=0)
    settings = {
        "One": f"Endpoint=http://localhost:1;AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;",
        "Two": "Endpoint=https://chat.service.signalr.net;AccessKey=secret;Version=1.0;",
    }
    for _ in range(3):
        pointed = runtime._point_at_emulator(settings)
        assert f":{runtime.emulator.port};" in pointed["One"]
    await runtime.emulator.stop()
    assert caplog.text.count("One: the emulator runs on port") == 1
    assert caplog.text.count("Two names the service at https://chat.service.signalr.net.") == 1
    assert "secret" not in caplog.text
