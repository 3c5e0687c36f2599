"""The log of the HTTP server, which never quotes a request: it may hold a key or a token."""

import logging

from aiohttp.http_exceptions import HttpProcessingError

__all__ = ["http_log"]


class _WithoutRequestLine(logging.Filter):
    """Say in one line what is wrong with a request that is not HTTP, without a word of it."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if isinstance(error, HttpProcessingError):
            record.msg = "A request was refused because it is not valid HTTP: %s."
            record.args, record.exc_info = (type(error).__name__,), None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


http_log = logging.getLogger("signalr_local.host.http_server")
http_log.addFilter(_WithoutRequestLine())
