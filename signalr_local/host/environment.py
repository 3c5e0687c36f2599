"""The environment of a worker process."""

import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["worker_environment"]


def worker_environment(values: Mapping[str, str], app: Path, port: int) -> dict[str, str]:
    """Return the environment of a worker: this process's, the app's settings, and what ``func`` adds."""
    return {
        **os.environ,
        **values,
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "WEBSITE_HOSTNAME": f"localhost:{port}",
        "AzureWebJobsScriptRoot": str(app),
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    }
