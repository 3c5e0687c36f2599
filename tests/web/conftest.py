"""The Node.js of this machine."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def node() -> str:
    """Return the path of a Node.js that is new enough."""
    found = subprocess.run(["scripts/find-node"], cwd=ROOT, check=True, capture_output=True, text=True)
    return found.stdout.strip()
