"""What diagnostic clients send and receive, as lines of the log."""

import logging

from serverless_signalr.protocol.messages import HubMessage

__all__ = ["trace"]

_log = logging.getLogger(__name__)


def trace(connection_id: str, hub: str, what: str, message: HubMessage | None) -> None:
    """Log that a diagnostic client sent a message, or is sent one."""
    subject = getattr(message, "target", None) or getattr(message, "invocation_id", "")
    shown = f"{type(message).__name__} {subject}".rstrip()
    # What it carries is nobody's business.
    _log.info("Diagnostic client %s of hub '%s' %s %s.", connection_id, hub, what, shown)
