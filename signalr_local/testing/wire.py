"""What a client sends and receives, as bytes of its hub protocol."""

from typing import Any

from serverless_signalr.protocol import handshake, json_protocol, messagepack_protocol
from serverless_signalr.protocol.messages import HubMessage

__all__ = ["Wire"]


class Wire:
    """The hub protocol of one client: ``json`` or ``messagepack``."""

    def __init__(self, protocol: str) -> None:
        """Take the protocol's name. Raise ValueError for another one."""
        if protocol not in ("json", "messagepack"):
            raise ValueError(f"the protocol is {protocol!r}, expected json or messagepack")
        self._protocol = protocol
        self._is_text = protocol == "json"
        self._frames: Any = (json_protocol if self._is_text else messagepack_protocol).FrameSplitter()

    def handshake(self) -> str:
        """Return the first thing that the client says."""
        return handshake.encode_request(handshake.HandshakeRequest(self._protocol, 1))

    def accepted(self, data: str | bytes) -> tuple[str | None, list[HubMessage]]:
        """Return the error of the service's answer to that, if there is one, and the messages after it."""
        content = data if isinstance(data, bytes) else data.encode()
        head, _, rest = content.partition(json_protocol.RECORD_SEPARATOR.encode())
        return handshake.parse_response(head), self.messages(rest)

    def encode(self, message: HubMessage) -> str | bytes:
        """Return a message as a WebSocket carries it: as text or as bytes."""
        return json_protocol.encode(message) if self._is_text else messagepack_protocol.encode(message)

    def messages(self, data: str | bytes) -> list[HubMessage]:
        """Return the messages that have arrived whole; those of a type that nobody knows are left out."""
        content = data if isinstance(data, bytes) else data.encode()
        if not content:
            return []
        frames = self._frames.feed(content.decode() if self._is_text else content)
        parse: Any = json_protocol.parse if self._is_text else messagepack_protocol.parse
        return [message for frame in frames if (message := parse(frame)) is not None]
