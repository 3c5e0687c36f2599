"""Warnings about what a client does that works here and may fail in Azure, each once per connection.

Source: the official emulator and Microsoft's SignalR extension, run with the same bytes. What the service
itself does with names that are not ASCII is not known.
"""

import logging
from collections.abc import Iterable

from serverless_signalr.protocol.messages import Invocation, StreamInvocation
from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator.depth import is_deeper
from signalr_local.emulator.protocols import Frame

__all__ = ["Notices"]

_MAX_DEPTH = 64

_NOT_ASCII = (
    "Microsoft's emulator does not send such events to the app, since HTTP headers are ASCII there; whether "
    "the service does is not known."
)

_log = logging.getLogger(__name__)


class Notices:
    """Look at one connection's token and calls, and warn."""

    __slots__ = ("_event", "_told")

    def __init__(self, event: UpstreamEvent) -> None:
        """Take what all events of the connection have in common."""
        self._event = event
        self._told: set[str] | None = None

    def opened(self) -> None:
        """Look at who the client is."""
        event = self._event
        if event.user_id is not None and not event.user_id.isascii():
            self._tell("user", "Its user id is not ASCII. %s", _NOT_ASCII)
        if not all(name.isascii() and _all_ascii(values) for name, values in event.claims.items()):
            self._tell("claims", "A claim of its token is not ASCII. %s", _NOT_ASCII)

    def renewed(self, event: UpstreamEvent) -> None:
        """Look at the claims that the client has from now on."""
        self._event = event
        self.opened()

    def called(self, message: Invocation | StreamInvocation, frame: Frame, *, is_json: bool) -> None:
        """Look at a call before it is sent to the app."""
        if not message.target.isascii():
            self._tell("event", "It calls %r, which is not ASCII. %s", message.target[:100], _NOT_ASCII)
        if message.stream_ids:
            self._tell(
                "upload",
                "It uploads a stream with its call of %r. Serverless mode has no streams: the app gets the "
                "call without the items, which are dropped.",
                message.target[:100],
            )
        # Most calls are too small to be looked at; the message itself is one level.
        if is_json and _brackets(frame) > _MAX_DEPTH and is_deeper(message.arguments, _MAX_DEPTH - 1):
            self._tell(
                "depth",
                "Its call of %r is nested more than %d levels deep. ASP.NET Core closes the connection over "
                "such a message.",
                message.target[:100],
                _MAX_DEPTH,
            )

    def refused(self, message: StreamInvocation) -> None:
        """Tell of a call that asks for a stream and is not sent to the app."""
        self._tell(
            "stream",
            "It asks for a stream of %r. Serverless mode has no streams: in Azure the client would wait for "
            "ever.",
            message.target[:100],
        )

    def _tell(self, subject: str, text: str, *values: object) -> None:
        if self._told is None:
            self._told = set()
        if subject not in self._told:
            self._told.add(subject)
            event = self._event
            _log.warning(f"Connection %s of hub '%s': {text}", event.connection_id, event.hub, *values)


def _brackets(frame: Frame) -> int:
    return frame.count(b"[") + frame.count(b"{")


def _all_ascii(values: Iterable[str]) -> bool:
    return all(value.isascii() for value in values)
