"""Start the local runtime: ``python -m signalr_local``."""

import sys

try:
    from signalr_local.cli import main
except ModuleNotFoundError as error:
    sys.exit(
        f"The package {error.name} is missing in {sys.executable}. In a clone of the repository, make run "
        "installs what the local runtime needs into .venv; after that: .venv/bin/signalr-local. Elsewhere: "
        'pip install "serverless-signalr[local]"'
    )

if __name__ == "__main__":
    sys.exit(main())
