"""Exceptions of the library."""

__all__ = ["ConnectionStringError", "HubException"]


class ConnectionStringError(ValueError):
    """Say what is wrong with a connection string, without repeating any value of it."""


class _Hidden:
    """Read as None whatever is written: contextlib, for one, restores an exception's traceback."""

    def __get__(self, instance: object, owner: type) -> None:
        return None

    def __set__(self, instance: object, value: object) -> None:
        pass


class HubException(Exception):  # noqa: N818 - what every SignalR SDK calls it
    """Answer a client's invocation with an error meant for its eyes.

    Raise it in a message trigger: the caller of ``invoke`` receives the message, a caller of ``send``
    and all other clients notice nothing.

    The worker reports a failed function with its traceback, and the SignalR extension hands the whole
    report to the browser. This exception therefore shows neither a traceback nor a cause. The extension
    still wraps the message: ``Result: Failure\\nException: HubException: <message>\\nStack: …``.
    """

    # ``raise`` stores these in the object itself; what the traceback module reads is the attribute.
    __traceback__ = _Hidden()
    __cause__ = _Hidden()
    __context__ = _Hidden()
