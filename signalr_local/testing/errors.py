"""What a test environment raises."""

__all__ = ["ConnectionRefused", "ExpectationError"]


class ExpectationError(AssertionError):
    """What a test expected has not happened, or what it did not expect has."""


class ConnectionRefused(Exception):  # noqa: N818 - the service's word for it
    """The service did not let a client in; ``status`` is that of its answer."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
