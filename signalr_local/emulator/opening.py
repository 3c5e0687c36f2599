"""How a client opens its connection: the handshake, whichever transport carries it.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md; the texts are
those of ASP.NET Core's HubConnectionContext.
"""

import logging
from typing import NamedTuple

from serverless_signalr.protocol import handshake
from serverless_signalr.protocol.json_protocol import RECORD_SEPARATOR
from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.protocols import PROTOCOLS, HubProtocol
from signalr_local.emulator.transports import Transport

__all__ = ["ACCEPTED", "LATE", "Accepted", "Opening", "refusal"]

_SEPARATOR = RECORD_SEPARATOR.encode()
_MAX_VERSION = 2
_GARBAGE = "An unexpected error occurred during connection handshake."

LATE = "Handshake was canceled."
"""What a client is told whose handshake takes too long."""

ACCEPTED = handshake.encode_response().encode()
"""The answer to a handshake that fits."""

_log = logging.getLogger(__name__)


class Accepted(NamedTuple):
    """What a handshake agreed on, and the bytes that came after it."""

    protocol: HubProtocol
    version: int
    rest: bytes


class Opening:
    """Read the handshake of one client."""

    __slots__ = ("_data", "_max", "_transport")

    def __init__(self, transport: Transport, max_size: int) -> None:
        self._data = b""
        self._max = max_size
        self._transport = transport

    def feed(self, data: bytes) -> Accepted | None:
        """Return what was agreed on, None until the handshake is complete.

        Raise ProtocolError with the text that the client is to be refused with.
        """
        before = len(self._data)
        self._data += data
        end = self._data.find(_SEPARATOR, before)
        if (len(self._data) if end < 0 else end) > self._max:
            cause = f"its first {self._max:,} bytes have no record separator (0x1E)"
            raise ProtocolError(_GARBAGE) from ProtocolError(cause)
        if end < 0:
            return None
        frame, rest = self._data[:end], self._data[end + 1 :]
        self._data = b""
        try:
            request = handshake.parse_request(frame)
            request.protocol.encode()
        except UnicodeEncodeError:
            raise ProtocolError(_GARBAGE) from ProtocolError("half of a surrogate pair is no text")
        except ProtocolError as error:
            raise ProtocolError(_GARBAGE) from error
        protocol = PROTOCOLS.get(request.protocol.lower())
        if protocol is None:
            raise ProtocolError(f"The protocol '{request.protocol}' is not supported.")
        if not (protocol.is_text or self._transport.is_binary):
            raise ProtocolError(
                f"Cannot use the '{protocol.name}' protocol on the current transport. The transport does not "
                "support 'Binary' transfer format."
            )
        # As in ASP.NET Core, every version up to the newest will do.
        if request.version > _MAX_VERSION:
            raise ProtocolError(
                f"The server does not support version {request.version} of the '{request.protocol}' protocol."
            )
        return Accepted(protocol, request.version, rest)


def refusal(error: str, cause: BaseException | None = None) -> bytes:
    """Return the answer to a handshake that does not fit, and say in the log why there is no connection.

    ``cause`` is what the client is not told.
    """
    why = "" if cause is None else f" That is because {cause}."
    _log.warning("A client is refused: %r%s Protocols here: %s.", error[:200], why, ", ".join(PROTOCOLS))
    return handshake.encode_response(error).encode()
