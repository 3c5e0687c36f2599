"""References to Key Vault in local.settings.json, resolved in memory: nothing is written to disk.

What the platform does in Azure, a developer's own identity does here (``az login``, or whatever
DefaultAzureCredential finds). ``python -m signalr_local.secrets --app DIR COMMAND…`` runs a command,
``func start`` for one, in an app's folder with the secrets in its environment, where they win over the file's
text.
"""

import argparse
import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from serverless_signalr._connection.vault import SecretReference, VaultError, is_reference, read_secret
from serverless_signalr._identity import Identity
from serverless_signalr.errors import ConnectionStringError
from signalr_local.host.settings import LocalSettings

__all__ = ["read_reference", "references", "resolve_references"]

_log = logging.getLogger("signalr_local.secrets")


def references(values: Mapping[str, str]) -> list[str]:
    """Return the names of the settings that refer to a secret."""
    return [name for name, value in values.items() if is_reference(value)]


async def resolve_references(
    values: Mapping[str, str], on_read: Callable[[str, int], None] | None = None
) -> dict[str, str]:
    """Return settings with the secrets that they refer to.

    ``on_read`` is told of each secret that was read: the setting's name, and how many there are so far.

    Raise ValueError for a reference that is malformed or a secret that cannot be read: it names the setting,
    the secret, the identity and what to do, and no value.
    """
    resolved = dict(values)
    for count, name in enumerate(references(values), 1):
        resolved[name] = await read_reference(name, values[name])
        _log.info("%s: read %s.", name, SecretReference.parse(values[name]))
        if on_read is not None:
            on_read(name, count)
    return resolved


async def read_reference(name: str, text: str) -> str:
    """Return the secret to which a setting refers. Raise ValueError as resolve_references does."""
    try:
        return await read_secret(SecretReference.parse(text), Identity(), name)
    except ConnectionStringError as error:
        raise ValueError(f"The setting {name} is wrong: {error}.") from None
    except VaultError as error:
        raise ValueError(f"{error}.") from None


def main() -> int:
    """Run a command with the secrets of an app's settings in its environment."""
    parser = argparse.ArgumentParser(prog="python -m signalr_local.secrets")
    parser.add_argument("--app", default=".", metavar="DIR", help="the app's folder (default: this one)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("there is no command to run")
    try:
        values = LocalSettings.read(Path(arguments.app)).effective()
        resolved = asyncio.run(resolve_references(values))
        secrets = {name: value for name, value in resolved.items() if value != values[name]}
        return subprocess.call(  # noqa: S603
            arguments.command, cwd=arguments.app, env=os.environ | secrets
        )
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
