"""What a client is told of a call that failed, and what answers one that did not."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from serverless_signalr.errors import HubException
from serverless_signalr.protocol.text import well_formed
from serverless_signalr.protocol.values import to_builtins

__all__ = ["answering_client", "hub_exception", "to_answer"]

_log = logging.getLogger("serverless_signalr")


class _Hidden:
    """An attribute that reads as None whatever is written: contextlib, for one, restores a traceback."""

    def __get__(self, instance: object, owner: type) -> None:
        return None

    def __set__(self, instance: object, value: object) -> None:
        pass


class _Answer(HubException):
    """A HubException that leaves the app without a traceback.

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
    """Tell a client what was raised for it, and of every other exception only that the call failed.

    HubException passes without its traceback, out of an ``asyncio.TaskGroup`` too. Any other exception is
    logged with its traceback and becomes a HubException that names the event and nothing more.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the client must not see what it was
        found = hub_exception(error)
        if found is None:
            _log.exception("%s failed", event)
            answer = f"{event} failed on the server."
        else:
            answer = well_formed(str(found))
        raise _Answer(answer) from None


def hub_exception(error: BaseException) -> HubException | None:
    """Return the HubException that an exception is, or the first of a group that holds no other kind."""
    match error:
        case HubException():
            return error
        case BaseExceptionGroup():
            found = [hub_exception(each) for each in error.exceptions]
            return None if None in found else found[0]
        case _:
            return None


def to_answer(result: object) -> object:
    """Return what answers ``invoke`` in terms of JSON, bytes as they are.

    Raise TypeError or ValueError for what cannot be sent: in the worker it would fail too late, with a
    traceback that the client sees.
    """
    if isinstance(result, bytes | bytearray) or result is None:
        return result
    return to_builtins(result)
