"""The Azure CLI: asked for JSON, and its complaints in plain words."""

import asyncio
import json
import re
import shutil
from contextlib import suppress
from typing import Any

__all__ = ["AzureError", "ask"]

_PATIENCE = 120.0
"""Seconds: az itself gives up on a network that does not answer after a minute or so."""

_INSTALL = "https://learn.microsoft.com/cli/azure/install-azure-cli"
_REFUSED = ("AuthorizationFailed", "Forbidden", "does not have authorization")
_SIGN_IN = re.compile(r"az login|AADSTS|no subscription", re.IGNORECASE)
_MISSING = ("ResourceNotFound", "ResourceGroupNotFound", "was not found", "could not be found")
_NETWORK = re.compile(
    r"ConnectionError|Max retries exceeded|ProxyError|SSLError|CERTIFICATE_VERIFY_FAILED|getaddrinfo failed"
)
_START = re.compile(r"^[\[{]", re.MULTILINE)


class AzureError(Exception):
    """The Azure CLI could not answer; the message says why and what to do."""


async def ask(command: str, *options: str, what: str, subscription: str = "") -> Any:
    """Run a command of az that changes nothing, and return what it prints.

    ``what`` names in errors what was asked for.
    """
    az = shutil.which("az")
    if az is None:
        raise AzureError(f"The Azure CLI (az) is not installed: {_INSTALL}")
    words = [*command.split(), *options, "--output", "json", "--only-show-errors"]
    if subscription:
        words += ["--subscription", subscription]
    try:
        process = await asyncio.create_subprocess_exec(
            az,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise AzureError(f"{az} cannot be run: {error.strerror}") from None
    try:
        async with asyncio.timeout(_PATIENCE):
            output, complaint = await process.communicate()
    except TimeoutError:
        raise AzureError(
            f"{what} cannot be read: az {command} did not answer within {_PATIENCE:.0f} seconds. Run it "
            "yourself to see what it waits for."
        ) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise AzureError(_explain(what, complaint.decode(errors="replace").strip()))
    return _parse(output.decode(errors="replace"), what, command)


def _parse(output: str, what: str, command: str) -> Any:
    """Return the JSON in what az printed; extensions and hints of az may print lines before it."""
    if not output.strip():
        return None
    decoder = json.JSONDecoder()
    for start in _START.finditer(output):
        with suppress(ValueError):
            return decoder.raw_decode(output, start.start())[0]
    raise AzureError(f"{what} could not be read: az {command} printed no JSON.")


def _explain(what: str, complaint: str) -> str:
    lines = complaint.splitlines() or ["az gave no reason"]
    # Hints follow the error, and warnings may come before it.
    last = next((line for line in lines if line.startswith("ERROR")), lines[-1])
    if any(word in complaint for word in _REFUSED):
        role = "Website Contributor" if "function" in what or "settings" in what else "Reader"
        return f"{what} cannot be read: you need the role {role} on it, or on its resource group."
    if _SIGN_IN.search(complaint):
        return f"{what} cannot be read: sign in with az login. {last}"
    if any(word in complaint for word in _MISSING):
        return f"{what} does not exist in this subscription and resource group. {last}"
    if _NETWORK.search(complaint):
        return (
            f"{what} cannot be read: az does not reach Azure. Check the network, HTTPS_PROXY, and for a "
            f"proxy with certificates of its own REQUESTS_CA_BUNDLE. {last}"
        )
    return f"{what} cannot be read: {last}"
