"""The log of the HTTP server."""

import logging

from aiohttp.http_exceptions import HttpProcessingError

__all__ = ["HTTP_LOG"]

HTTP_LOG = logging.getLogger("signalr_local.emulator.server.http")


class _WithoutRequestLine(logging.Filter):
    """Log malformed HTTP requests without quoting them, since they may contain an access token."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, HttpProcessingError):
            record.msg = "A request is refused: it is not valid HTTP (%s)."
            record.args, record.exc_info = (type(error).__name__,), None
        return True


HTTP_LOG.addFilter(_WithoutRequestLine())
