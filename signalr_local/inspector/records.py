"""Events as JSON: one record a line, as events.schema.json describes them."""

import base64
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from serverless_signalr.protocol.upstream import UpstreamEvent
from signalr_local.emulator.rules import shown_url
from signalr_local.inspector import events
from signalr_local.inspector.events import Event
from signalr_local.inspector.secrecy import hidden, without_secrets

__all__ = ["SCHEMA_VERSION", "line", "record", "timestamp"]

SCHEMA_VERSION = 1
"""Kinds and fields are added within a version; what is renamed or removed makes a new one."""

_MAX_BODY = 64 * 1024
"""Characters of a body that a record shows."""

_MESSAGEPACK = ("messagepack", "application/x-msgpack")
_LEVELS = ((50, "critical"), (40, "error"), (30, "warning"), (20, "information"), (10, "debug"))
_encode = msgspec.json.Encoder(enc_hook=str).encode
_SEPARATOR = "\x1e"
_NOT_FIELDS = {*Event.__struct_fields__, "body"}


def line(event: Event, secrets: Iterable[str] = ()) -> str:
    """Return an event as a line of JSON without a secret in it."""
    found = record(event)
    try:
        text = _encode(found).decode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, which only escapes can express.
        text = json.dumps(found, default=str)
    return hidden(text, secrets)


def record(event: Event) -> dict[str, Any]:
    """Return an event's record. It may hold secrets, which ``line`` hides."""
    kind, fields = (
        (event.name, _host(event)) if isinstance(event, events.HostEvent) else (event.kind, _fields(event))
    )
    shown: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": kind,
        "timestamp": timestamp(event.at),
        "seq": event.seq,
        **fields,
    }
    if event.trace_id is not None:
        shown["trace_id"] = event.trace_id
    return shown


def timestamp(moment: float) -> str:
    """Return a time as records have it: UTC, to the millisecond."""
    seconds, rest = divmod(moment, 1)
    return f"{_second(int(seconds))}.{int(rest * 1000):03d}Z"


@lru_cache(64)
def _second(moment: int) -> str:
    # To format a date takes longer than all the rest.
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%S}"


def _fields(event: Event) -> dict[str, Any]:
    make: Callable[[Any], dict[str, Any]] = _MAKERS.get(type(event), _plain)
    return make(event)


def _plain(event: Event) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in event.__struct_fields__ if name not in _NOT_FIELDS}
    return _client(fields.pop("client")) | fields if "client" in fields else fields


def _client(client: UpstreamEvent) -> dict[str, Any]:
    return {"hub": client.hub, "connection_id": client.connection_id, "user_id": client.user_id}


def _called(event: events.ClientCalled) -> dict[str, Any]:
    return _plain(event) | _body(event.body, event.protocol)


def _answered(event: events.ClientAnswered) -> dict[str, Any]:
    fields = _timed(_plain(event)) | _body(event.body, event.protocol)
    fields["error"] = event.error or _error_in(fields["body"])
    return fields


def _error_in(completion: str) -> str | None:
    """Return the error of a completion, which is a failure of the function that the client is told of."""
    if "error" not in completion and not completion.startswith("[3"):
        return None
    try:
        found = json.loads(completion)
    except ValueError:
        return None
    match found:
        case {"error": str(error)} | [3, _, _, 1, str(error)]:
            return error
        case _:
            return None


def _received(event: events.MessageReceived) -> dict[str, Any]:
    return _plain(event) | _body(event.body, "json")


def _upstream(event: UpstreamEvent) -> dict[str, Any]:
    return {**_client(event), "category": str(event.category), "event": event.event}


def _request(event: events.UpstreamRequest) -> dict[str, Any]:
    headers = replace(event.event, claims=without_secrets(event.event.claims)).headers(())
    headers.pop("X-ASRS-Signature")
    headers["Content-Type"] = event.content_type
    return {
        **_upstream(event.event),
        "url": None if event.url is None else shown_url(event.url),
        "headers": headers,
        **_body(event.body, event.content_type),
    }


def _response(event: events.UpstreamResponse) -> dict[str, Any]:
    # The completion in it is in the protocol of the client.
    protocol = "json" if event.body[:1] == b"{" else "messagepack"
    fields = {"status": event.status, "error": event.error, "seconds": event.seconds}
    return {**_upstream(event.event), **_timed(fields), **_body(event.body, protocol)}


def _service(event: events.ServiceRequest) -> dict[str, Any]:
    fields = _timed(_plain(event))
    content_type = fields.pop("content_type")
    return {**fields, **_body(event.body, content_type)}


def _host(event: events.HostEvent) -> dict[str, Any]:
    fields = {name: value for name, value in event.fields.items() if name != "kind"}
    if event.name == "invocation_started":
        fields["attributes"] = _attributes(fields["function"], fields["invocation_id"])
    return fields


def _attributes(function: str | None, invocation_id: str | None) -> dict[str, str]:
    """Return what func and OpenTelemetry call the function and its call."""
    found = {"function.name": function, "function.invocation_id": invocation_id}
    return {name: value for name, value in found.items() if value is not None}


def _log(event: events.LogLine) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "category": event.category,
        "level": next((name for least, name in _LEVELS if event.level >= least), "trace"),
        "event_id": 0,
        "message": event.message,
        "attributes": _attributes(event.function, event.invocation_id),
    }
    if event.exception is not None:
        fields["exception"] = dict(zip(("type", "message", "stack"), event.exception, strict=True))
    return fields


_MAKERS: dict[type[Event], Callable[[Any], dict[str, Any]]] = {
    events.ClientCalled: _called,
    events.ClientAnswered: _answered,
    events.MessageReceived: _received,
    events.UpstreamRequest: _request,
    events.UpstreamResponse: _response,
    events.ServiceRequest: _service,
    events.LogLine: _log,
}


def _timed(fields: dict[str, Any]) -> dict[str, Any]:
    fields["duration_ms"] = round(fields.pop("seconds") * 1000, 3)
    return fields


def _body(body: bytes, form: str) -> dict[str, Any]:
    if not body:
        return {"body": None, "body_size": 0}
    text = _from_messagepack(body) if form.startswith(_MESSAGEPACK) else _text(body)
    return {"body": text[:_MAX_BODY], "body_size": len(body)}


def _text(body: bytes) -> str:
    return body.decode(errors="replace").rstrip(_SEPARATOR)


def _from_messagepack(body: bytes) -> str:
    """Return MessagePack as the JSON that comes closest to it."""
    import msgpack

    from signalr_local.emulator.splitters import SizedSplitter

    for data in (body, next(SizedSplitter(len(body)).feed(body), b"") if body[0] < 0x90 else b""):
        try:
            return json.dumps(msgpack.unpackb(data, timestamp=3, strict_map_key=False), default=_shown)
        except Exception:  # noqa: BLE001, S112 - whatever a client sent is shown as well as it can be
            continue
    return f"({len(body):,} bytes that are no MessagePack)"


def _shown(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return str(value)
