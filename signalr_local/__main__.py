"""Start the local runtime: ``python -m signalr_local``."""

import gc
import os
import signal
import sys

# Until there is something to end in good order, Ctrl+C just ends the process.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# Whoever starts it may have closed the standard streams. The first file that is opened then would be one.
for _name, _mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
    if getattr(sys, _name) is None:
        setattr(sys, _name, open(os.devnull, _mode, encoding="utf-8"))  # noqa: SIM115 - it stays open

# What is imported stays: to look for garbage among it takes a twentieth of the time.
gc.disable()
try:
    from signalr_local.cli import main
except ModuleNotFoundError as error:
    sys.exit(
        f"The package {error.name} is missing in {sys.executable}. In a clone of the repository, make run "
        "installs what the local runtime needs into .venv; after that: .venv/bin/signalr-local. Elsewhere: "
        'pip install "serverless-signalr[local]"'
    )
finally:
    gc.enable()

if __name__ == "__main__":
    sys.exit(main())
