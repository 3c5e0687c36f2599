"""What a client is told of a call that failed."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from serverless_signalr.errors import HubException
from serverless_signalr.protocol.values import to_builtins

__all__ = ["answering_client", "to_answer"]

_log = logging.getLogger("serverless_signalr")


class _Hidden:
    """Read as None whatever is written: contextlib, for one, restores an exception's traceback."""

    def __get__(self, instance: object, owner: type) -> None:
        return None

    def __set__(self, instance: object, value: object) -> None:
        pass


class _Answer(HubException):
    """Leave the app without a traceback.

    The worker reports a failed function with its traceback, and the SignalR extension hands the whole
    report to the browser.
    """

    # ``raise`` stores these in the object itself; what the traceback module reads is the attribute.
    __traceback__ = _Hidden()
    __cause__ = _Hidden()
    __context__ = _Hidden()


# The worker puts the name before the message.
_Answer.__name__ = _Answer.__qualname__ = HubException.__name__
_Answer.__module__ = HubException.__module__


@contextmanager
def answering_client(event: str) -> Iterator[None]:
    """Let a client see what was raised for it, and of everything else only that it happened.

    HubException passes, without its traceback. Any other exception is logged with its own and becomes a
    HubException that names the event and nothing more.
    """
    try:
        yield
    except HubException as error:
        raise _Answer(str(error)) from None
    except Exception:  # noqa: BLE001 - the client must not see what it was
        _log.exception("%s failed", event)
        raise _Answer(f"{event} failed on the server.") from None


def to_answer(result: object) -> object:
    """Return what answers ``invoke`` in terms of JSON, bytes as they are.

    Raise TypeError or ValueError for what cannot be sent: in the worker it would fail too late, with a
    traceback that the client sees.
    """
    if isinstance(result, bytes | bytearray) or result is None:
        return result
    value = to_builtins(result)
    if not isinstance(value, str | bool | int):
        json.dumps(value, allow_nan=False)
    return value
