"""Messages as WebSocket frames: one each, or as many as fit."""

from signalr_local.emulator.frames import Opcode, frame
from signalr_local.emulator.protocols import Encoded

__all__ = ["frame_of", "take_joined"]

_MAX_JOINED = 64 * 1024
"""Messages are joined up to this size: clients refuse what is much larger than one message ever is."""


def frame_of(message: Encoded) -> bytes:
    """Return the frame of one message, which is made once for all clients."""
    message.frame = frame(Opcode.TEXT if message.is_text else Opcode.BINARY, message.payload)
    return message.frame


def take_joined(queue: list[Encoded]) -> tuple[bytes, int]:
    """Take as many messages from a queue as fit one frame; return it, and how many bytes they had."""
    count, size = 1, queue[0].size
    while count < len(queue) and size + queue[count].size <= _MAX_JOINED:
        size += queue[count].size
        count += 1
    opcode = Opcode.TEXT if queue[0].is_text else Opcode.BINARY
    data = frame(opcode, b"".join([message.payload for message in queue[:count]]))
    del queue[:count]
    return data, size
