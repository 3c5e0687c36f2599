"""1,000 sends through ServiceClient, beside ``requests.post`` with a new token each and a bare aiohttp loop.

The three send the same message to the same server, which reads the body, answers 202 and runs in a process of
its own. A round is each of them in turn; a figure is the median of the rounds. The loop is the floor: one
session, one token that was signed before.

It is done over TLS, which is all that the service speaks, and without, where the client has the least to hide
behind.
"""

import asyncio
import json
import os
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import aiohttp
import jwt
import requests
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bench.figures import say, table
from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.rest import ServiceClient

__all__ = ["main"]

SENDS = 1000
ROUNDS = 7
PARALLEL = 16
ARGUMENT: dict[str, str | bool] = {
    "sender": "ann",
    "text": "The quick brown fox jumps over the lazy dog",
    "isPrivate": False,
}

_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
_PATH = "/api/hubs/chat/:send"
_ROOT = Path(__file__).parent.parent

type Send = Callable[[], Awaitable[None]]


async def main() -> None:
    """Measure over TLS and without, one send after the other and sixteen at a time, and print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "certificate.pem"
        certificate.write_bytes(_certificate())
        async with _running_server(certificate) as (plain, tls):
            # Whom to trust is read from the environment when aiohttp is imported: this is another process.
            trusting = {"SSL_CERT_FILE": str(certificate), "REQUESTS_CA_BUNDLE": str(certificate)}
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.rest", tls), cwd=_ROOT, env=os.environ | trusting
            )
            if await process.wait():
                raise RuntimeError("the measurement over TLS failed")
            await _measure(plain)


async def _measure(url: str) -> None:
    scheme = url.partition(":")[0]
    endpoint = Endpoint.parse(f"Endpoint={url};AccessKey={_KEY};Version=1.0;")
    async with aiohttp.ClientSession() as session, ServiceClient(endpoint, "chat") as client:
        through_client, through_loop = _client(client), _loop(session, endpoint)
        await _compare(
            f"{SENDS:,} sends over {scheme}, one after the other",
            {
                "requests.post, token each": lambda: asyncio.to_thread(_requests, endpoint, SENDS),
                "ServiceClient": lambda: _in_turn(through_client),
                "aiohttp loop (floor)": lambda: _in_turn(through_loop),
            },
        )
        await _compare(
            f"{SENDS:,} sends over {scheme}, {PARALLEL} at a time",
            {
                "requests.post, token each": lambda: asyncio.to_thread(_requests_at_a_time, endpoint),
                "ServiceClient": lambda: _at_a_time(through_client),
                "aiohttp loop (floor)": lambda: _at_a_time(through_loop),
            },
        )


async def _compare(title: str, ways: dict[str, Send]) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for send in ways.values():
        await send()
    for _ in range(ROUNDS):
        for name, send in ways.items():
            start = time.perf_counter()
            await send()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(samples) for name, samples in seconds.items()}
    rows = [(name, [SENDS / median, median / SENDS * 1e6]) for name, median in medians.items()]
    table(title, ["sends/s", "us each"], rows)
    rates = {name: figures[0] for name, figures in rows}
    client = rates.pop("ServiceClient")
    for name, rate in rates.items():
        say(f"ServiceClient is {client / rate:.2f} times {name}")


def _requests_at_a_time(endpoint: Endpoint) -> None:
    share, rest = divmod(SENDS, PARALLEL)
    with ThreadPoolExecutor(PARALLEL) as threads:
        work = [threads.submit(_requests, endpoint, share + (n < rest)) for n in range(PARALLEL)]
    for done in work:
        done.result()


def _requests(endpoint: Endpoint, sends: int) -> None:
    for _ in range(sends):
        url = f"{endpoint.server_url}{_PATH}"
        now = int(time.time())
        token = jwt.encode({"aud": url, "iat": now, "exp": now + 300}, _KEY, algorithm="HS256")
        response = requests.post(
            f"{url}?api-version=2024-12-01",
            json={"target": "newMessage", "arguments": [ARGUMENT]},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert response.status_code == 202


def _client(client: ServiceClient) -> Send:
    async def send() -> None:
        await client.send_to_all("newMessage", ARGUMENT)

    return send


def _loop(session: aiohttp.ClientSession, endpoint: Endpoint) -> Send:
    url = f"{endpoint.server_url}{_PATH}?api-version=2024-12-01"
    token = sign_server_token(endpoint, url)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def send() -> None:
        body = json.dumps({"target": "newMessage", "arguments": [ARGUMENT]}).encode()
        async with session.post(url, data=body, headers=headers) as response:
            await response.read()
            assert response.status == 202

    return send


async def _in_turn(send: Send) -> None:
    for _ in range(SENDS):
        await send()


async def _at_a_time(send: Send) -> None:
    left = iter(range(SENDS))

    async def work() -> None:
        for _ in left:
            await send()

    async with asyncio.TaskGroup() as workers:
        for _ in range(PARALLEL):
            workers.create_task(work())


@asynccontextmanager
async def _running_server(certificate: Path) -> AsyncIterator[tuple[str, str]]:
    """Run the server and yield its addresses, without TLS and with it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.rest", "serve", str(certificate)),
        cwd=_ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        plain, tls = (await process.stdout.readline()).decode().split()
        yield f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}"
    finally:
        process.terminate()
        await process.wait()


async def _serve(certificate: str) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        return web.Response(status=202)

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    for encryption in (None, context):
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=encryption).start()
    say(" ".join(str(address[1]) for address in runner.addresses))
    await asyncio.Event().wait()


def _certificate() -> bytes:
    """Return a key and a certificate for this machine that is good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    address = x509.IPAddress(IPv4Address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    pem, clear = Encoding.PEM, NoEncryption()
    return key.private_bytes(pem, PrivateFormat.PKCS8, clear) + certificate.public_bytes(pem)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", path]:
            asyncio.run(_serve(path))
        case [address]:
            asyncio.run(_measure(address))
        case _:
            asyncio.run(main())
