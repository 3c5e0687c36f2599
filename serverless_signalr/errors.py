"""Exceptions of the library."""

from collections.abc import Mapping

__all__ = [
    "ConnectionStringError",
    "HubException",
    "InvalidArgumentError",
    "NotFoundError",
    "PartialSendError",
    "PayloadTooLargeError",
    "ServiceError",
    "ServiceUnavailableError",
    "ThrottledError",
    "UnauthorizedError",
]


class ConnectionStringError(ValueError):
    """Say what is wrong with a connection string, without repeating any value of it."""


class HubException(Exception):  # noqa: N818 - what every SignalR SDK calls it
    """Answer a client's invocation with an error meant for its eyes.

    Raise it in a message trigger: the caller of ``invoke`` receives the message, a caller of ``send``
    and all other clients notice nothing.
    """


class ServiceError(Exception):
    """Say why the service did not do what was asked of it; neither tokens nor keys are in the message.

    ``status`` is that of the answer, None where none came. ``error_code`` is the answer's
    ``x-ms-error-code``, ``request_id`` the id under which the service knows the request.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        error_code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.request_id = request_id


class InvalidArgumentError(ServiceError):
    """The service does not accept a value: status 400."""


class UnauthorizedError(ServiceError):
    """The service does not accept the caller, status 401 or 403, or no token could be had for it."""


class NotFoundError(ServiceError):
    """The service does not know what the request was about: status 404."""


class PayloadTooLargeError(ServiceError):
    """The request is larger than the service accepts. ``status`` is None where it was not even sent."""


class ThrottledError(ServiceError):
    """The service has had too many requests, or the quota is used up: status 429."""


class ServiceUnavailableError(ServiceError):
    """The service could not be reached, did not answer in time, or failed: status 408, 5xx or None."""


class PartialSendError(ServiceError):
    """Not all of several addressees could be sent to; ``failures`` has the error of each that failed.

    All of them were tried: those that are not in ``failures`` were sent to. ``status`` is the one that all
    failures have in common, if any.
    """

    def __init__(self, message: str, failures: Mapping[str, ServiceError]) -> None:
        statuses = {error.status for error in failures.values()}
        super().__init__(message, status=statuses.pop() if len(statuses) == 1 else None)
        self.failures = dict(failures)

    def __reduce__(self) -> tuple[type["PartialSendError"], tuple[str, dict[str, ServiceError]]]:
        return type(self), (str(self), self.failures)
