"""The options of the REST client: API version, timeouts, retries."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict
from urllib.parse import quote

from serverless_signalr._rest.operations import API_VERSION
from serverless_signalr.protocol.names import check_hub_name

__all__ = ["ClientOptions", "Options"]


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of a client. ``Options`` has the defaults."""

    application: str | None
    api_version: str
    connect_timeout: timedelta
    timeout: timedelta
    retries: int
    retry_delay: timedelta
    max_parallel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a client. Raise TypeError for an unknown option, ValueError for an invalid value."""

    application: str | None = None
    api_version: str = API_VERSION
    connect_timeout: timedelta = timedelta(seconds=10)
    timeout: timedelta = timedelta(seconds=30)
    retries: int = 3
    retry_delay: timedelta = timedelta(seconds=0.5)
    max_parallel: int = 16

    def __post_init__(self) -> None:
        if self.application is not None:
            try:
                check_hub_name(self.application)
            except ValueError as error:
                raise ValueError(str(error).replace("the hub name", "the application name")) from None

    def query(self, least: str = "") -> str:
        """Return the part of the query that all requests share, with a version of at least ``least``."""
        version = f"api-version={quote(max(self.api_version, least))}"
        return version if self.application is None else f"application={quote(self.application)}&{version}"
