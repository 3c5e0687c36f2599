"""Spans of calls and sends. This module imports opentelemetry, and is imported where an app has done so.

Names: https://opentelemetry.io/docs/specs/semconv/rpc/rpc-spans/ for what clients call, as ASP.NET Core's own
SignalR does, and https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ for what is sent.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from serverless_signalr._telemetry import metrics

__all__ = ["calling", "described", "propagated", "sending", "within"]

_SYSTEM = "signalr"
_SENDS = ("send", "invoke")
_VERBS = {"PUT": "add", "DELETE": "remove", "HEAD": "check", "GET": "list", "QUERY": "read"}

_tracer = trace.get_tracer("serverless_signalr")


@contextmanager
def calling(hub: str, category: str, event: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Record a call of a hub method or a trigger function, as a part of the worker's span or the caller's."""
    attributes = {"rpc.system.name": _SYSTEM, "rpc.method": f"{hub}/{event}", "signalr.category": category}
    began = time.perf_counter()
    try:
        with _tracer.start_as_current_span(
            f"{hub}/{event}", context=_parent(headers), kind=SpanKind.SERVER, attributes=attributes
        ) as span:
            try:
                yield
            except BaseException as error:
                attributes["error.type"] = type(error).__qualname__
                span.set_attribute("error.type", attributes["error.type"])
                raise
    finally:
        metrics.called(time.perf_counter() - began, attributes)


@contextmanager
def sending(hub: str | None, operation: str, addressee: str, target: str | None) -> Iterator[None]:
    """Record an operation of the REST API, with all of its attempts."""
    is_message = operation in _SENDS
    attributes = {
        "messaging.system": _SYSTEM,
        "messaging.operation.name": operation,
        "signalr.addressee": addressee,
    }
    if hub is not None:
        attributes["messaging.destination.name"] = hub
    kind = SpanKind.PRODUCER if is_message else SpanKind.CLIENT
    began = time.perf_counter()
    try:
        with _tracer.start_as_current_span(f"{operation} {hub or ''}".rstrip(), kind=kind) as span:
            try:
                yield
            except BaseException as error:
                attributes["error.type"] = type(error).__qualname__
                raise
            finally:
                if span.is_recording():
                    span.set_attributes(attributes)
                    if is_message:
                        span.set_attribute("messaging.operation.type", "send")
                    if target is not None:
                        span.set_attribute("signalr.target", target)
    finally:
        metrics.sent(time.perf_counter() - began, attributes, is_message=is_message)


@contextmanager
def within(name: str, attributes: Mapping[str, str]) -> Iterator[None]:
    """Record a step of the library's own."""
    with _tracer.start_as_current_span(name, attributes=attributes):
        yield


def propagated() -> dict[str, str]:
    """Return the headers that carry the current span to the service."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def described(method: str, path: str) -> tuple[str, str]:
    """Return what an operation does, and to what: ``("send", "groups")`` for ``POST /groups/g/:send``."""
    *parts, last = path.split("/")
    if last.startswith(":"):
        return last[1:], "/".join(parts[1::2]) or "hub"
    kinds = path.split("/")[1::2]
    return _VERBS.get(method, method), "/".join(kinds) or "hub"


def _parent(headers: Mapping[str, str]) -> Context | None:
    """Return the context of the event's request, or None where the worker has a span for the invocation."""
    if trace.get_current_span().get_span_context().is_valid:
        return None
    return propagate.extract({name.lower(): value for name, value in headers.items()})
