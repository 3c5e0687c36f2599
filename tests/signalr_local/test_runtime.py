"""Emulator and host together: what the settings of an app are made of."""

import logging
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from signalr_local.emulator import DEFAULT_ACCESS_KEY, DEFAULT_PORT
from signalr_local.runtime import Runtime


def test_what_the_settings_name_is_told_once_however_often_they_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr(logging.getLogger("signalr_local"), "propagate", True)
    caplog.set_level(logging.INFO)
    runtime = Runtime(tmp_path)
    settings = {
        "One": f"Endpoint=http://localhost:1;AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;",
        "Two": "Endpoint=https://chat.service.signalr.net;AccessKey=secret;Version=1.0;",
    }
    for _ in range(3):
        pointed = runtime._point_at_emulator(settings)
        assert f":{DEFAULT_PORT};" in pointed["One"]
    assert caplog.text.count("One: the emulator runs on port") == 1
    assert caplog.text.count("Two names the service at https://chat.service.signalr.net.") == 1
    assert "secret" not in caplog.text


async def test_emulator_moves_to_a_free_port_and_says_so_if_nobody_chose_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr(logging.getLogger("signalr_local"), "propagate", True)
    caplog.set_level(logging.INFO)
    (tmp_path / "function_app.py").write_text("import azure.functions as func\napp = func.FunctionApp()\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("signalr_local.runtime.EMULATOR_PORT", port)
        runtime = Runtime(tmp_path, port=0)
        try:
            await runtime.start()
            moved = runtime.emulator.port
            assert moved not in (0, port)
            assert f"Port {port} is in use: the emulator takes port {moved}." in caplog.text
        finally:
            await runtime.stop()


def test_what_takes_long_to_import_is_left_until_the_worker_imports_the_app() -> None:
    # The functions of these modules run before there is a worker.
    code = "import sys, signalr_local.cli, signalr_local.runtime; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert {"aiohttp", "azure", "msgpack", "watchfiles", "importlib.metadata"}.isdisjoint(loaded.split())
