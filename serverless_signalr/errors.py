"""The exceptions that the library raises."""

from collections.abc import Mapping

__all__ = [
    "ConnectionNotFoundError",
    "ConnectionStringError",
    "HubException",
    "InvalidArgumentError",
    "NotFoundError",
    "PartialSendError",
    "PayloadTooLargeError",
    "RefreshNotSupportedError",
    "ServiceError",
    "ServiceUnavailableError",
    "ThrottledError",
    "UnauthorizedError",
    "UserMismatchError",
]


class ConnectionStringError(ValueError):
    """A connection string or an app setting is invalid. The message contains none of its values."""


class HubException(Exception):  # noqa: N818 - what every SignalR SDK calls it
    """An error whose message is sent to the client that invoked the function.

    Raise it in a message trigger: a client that called ``invoke`` receives the message; a client that called
    ``send``, and all other clients, receive nothing.
    """


class ServiceError(Exception):
    """A request to the service failed. The message contains neither tokens nor keys.

    ``status`` is the status of the response, or None without one. ``error_code`` is its ``x-ms-error-code``
    header. ``request_id`` identifies the request in the logs of the service.
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
    """The service rejected a value (status 400)."""


class UnauthorizedError(ServiceError):
    """The service rejected the caller (status 401 or 403), or the app could not get an access token."""


class NotFoundError(ServiceError):
    """The target of the request does not exist (status 404)."""


class ConnectionNotFoundError(NotFoundError):
    """No open connection has the connection token of a refresh (status 404).

    The client is gone, has not connected yet, or negotiated without ``negotiateVersion=1``.
    """


class UserMismatchError(UnauthorizedError):
    """The connection of a refresh belongs to another user (status 403). It was not changed.

    A service that denies the app itself access, by its network rules for example, responds in the same way.
    """


class RefreshNotSupportedError(InvalidArgumentError):
    """The service does not support authentication refresh, which is a preview (status 400, 405 or 501)."""


class PayloadTooLargeError(ServiceError):
    """The request is larger than the service accepts. ``status`` is None if it was not sent."""


class ThrottledError(ServiceError):
    """The service received too many requests, or the quota is used up (status 429)."""


class ServiceUnavailableError(ServiceError):
    """The service could not be reached, did not respond in time, or failed (status None, 408 or 5xx)."""


class PartialSendError(ServiceError):
    """A send to several recipients failed for some of them. ``failures`` maps each of those to its error.

    All recipients were tried: the send succeeded for those that are not in ``failures``. ``status`` is the
    status that all failures share, or None.
    """

    def __init__(self, message: str, failures: Mapping[str, ServiceError]) -> None:
        statuses = {error.status for error in failures.values()}
        super().__init__(message, status=statuses.pop() if len(statuses) == 1 else None)
        self.failures = dict(failures)

    def __reduce__(self) -> tuple[type["PartialSendError"], tuple[str, dict[str, ServiceError]]]:
        return type(self), (str(self), self.failures)
