"""The results and errors that clients receive for their calls."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from serverless_signalr.errors import HubException
from serverless_signalr.protocol.text import well_formed
from serverless_signalr.protocol.values import to_builtins

__all__ = ["answering_client", "hub_exception", "to_answer"]

_log = logging.getLogger("serverless_signalr")


class _Hidden:
    """An attribute that is always None, even after an assignment, such as contextlib's of a traceback."""

    def __get__(self, instance: object, owner: type) -> None:
        return None

    def __set__(self, instance: object, value: object) -> None:
        pass


class _Answer(HubException):
    """A HubException without a traceback.

    The worker reports a failed function with its traceback, and the SignalR extension sends the whole report
    to the browser.
    """

    # ``raise`` stores these in the object itself, but the traceback module reads the attributes.
    __traceback__ = _Hidden()
    __cause__ = _Hidden()
    __context__ = _Hidden()


# The worker prefixes the message with the name of the class.
_Answer.__name__ = _Answer.__qualname__ = HubException.__name__
_Answer.__module__ = HubException.__module__


@contextmanager
def answering_client(event: str) -> Iterator[None]:
    """Send the client the message of a HubException, and a generic message for any other exception.

    A HubException, also one from an ``asyncio.TaskGroup``, is raised again without its traceback. Any other
    exception is logged with its traceback, and replaced by a HubException that names only the event.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the client must not see the exception
        found = hub_exception(error)
        if found is None:
            _log.exception("%s failed", event)
            answer = f"{event} failed on the server."
        else:
            answer = well_formed(str(found))
        raise _Answer(answer) from None


def hub_exception(error: BaseException) -> HubException | None:
    """Return a HubException itself, or the first of a group that contains only HubExceptions."""
    match error:
        case HubException():
            return error
        case BaseExceptionGroup():
            found = [hub_exception(each) for each in error.exceptions]
            return None if None in found else found[0]
        case _:
            return None


def to_answer(result: object) -> object:
    """Convert the result of ``invoke`` to JSON builtins, except for bytes, which stay unchanged.

    Raise TypeError or ValueError for a result that cannot be sent. The worker would raise too late, and the
    client would see the traceback.
    """
    if isinstance(result, bytes | bytearray) or result is None:
        return result
    return to_builtins(result)
