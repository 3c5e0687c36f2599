"""What to install where an optional package is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["requiring"]


@contextmanager
def requiring(what: str, extra: str | None = None) -> Iterator[None]:
    """Import packages that ``what`` needs and that may not be installed, or say how to install them.

    ``extra`` is the distribution's extra that brings them, None for those that every installation has. Raise
    ModuleNotFoundError with the pip line in its message.
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
