"""How a client opens its connection: the handshake, whichever transport carries it.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md; the texts are
those of ASP.NET Core's HubConnectionContext.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from serverless_signalr.protocol import handshake
from serverless_signalr.protocol.json_protocol import RECORD_SEPARATOR
from serverless_signalr.protocol.messages import ProtocolError
from signalr_local.emulator.connection import Connection
from signalr_local.emulator.protocols import PROTOCOLS, HubProtocol
from signalr_local.emulator.transports import Transport

__all__ = ["Open", "shake_hands"]

_SEPARATOR = RECORD_SEPARATOR.encode()
_MAX_VERSION = 2
_GARBAGE = "An unexpected error occurred during connection handshake."
_LATE = "Handshake was canceled."

type Open = Callable[[HubProtocol, Callable[[], None]], Connection]
"""Make the connection once its protocol is known; the second argument cuts the transport."""

_log = logging.getLogger(__name__)


async def shake_hands(
    receive: Callable[[], Awaitable[bytes]], transport: Transport, timeout: float
) -> tuple[HubProtocol, bytes]:
    """Return the protocol that a client wants to speak, and what came after its handshake.

    Raise ProtocolError with the text that it is to be refused with, and whatever ``receive`` raises.
    """
    try:
        return await _shake_hands(receive, transport, timeout)
    except ProtocolError as error:
        _log.warning("A client is refused: %r Protocols here: %s.", str(error), ", ".join(PROTOCOLS))
        raise


async def _shake_hands(
    receive: Callable[[], Awaitable[bytes]], transport: Transport, timeout: float
) -> tuple[HubProtocol, bytes]:
    data = b""
    try:
        async with asyncio.timeout(timeout):
            while _SEPARATOR not in data:
                data += await receive()
    except TimeoutError:
        raise ProtocolError(_LATE) from None
    frame, _, rest = data.partition(_SEPARATOR)
    try:
        request = handshake.parse_request(frame)
    except ProtocolError:
        raise ProtocolError(_GARBAGE) from None
    protocol = PROTOCOLS.get(request.protocol)
    if protocol is None:
        raise ProtocolError(f"The protocol '{request.protocol}' is not supported.")
    if not (protocol.is_text or transport.is_binary):
        raise ProtocolError(
            f"Cannot use the '{protocol.name}' protocol on the current transport. The transport does not "
            "support 'Binary' transfer format."
        )
    if not 1 <= request.version <= _MAX_VERSION:
        raise ProtocolError(
            f"The server does not support version {request.version} of the '{request.protocol}' protocol."
        )
    return protocol, rest
