"""The requests that Microsoft's SignalR extension was recorded to make, made of the emulator."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from yarl import URL

from signalr_local.emulator import DEFAULT_ACCESS_KEY

RECORDED = Path(__file__).parents[1] / "host" / "recorded" / "data" / "extension" / "output.jsonl"

TOLERATED = {("PUT", "Error.Connection.NotExisted")}
"""The one refusal that Microsoft's SDK takes for a success among these requests."""


def requests() -> list[Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        for request in json.loads(line)["real"]["requests"]:
            found[json.dumps(request, sort_keys=True)] = request
    return list(found.values())


REQUESTS = requests()


def token(url: str) -> str:
    """Return a token as the SDK of that time made it: for a host without its port, with the query."""
    parts = [
        {"alg": "HS256", "kid": "-1234567", "typ": "JWT"},
        {"nameid": "machine_4711", "nbf": int(time.time()), "exp": int(time.time()) + 3600, "aud": url},
    ]
    signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{signed}.{_base64(hmac.digest(DEFAULT_ACCESS_KEY.encode(), signed.encode(), hashlib.sha256))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body in pieces, so that it is sent without a length."""
    yield body[:10]
    yield body[10:]


def test_requests_were_recorded() -> None:
    assert len(REQUESTS) > 50


@pytest.mark.parametrize(
    "request_", REQUESTS, ids=lambda one: f"{one['method']} {'/'.join(one['path'])}"[:60]
)
async def test_a_request_of_the_extension_succeeds(service: Any, request_: Mapping[str, Any]) -> None:
    client = await service.connect(hub=request_["path"][2])
    path = "/" + "/".join(quote(segment, safe="") for segment in request_["path"])
    query = urlencode(request_["query"])
    headers = {
        "Authorization": f"Bearer {token(f'http://localhost{path}?{query}')}",
        "Asrs-User-Agent": "Microsoft.Azure.SignalR.Management/1.25.1 (.NET 10.0)",
    }
    data = None
    body = request_.get("body")
    if body is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
        named = {name[:1].upper() + name[1:]: value for name, value in body.items()}
        data = chunks(json.dumps(named).encode())
    url = URL(f"{service.url}{path}?{query}", encoded=True)
    async with (
        aiohttp.ClientSession() as session,
        session.request(request_["method"], url, headers=headers, data=data) as response,
    ):
        code = response.headers.get("x-ms-error-code")
        assert response.ok or (request_["method"], code) in TOLERATED
        assert await response.read() == b""
    if body is not None and request_["path"][3:] == [":send"]:
        message = await client.next()
        assert (message["target"], message["arguments"]) == (body["target"], body["arguments"] or [])
