"""Negotiating from code: ServerlessHub.negotiate in each form of connection, beside PyJWT alone.

Warm is one call after the other in a process that has negotiated before. Cold is the first call of a process,
from before the library is imported, though after azure.functions, to the answer: with a reference it
reads the secret, with an identity it gets a token and a key, from fakes on this machine, over TLS. The floor
makes the same token with PyJWT, and nothing else.
"""

import asyncio
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.figures import table

__all__ = ["main"]

CALLS = 20_000
ROUNDS = 5

_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
_URL = "https://chat.service.signalr.net"
_SETTING = "AzureSignalRConnectionString"
_ROOT = Path(__file__).parent.parent
_PORT, _AUTHORITY = "BENCH_PORT", "BENCH_AUTHORITY"

_FLOOR = "PyJWT alone (floor)"
_FORMS: dict[str, dict[str, str]] = {
    "connection string": {_SETTING: f"Endpoint={_URL};AccessKey={_KEY};Version=1.0;"},
    "Key Vault reference": {_SETTING: "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"},
    "managed identity": {f"{_SETTING}__serviceUri": _URL, f"{_SETTING}__credential": "managedidentity"},
    _FLOOR: {},
}

type Negotiate = Callable[[], Awaitable[object]]


async def main() -> None:
    """Measure warm and cold, and print both tables."""
    async with _running_cloud() as environment:
        cold = {name: await _cold(name, environment | settings) for name, settings in _FORMS.items()}
        os.environ.update(environment)
        _lead_to_the_cloud()
        warm = await _warm()
    table(
        f"Negotiate from code, warm: {CALLS:,} one after the other",
        ["a second", "us each"],
        [(name, [1 / seconds, seconds * 1e6]) for name, seconds in warm.items()],
    )
    table(
        "Negotiate from code, cold: the first of a process",
        ["ms"],
        [(name, [seconds * 1000]) for name, seconds in cold.items()],
    )


async def _warm() -> dict[str, float]:
    ways: dict[str, Negotiate] = {}
    for name, settings in _FORMS.items():
        ways[name] = _way(name, settings)
        # The settings are read now, before those of the next form take their place.
        await ways[name]()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, negotiate in ways.items():
            start = time.perf_counter()
            for _ in range(CALLS):
                await negotiate()
            seconds[name].append((time.perf_counter() - start) / CALLS)
    return {name: statistics.median(samples) for name, samples in seconds.items()}


async def _cold(name: str, environment: dict[str, str]) -> float:
    samples = []
    for _ in range(ROUNDS):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.negotiate_code", name),
            cwd=_ROOT,
            env=os.environ | environment,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        samples.append(float(output))
    return statistics.median(samples)


def _way(name: str, settings: dict[str, str]) -> Negotiate:
    """Import what negotiating takes, and return it."""
    if name == _FLOOR:
        import jwt

        async def encode() -> object:
            now = int(time.time())
            claims = {"asrs.s.uid": "ann", "nbf": now, "exp": now + 3600, "iat": now}
            audience = f"{_URL}/client/?hub=chat"
            return jwt.encode(claims | {"aud": audience}, _KEY, algorithm="HS256")

        return encode
    from serverless_signalr.hub import ServerlessHub

    class Chat(ServerlessHub):
        pass

    for setting in {other for form in _FORMS.values() for other in form}:
        os.environ.pop(setting, None)
    os.environ.update(settings)
    return partial(Chat().negotiate, user_id="ann")


async def _first(name: str) -> None:
    # A worker has it before it imports an app.
    import azure.functions  # noqa: F401

    start = time.perf_counter()
    if name not in (_FLOOR, "connection string"):
        _lead_to_the_cloud()
    await _way(name, _FORMS[name])()
    sys.stdout.write(f"{time.perf_counter() - start}\n")


def _lead_to_the_cloud() -> None:
    """Have every connection end at the fakes. It imports aiohttp, as the library is about to do."""
    import socket
    import ssl

    import aiohttp

    port = int(os.environ[_PORT])

    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(
            self, host: str, _: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[aiohttp.abc.ResolveResult]:
            result = aiohttp.abc.ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
            return [result]

        async def close(self) -> None:
            pass

    trusted = ssl.create_default_context(cafile=os.environ[_AUTHORITY])
    connector: Any = partial(aiohttp.TCPConnector, resolver=Resolver(), ssl=trusted)
    aiohttp.TCPConnector = connector  # type: ignore[misc]


@asynccontextmanager
async def _running_cloud() -> AsyncIterator[dict[str, str]]:
    """Run the tests' fakes of Azure, and yield the environment of an app that is to meet them."""
    from tests.serverless_signalr.azure_fakes.certificates import Certificates
    from tests.serverless_signalr.azure_fakes.cloud import Cloud

    with tempfile.TemporaryDirectory() as folder:
        certificates = Certificates.make(Path(folder))
        cloud = Cloud()
        cloud.vault.put("signalr", _FORMS["connection string"][_SETTING])
        cloud.service.keys.add(_KEY)
        await cloud.start(certificates.server)
        try:
            yield {
                _PORT: str(cloud.port),
                _AUTHORITY: str(Path(folder) / "authority.pem"),
                "IDENTITY_ENDPOINT": f"{cloud.identity_url}/msi/token",
                "IDENTITY_HEADER": cloud.identity.secret,
            }
        finally:
            await cloud.stop()


if __name__ == "__main__":
    # It would say each time that the reference was not resolved by the platform.
    logging.getLogger("serverless_signalr").setLevel(logging.ERROR)
    asyncio.run(_first(sys.argv[1]) if len(sys.argv) > 1 else main())
