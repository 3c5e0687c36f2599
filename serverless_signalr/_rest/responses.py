"""The responses of the service, and the errors for those that are not valid."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from serverless_signalr.errors import (
    InvalidArgumentError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from serverless_signalr.protocol.names import MAX_BODY

__all__ = ["Response", "refusal"]

_UNAUTHORIZED_KEY = (
    "compare AccessKey of the connection string with the resource's keys, and Endpoint with its address; "
    "check that the machine's clock is correct"
)
_UNAUTHORIZED_IDENTITY = (
    "grant the identity the role SignalR REST API Owner, or SignalR Service Owner, on the resource; a new "
    "role can take some minutes to take effect"
)
_REFUSALS: dict[int, tuple[type[ServiceError], str]] = {
    400: (InvalidArgumentError, "the service rejected a value of the request"),
    401: (UnauthorizedError, _UNAUTHORIZED_KEY),
    403: (
        UnauthorizedError,
        "check whether access keys are disabled on the resource, and whether its network rules allow this "
        "machine",
    ),
    404: (NotFoundError, "the target does not exist, or Endpoint is not the address of the service"),
    408: (
        ServiceUnavailableError,
        "the service timed out, and the operation may have been carried out: the network is slow, the "
        "service is busy, or an invoked client did not respond",
    ),
    413: (PayloadTooLargeError, f"the service accepts {MAX_BODY:,} bytes"),
    429: (ThrottledError, "send less, or scale the resource to more units"),
}

_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*")


class Response(NamedTuple):
    """A response of the service. ``instance`` is the URL of the instance that sent it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    instance: str = ""

    @property
    def error_code(self) -> str | None:
        """Return the service's code of the error, such as ``Warning.User.NotExisted``."""
        return self.headers.get("x-ms-error-code")

    def json(self) -> Any:
        """Return the JSON value in the body. Raise ServiceError if there is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise ServiceError(
                f"the service responded {self.status} with a body that is not JSON: check whether a proxy "
                "between the app and the service has responded in its place",
                status=self.status,
                request_id=self.request_id,
            ) from None


def refusal(what: str, response: Response, *, is_identity: bool) -> ServiceError:
    """Return the error for a response. ``what`` names the request."""
    status = response.status
    if status >= 500:
        kind: type[ServiceError] = ServiceUnavailableError
        advice = "the service failed: try again later"
    elif status in (401, 403) and is_identity:
        kind, advice = UnauthorizedError, _UNAUTHORIZED_IDENTITY
    else:
        unexpected = (
            ServiceError,
            "the service does not use this status: check that Endpoint is the address of the service",
        )
        kind, advice = _REFUSALS.get(status, unexpected)
    said = "; ".join(filter(None, [response.error_code, _said(response)]))
    if wait := response.headers.get("Retry-After"):
        advice += f"; the service asks to wait {wait[:40]} seconds"
    return kind(
        f"{what} failed with {status}{said and f' ({said})'}: {advice} [request {response.request_id}]",
        status=status,
        error_code=response.error_code,
        request_id=response.request_id,
    )


def _said(response: Response) -> str:
    """Return the service's error message as one short line."""
    text = response.body.decode(errors="replace").strip()
    if not text:
        challenge = re.search(r'error_description="([^"]*)"', response.headers.get("WWW-Authenticate", ""))
        text = challenge[1] if challenge else ""
    elif text.startswith("<"):
        text = ""
    else:
        with suppress(ValueError, RecursionError):
            text = _message_of(json.loads(text))
    # It is not documented whether the service ever quotes a token.
    return _TOKEN.sub("<token>", " ".join(text.split()))[:300].rstrip(".")


def _message_of(detail: object) -> str:
    match detail:
        case {"errors": dict(errors)}:
            return "; ".join(str(item) for items in errors.values() for item in items)
        case {"message": str(text)} | {"error": {"message": str(text)}} | {"title": str(text)} | str(text):
            return text
        case _:
            return ""
