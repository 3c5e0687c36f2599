"""The environment of a worker process."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["worker_environment"]

_DEBUG_PORT = "SIGNALR_LOCAL_DEBUG_PORT"
"""The variable that tells a worker where a debugger may attach."""


def worker_environment(
    values: Mapping[str, str], app: Path, port: int, debug_port: int | None = None
) -> dict[str, str]:
    """Return the environment of a worker: this process's, the app's settings, and what ``func`` adds."""
    return {
        **os.environ,
        **values,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{port}",
        "AzureWebJobsScriptRoot": str(app),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "FUNCTIONS_CORETOOLS_ENVIRONMENT": "true",
        **({} if debug_port is None else {_DEBUG_PORT: str(debug_port)}),
    }
