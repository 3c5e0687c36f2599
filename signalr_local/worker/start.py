"""Run the worker under a name of its own, so that an app may have a package called ``signalr_local``.

Started as a script, by its path, with ``python -P``: neither this folder nor the current one is on
``sys.path``.
"""

import gc
import importlib.util
import os
import sys
from pathlib import Path


def _descriptor(text: str) -> int:
    """Return the number of an inherited descriptor, or open the file of a path."""
    return int(text) if text.isdecimal() else os.open(text, os.O_RDWR | getattr(os, "O_BINARY", 0))


def main() -> None:
    """Serve an app.

    The arguments are its folder, the scoreboard's file descriptor, seconds and, for an environment without
    the packages of the worker, a folder that has them.
    """
    package = "_functions_worker"
    spec = importlib.util.spec_from_file_location(
        package,
        Path(__file__).with_name("__init__.py"),
        submodule_search_locations=[str(Path(__file__).parent)],
    )
    assert spec is not None  # noqa: S101 - the file is the one beside this script
    sys.modules[package] = importlib.util.module_from_spec(spec)
    importlib.import_module(f"{package}.paths").lend_worker_packages(*sys.argv[4:])
    # What the worker imports for itself stays: to look for garbage among it only takes time.
    gc.disable()
    process = importlib.import_module(f"{package}.process")
    gc.enable()
    process.run(sys.argv[1], _descriptor(sys.argv[2]), float(sys.argv[3]))


if __name__ == "__main__":
    main()
