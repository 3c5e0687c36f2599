"""scripts/start-func: the emulator beside Azure Functions Core Tools."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(os.name == "nt", reason="it is a shell script")
def test_func_is_not_started_beside_another_program_on_the_port(tmp_path: Path) -> None:
    func = tmp_path / "func"
    func.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    func.chmod(0o755)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", 8888))
            other.listen()
        except OSError:
            pass  # somebody is there already, which is what the test needs
        done = subprocess.run(
            [ROOT / "scripts" / "start-func", "."],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "Port 8888, where the emulator is to run, is in use." in done.stderr
    assert not (tmp_path / "started").exists()
