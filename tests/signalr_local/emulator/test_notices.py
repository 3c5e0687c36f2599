"""Warnings about what works here and may fail in Azure."""

import logging
from typing import Any

import msgpack
import pytest


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = [record for record in caplog.records if record.name == "signalr_local.emulator.notices"]
    assert all(record.levelno == logging.WARNING for record in records)
    return [record.getMessage() for record in records]


async def test_an_ordinary_client_is_not_warned_of(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_with_app.connect("ann", claims={"role": ["a", "b"]})
    await client.invoke("m", "é 👋", [[[{}]]] * 100)
    await client.invoke("m", "[" * 100)
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    ("user", "claims", "text"),
    [
        ("Zoë", {}, "Its user id is not ASCII. Microsoft's emulator does not send such events"),
        ("ann", {"name": "Zoë"}, "A claim of its token is not ASCII."),
        ("ann", {"größe": "1"}, "A claim of its token is not ASCII."),
    ],
)
async def test_a_user_or_claim_that_is_not_ascii_is_warned_of_and_works(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture, user: str, claims: Any, text: str
) -> None:
    client = await service_with_app.connect(user, claims=claims)
    assert await client.invoke("m") == {"type": 3, "invocationId": "1"}
    await app.next("connected")
    (warning,) = [found for found in warnings(caplog) if text in found]
    assert warning.startswith(f"Connection {client.connection_id} of hub 'chat': ")


async def test_events_that_are_not_ascii_are_warned_of_once_a_connection(
    service_with_app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for client in (await service_with_app.connect(), await service_with_app.connect()):
        for target in ("größe", "é", "größe"):
            await client.invoke(target)
    first, second = warnings(caplog)
    assert "It calls 'größe', which is not ASCII." in first
    assert first.split()[1] != second.split()[1]


async def test_an_upload_is_warned_of(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_with_app.connect()
    await client.send({"type": 1, "target": "upload", "arguments": [], "streamIds": ["1"]})
    await app.next("connected")
    await app.next("upload")
    assert "It uploads a stream with its call of 'upload'." in warnings(caplog)[0]


@pytest.mark.parametrize(("levels", "is_told"), [(62, False), (63, True), (128, True)])
async def test_a_call_that_is_nested_too_deeply_for_net_is_warned_of_and_works(
    service_with_app: Any, caplog: pytest.LogCaptureFixture, levels: int, is_told: bool
) -> None:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    client = await service_with_app.connect()
    assert (await client.invoke("echo", value))["result"] == value
    assert ["nested more than 64 levels" in found for found in warnings(caplog)] == [True] * is_told


async def test_nesting_in_messagepack_is_not_warned_of(
    service_with_app: Any, app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await service_with_app.connect_packed()
    value: Any = b"[" * 100
    for _ in range(80):
        value = [value]
    body = msgpack.packb([1, {}, None, "m", [value], []])
    await client.socket.send_bytes(len(body).to_bytes() + body if len(body) < 128 else _framed(body))
    await app.next("connected")
    await app.next("m")
    assert warnings(caplog) == []


def _framed(body: bytes) -> bytes:
    return bytes([len(body) & 0x7F | 0x80, len(body) >> 7]) + body
