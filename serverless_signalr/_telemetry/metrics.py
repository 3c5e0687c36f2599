"""Metrics of calls and sends. This module imports opentelemetry, and is imported where an app has done so.

Names and units: https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/ and
https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/; ``signalr.*`` are our own.
"""

from collections.abc import Mapping

from opentelemetry import metrics

__all__ = ["called", "fetched", "retried", "sent"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

# A meter of the API passes on to the provider that the app sets, whenever it does.
_meter = metrics.get_meter("serverless_signalr")
_calls = _meter.create_histogram(
    "rpc.server.call.duration",
    "s",
    "Duration of the functions that clients called, and of those for connections.",
    explicit_bucket_boundaries_advisory=_BUCKETS,
)
_operations = _meter.create_histogram(
    "messaging.client.operation.duration",
    "s",
    "Duration of requests to the service, retries included.",
    explicit_bucket_boundaries_advisory=_BUCKETS,
)
_messages = _meter.create_counter(
    "messaging.client.sent.messages", "{message}", "Messages that the service was asked to send."
)
_retries = _meter.create_counter("signalr.client.retries", "{retry}", "Requests that were sent again.")
_credentials = _meter.create_counter(
    "signalr.client.credentials", "{credential}", "Secrets, keys and tokens that were fetched, also anew."
)


def called(seconds: float, attributes: Mapping[str, str]) -> None:
    """Record the end of a call."""
    _calls.record(seconds, attributes)


def sent(seconds: float, attributes: Mapping[str, str], *, is_message: bool) -> None:
    """Record the end of an operation of the REST API."""
    _operations.record(seconds, attributes)
    if is_message:
        _messages.add(1, attributes)


def retried(reason: str) -> None:
    """Count a request that is sent again."""
    _retries.add(1, {"error.type": reason})


def fetched(what: str) -> None:
    """Count a credential that was fetched."""
    _credentials.add(1, {"signalr.credential": what})
