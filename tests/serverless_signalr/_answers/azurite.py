"""Azurite, Microsoft's emulator of Azure Storage, as a process of the tests."""

import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from queue import Empty, SimpleQueue

__all__ = ["Azurite"]

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "tests" / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
PATIENCE = 60.0
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account and the key that every Azurite has."""


class Azurite:
    """Run the tables of Azurite in memory, on a free port."""

    def __init__(self, folder: Path) -> None:
        assert SCRIPT.exists(), "Azurite is not installed: run make test, or npm ci in tests/azurite/"
        # It does not say which port the system has given it.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [
                shutil.which("node") or "node",
                str(SCRIPT),
                *("--tableHost", "127.0.0.1", "--tablePort", str(port)),
                *("--silent", "--skipApiVersionCheck", "--disableTelemetry", "--inMemoryPersistence"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env=os.environ | {"NODE_NO_WARNINGS": "1"},
        )
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self._wait_for("successfully started")

    @property
    def connection_string(self) -> str:
        return f"AccountName={ACCOUNT};AccountKey={KEY};TableEndpoint={self.url}/{ACCOUNT};"

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._reading.join(PATIENCE)

    def _wait_for(self, expected: str) -> None:
        printed: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except Empty:
                line = None
            if line is None:
                self._process.kill()
                raise AssertionError(f"Azurite did not start: {''.join(printed)}")
            printed.append(line)
            if expected in line:
                return

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self._lines.put(line)
        self._lines.put(None)
