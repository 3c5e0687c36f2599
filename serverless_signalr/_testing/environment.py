"""The settings that tell an app that it runs on a developer's machine."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["local_environment"]

_SETTINGS = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "WEBSITE_HOSTNAME": "localhost:7071"}

_lock = threading.Lock()
_users = 0
_added: list[str] = []


@contextmanager
def local_environment() -> Iterator[None]:
    """Set the variables that the local hosts set, unless they have values.

    The last user to leave the block removes them again.
    """
    global _users
    with _lock:
        if _users == 0:
            _added[:] = [name for name in _SETTINGS if name not in os.environ]
            os.environ.update({name: _SETTINGS[name] for name in _added})
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                for name in _added:
                    os.environ.pop(name, None)
