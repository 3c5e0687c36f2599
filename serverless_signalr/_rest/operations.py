"""The operations of the service's REST API as data: what is asked for, and what an answer means.

Source: https://github.com/Azure/azure-signalr/blob/dev/docs/swagger/v20241201.md.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from serverless_signalr.errors import (
    InvalidArgumentError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from serverless_signalr.protocol.names import MAX_BODY, check_group_name
from serverless_signalr.protocol.values import to_builtins

__all__ = [
    "API_VERSION",
    "LOCAL_HOSTS",
    "MAX_URL",
    "Answer",
    "CloseConnection",
    "Command",
    "JoinGroup",
    "LeaveGroup",
    "Operation",
    "SendMessage",
    "connection",
    "group",
    "json_body",
    "message",
    "names",
    "refusal",
    "segment",
    "stream",
    "user",
]

API_VERSION = "2024-12-01"

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

MAX_URL = 16 * 1024
"""What the service accepts as URL and headers together, in bytes."""

MAX_STREAM_ID = 100

_SAFE = "!$&'()*,;=:@~"
"""What stays as it is in a path: aiohttp would put these back, and a token is good for the URL as sent."""

_UNAUTHORIZED_KEY = (
    "compare AccessKey of the connection string with the resource's keys, and Endpoint with its address; a "
    "machine whose clock is wrong is refused too"
)
_UNAUTHORIZED_IDENTITY = (
    "grant the identity the role SignalR REST API Owner, or SignalR Service Owner, on the resource; it takes "
    "some minutes until the service knows"
)
_REFUSALS: dict[int, tuple[type[ServiceError], str]] = {
    400: (InvalidArgumentError, "the service does not accept a value of the request"),
    401: (UnauthorizedError, _UNAUTHORIZED_KEY),
    403: (
        UnauthorizedError,
        "the resource may have access keys disabled, or its network rules may keep this machine out",
    ),
    404: (NotFoundError, "what it is about does not exist, or Endpoint is not the service's address"),
    413: (PayloadTooLargeError, f"the service accepts {MAX_BODY:,} bytes"),
    429: (ThrottledError, "send less, or scale the resource to more units"),
}

_TOKEN = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*")

_strict = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class Operation(NamedTuple):
    """Describe one request; ``path`` is below the hub and percent-encoded.

    ``is_repeatable`` says that doing it twice is doing it once. ``absent`` is the error code with which a
    404 is an answer, not an error.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    is_repeatable: bool = True
    absent: str | None = None

    def url(self, base: str, fixed: str) -> str:
        """Return the address below ``base`` with a query that ends in ``fixed``.

        Raise PayloadTooLargeError for one that is longer than any the service accepts.
        """
        query = f"{urlencode(self.query, quote_via=quote)}&{fixed}" if self.query else fixed
        url = f"{base}{self.path}?{query}"
        if len(url) > MAX_URL:
            raise PayloadTooLargeError(
                f"the URL has {len(url):,} characters, the service accepts {MAX_URL:,}, headers included: "
                "exclude fewer connections, or shorten the names"
            )
        return url

    def accepts(self, answer: "Answer") -> bool:
        """Tell whether an answer is one that the operation can have."""
        if answer.status == 404:
            return self.absent is not None and answer.error_code == self.absent
        return 200 <= answer.status < 300


class Answer(NamedTuple):
    """Hold what the service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str

    @property
    def error_code(self) -> str | None:
        """Return what the service calls the error, such as ``Warning.User.NotExisted``."""
        return self.headers.get("x-ms-error-code")

    def json(self) -> Any:
        """Return the value in the body, or raise ServiceError where there is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise ServiceError(
                f"the service answered {self.status} with a body that is no JSON, which it never does: "
                "look for a proxy between it and the app",
                status=self.status,
                request_id=self.request_id,
            ) from None


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Invoke ``target`` on a connection."""

    target: str
    arguments: Sequence[object] = ()

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        return {"type": "SendMessage", "message": _message(self.target, self.arguments)}


@dataclass(frozen=True, slots=True)
class JoinGroup:
    """Put a connection into a group."""

    group_name: str

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        return {"type": "JoinGroup", "group": check_group_name(self.group_name)}


@dataclass(frozen=True, slots=True)
class LeaveGroup:
    """Take a connection out of a group."""

    group_name: str

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        return {"type": "LeaveGroup", "group": check_group_name(self.group_name)}


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """End a connection; the client is told the reason."""

    reason: str | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the form that the service takes."""
        command: dict[str, object] = {"type": "CloseConnection"}
        return command if self.reason is None else command | {"reason": self.reason}


type Command = SendMessage | JoinGroup | LeaveGroup | CloseConnection
"""What ``execute`` does to every connection that passes its filter."""


def connection(connection_id: str) -> str:
    """Return the path of a connection."""
    return f"/connections/{segment('connection id', connection_id)}"


def user(user_id: str) -> str:
    """Return the path of a user."""
    return f"/users/{segment('user id', user_id)}"


def group(group_name: str) -> str:
    """Return the path of a group."""
    return f"/groups/{segment('group name', check_group_name(group_name))}"


def stream(connection_id: str, stream_id: str) -> str:
    """Return the path of a stream to a connection."""
    if stream_id.isspace():
        raise ValueError("the stream id must not be blank")
    if len(stream_id) > MAX_STREAM_ID:
        raise ValueError(
            f"the stream id has {len(stream_id):,} characters, the service accepts {MAX_STREAM_ID}"
        )
    return f"{connection(connection_id)}/streams/{segment('stream id', stream_id)}"


def segment(kind: str, name: str) -> str:
    """Return a name as one segment of a path, or raise ValueError for one that cannot be."""
    if not name:
        raise ValueError(f"the {kind} must not be empty")
    if name in (".", ".."):
        # These walk up the path, escaped or not: a message to the user ".." would be one to everybody.
        raise ValueError(f"the {kind} {name!r} cannot be part of a URL")
    return quote(name, safe=_SAFE)


def names(kind: str, values: Sequence[str]) -> list[str]:
    """Return names without repetition. Raise TypeError for a text, which is a sequence too."""
    if isinstance(values, str):
        raise TypeError(f"{kind} are the text {values!r}, expected a sequence of texts")
    return list(dict.fromkeys(values))


def message(target: str, arguments: Sequence[object]) -> bytes:
    """Return the body that invokes ``target``, see json_body."""
    return _encode(_message(target, arguments))


def json_body(value: object) -> bytes:
    """Return a value as JSON.

    Raise TypeError or ValueError for what JSON cannot carry, PayloadTooLargeError for more than the service
    accepts.
    """
    return _encode(to_builtins(value))


def _encode(value: object) -> bytes:
    body = _encoder()(value)
    if b"null" in body:
        # It may stand for a number that is none: msgspec, several times as fast, does not refuse NaN.
        body = _strict(value).encode()
    if len(body) > MAX_BODY:
        raise PayloadTooLargeError(
            f"the message has {len(body):,} bytes, the service accepts {MAX_BODY:,}: send less, or an "
            "address from which the clients fetch it"
        )
    return body


def refusal(what: str, answer: Answer, *, is_identity: bool) -> ServiceError:
    """Return the error that an answer stands for; ``what`` names the request."""
    if answer.status >= 500:
        kind: type[ServiceError] = ServiceUnavailableError
        advice = "the service failed: try again later"
    elif answer.status in (401, 403) and is_identity:
        kind, advice = UnauthorizedError, _UNAUTHORIZED_IDENTITY
    else:
        unexpected = (
            ServiceError,
            "no operation has this answer: see whether Endpoint is the service's address",
        )
        kind, advice = _REFUSALS.get(answer.status, unexpected)
    said = "; ".join(filter(None, [answer.error_code, _said(answer)]))
    if wait := answer.headers.get("Retry-After"):
        advice += f"; the service asks to wait {wait[:40]} seconds"
    return kind(
        f"{what} was answered {answer.status}{said and f' ({said})'}: {advice} [request {answer.request_id}]",
        status=answer.status,
        error_code=answer.error_code,
        request_id=answer.request_id,
    )


@cache
def _encoder() -> Callable[[object], bytes]:
    import msgspec

    return msgspec.json.Encoder().encode


def _message(target: str, arguments: Sequence[object]) -> dict[str, object]:
    if not target:
        raise ValueError("the target of a message must not be empty")
    return {"target": target, "arguments": to_builtins(arguments)}


def _said(answer: Answer) -> str:
    """Return what the service says is wrong, as one short line."""
    text = answer.body.decode(errors="replace").strip()
    if not text:
        challenge = re.search(r'error_description="([^"]*)"', answer.headers.get("WWW-Authenticate", ""))
        text = challenge[1] if challenge else ""
    elif text.startswith("<"):
        text = ""
    else:
        with suppress(ValueError):
            text = _message_of(json.loads(text))
    # Nothing says that the service quotes a token, and nothing says that it does not.
    return _TOKEN.sub("<token>", " ".join(text.split()))[:300].rstrip(".")


def _message_of(detail: object) -> str:
    match detail:
        case {"errors": dict(errors)}:
            return "; ".join(str(item) for items in errors.values() for item in items)
        case {"message": str(text)} | {"error": {"message": str(text)}} | {"title": str(text)} | str(text):
            return text
        case _:
            return ""
