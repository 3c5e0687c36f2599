"""The bodies of upstream requests and their responses, by content type.

The body of a request is one message without its separator or length prefix. The response is a completion in
the same protocol, with its separator or length prefix. Source:
https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

from collections.abc import Callable
from dataclasses import dataclass

from serverless_signalr.protocol import json_protocol, messagepack_protocol
from serverless_signalr.protocol.messages import HubMessage

__all__ = ["BODY_FORMATS", "BodyFormat"]


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """The codec of a content type. ``has_binary`` tells whether it can carry bytes."""

    parse: Callable[[bytes], HubMessage | None]
    encode: Callable[[HubMessage], bytes]
    has_binary: bool


def _parse_json(body: bytes) -> HubMessage | None:
    return json_protocol.parse(body.removesuffix(json_protocol.RECORD_SEPARATOR.encode()))


def _encode_json(message: HubMessage) -> bytes:
    return json_protocol.encode(message).encode()


BODY_FORMATS = {
    "application/json": BodyFormat(_parse_json, _encode_json, has_binary=False),
    "application/x-msgpack": BodyFormat(
        messagepack_protocol.parse, messagepack_protocol.encode, has_binary=True
    ),
}
