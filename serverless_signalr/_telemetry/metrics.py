"""Metrics of calls and sends. This module imports opentelemetry, and is imported where an app has done so.

Names and units: https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/ and
https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/; ``signalr.*`` are our own.
"""

from collections.abc import Mapping

from opentelemetry import metrics

__all__ = ["Instruments", "called", "fetched", "retried", "sent"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


class Instruments:
    """What a meter records with."""

    def __init__(self, meter: metrics.Meter) -> None:
        self.calls = meter.create_histogram(
            "rpc.server.call.duration",
            "s",
            "Duration of the functions that clients called, and of those for connections.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self.operations = meter.create_histogram(
            "messaging.client.operation.duration",
            "s",
            "Duration of requests to the service, retries included.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self.messages = meter.create_counter(
            "messaging.client.sent.messages", "{message}", "Messages that the service was asked to send."
        )
        self.retries = meter.create_counter(
            "signalr.client.retries", "{retry}", "Requests that were sent again."
        )
        self.credentials = meter.create_counter(
            "signalr.client.credentials",
            "{credential}",
            "Secrets, keys and tokens that were fetched, also anew.",
        )


# A meter of the API passes on to the provider that the app sets, whenever it does.
_instruments = Instruments(metrics.get_meter("serverless_signalr"))


def called(seconds: float, attributes: Mapping[str, str]) -> None:
    """Record the end of a call."""
    _instruments.calls.record(seconds, attributes)


def sent(seconds: float, attributes: Mapping[str, str], *, is_message: bool) -> None:
    """Record the end of an operation of the REST API."""
    _instruments.operations.record(seconds, attributes)
    if is_message:
        _instruments.messages.add(1, attributes)


def retried(reason: str) -> None:
    """Count a request that is sent again."""
    _instruments.retries.add(1, {"error.type": reason})


def fetched(what: str) -> None:
    """Count a credential that was fetched."""
    _instruments.credentials.add(1, {"signalr.credential": what})
