"""The handshake: always JSON text that 0x1e ends, whichever protocol it chooses."""

import json
from dataclasses import dataclass

from serverless_signalr.protocol.json_protocol import RECORD_SEPARATOR
from serverless_signalr.protocol.messages import ProtocolError

__all__ = ["HandshakeRequest", "encode_request", "encode_response", "parse_request", "parse_response"]


@dataclass(frozen=True, slots=True)
class HandshakeRequest:
    """The hub protocol that a client wants to speak: ``json`` or ``messagepack``, and its version."""

    protocol: str
    version: int


def encode_request(request: HandshakeRequest) -> str:
    """Return the frame with which a client opens its side."""
    return json.dumps({"protocol": request.protocol, "version": request.version}) + RECORD_SEPARATOR


def parse_request(frame: str | bytes) -> HandshakeRequest:
    """Return a client's handshake, from a frame without its separator. Raise ProtocolError."""
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        value = None
    match value:
        case {"protocol": str(protocol), "version": int(version)} if version is not True:
            return HandshakeRequest(protocol, version)
        case _:
            raise ProtocolError(
                'the first message is not a handshake such as {"protocol":"json","version":1}'
            )


def encode_response(error: str | None = None) -> str:
    """Return the server's answer: an empty object, or the error before it hangs up."""
    answer = {} if error is None else {"error": error}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + RECORD_SEPARATOR


def parse_response(frame: str | bytes) -> str | None:
    """Return the error in a server's answer, None where it accepted. Raise ProtocolError."""
    try:
        value = json.loads(frame)
    except (ValueError, RecursionError):
        value = None
    match value:
        case {"error": str(error)}:
            return error
        case dict():
            return None
        case _:
            raise ProtocolError("the server's first message is not the answer to a handshake")
