"""The handshake: JSON text that ends with 0x1e, whichever protocol it selects."""

import json
from dataclasses import dataclass

from serverless_signalr.protocol.json_protocol import RECORD_SEPARATOR
from serverless_signalr.protocol.messages import ProtocolError

__all__ = ["HandshakeRequest", "encode_request", "encode_response", "parse_request", "parse_response"]


@dataclass(frozen=True, slots=True)
class HandshakeRequest:
    """The hub protocol that a client requests: ``json`` or ``messagepack``, and its version."""

    protocol: str
    version: int


def encode_request(request: HandshakeRequest) -> str:
    """Return the handshake request of a client as a frame."""
    return json.dumps({"protocol": request.protocol, "version": request.version}) + RECORD_SEPARATOR


def parse_request(frame: str | bytes) -> HandshakeRequest:
    """Parse a handshake request from a frame without its separator.

    Raise ProtocolError for anything else.
    """
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
    """Return the handshake response of a server as a frame: an empty object, or an error."""
    answer = {} if error is None else {"error": error}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")) + RECORD_SEPARATOR


def parse_response(frame: str | bytes) -> str | None:
    """Return the error in a handshake response, or None if the server accepted.

    Raise ProtocolError if it is not a handshake response.
    """
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
