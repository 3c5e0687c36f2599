"""Requests exactly as they were recorded, byte by byte, and the answers to them."""

import asyncio
import base64
import re
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Answer", "exchange", "raw_request"]

_PLAIN = [["Host", "localhost:{PORT}"]]


@dataclass
class Answer:
    """Hold an answer; a ``status`` that is a text says what became of the socket instead."""

    status: int | str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    reason: str = ""


def raw_request(request: dict[str, Any], port: int) -> bytes:
    """Return the bytes of a recorded request, sent to a port."""
    if "raw_base64" in request:
        raw = base64.b64decode(request["raw_base64"])
    else:
        body = base64.b64decode(request.get("body_base64", ""))
        headers = request.get("headers") or _PLAIN
        first = f"{request['method']} {request['target']} HTTP/1.1"
        lines = [first, *(f"{name}: {value}" for name, value in headers)]
        known = {name.lower() for name, _ in headers}
        if body and not known & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(body)}")
        raw = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
    return raw.replace(b"{PORT}", str(port).encode())


async def exchange(port: int, raw: bytes, timeout: float = 30.0) -> Answer:
    """Send bytes over a socket of their own and return the first answer."""
    method = raw.split(b" ", 1)[0].decode("latin-1")
    data, writer = b"", None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            while True:
                if answer := _parse(data, method, ended=False):
                    return answer
                more = await reader.read(1 << 16)
                if not more:
                    break
                data += more
    except TimeoutError:
        return Answer("no answer", body=data)
    except ConnectionError:
        pass  # the host may refuse a request before it has read it
    finally:
        if writer is not None:
            writer.transport.abort()
    return _parse(data, method, ended=True) or Answer("closed", body=data)


def _parse(data: bytes, method: str, *, ended: bool) -> Answer | None:
    if b"\r\n\r\n" not in data:
        return None
    head, rest = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    _, _, words = first.partition(" ")
    code, _, reason = words.partition(" ")
    if not re.fullmatch(r"-?\d+", code):
        return Answer("no HTTP answer") if ended else None
    status = int(code)
    if status in (100, 102, 103):
        return _parse(rest, method, ended=ended)
    headers = [
        (name.strip(), value.strip())
        for name, colon, value in (line.partition(":") for line in lines)
        if colon
    ]
    named = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status < 200 or status in (204, 304):
        return Answer(status, headers, b"", reason)
    if named.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunked(rest)
        if body is not None:
            return Answer(status, headers, body, reason)
    elif "content-length" in named:
        count = int(named["content-length"])
        if len(rest) >= count:
            return Answer(status, headers, rest[:count], reason)
    else:
        return Answer(status, headers, rest, reason) if ended else None
    return Answer("cut off", headers, rest) if ended else None


def _unchunked(rest: bytes) -> bytes | None:
    body = b""
    while b"\r\n" in rest:
        size, rest = rest.split(b"\r\n", 1)
        count = int(size, 16)
        if count == 0:
            return body
        if len(rest) < count + 2:
            return None
        body, rest = body + rest[:count], rest[count + 2 :]
    return None
