"""Errors for optional packages that are not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["requiring"]


@contextmanager
def requiring(what: str, extra: str | None = None) -> Iterator[None]:
    """Import the packages that ``what`` needs, and explain how to install them if one is missing.

    ``extra`` is the extra of the distribution that installs them, or None for required dependencies. Raise
    ModuleNotFoundError with the pip command in its message.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == __name__.partition(".")[0]:
            raise
        package = f"serverless-signalr[{extra}]" if extra else "serverless-signalr"
        raise ModuleNotFoundError(
            f'{what} needs the package {error.name}, which is not installed: pip install "{package}"',
            name=error.name,
            path=error.path,
        ) from error
