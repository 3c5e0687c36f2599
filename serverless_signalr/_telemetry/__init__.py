"""Spans and metrics for apps that have set up OpenTelemetry.

An app that has not imported ``opentelemetry.trace`` has no tracer either. Nothing is imported for it, and
what could be recorded costs it one look-up in ``sys.modules``: ``if OPENTELEMETRY in modules``.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from sys import modules

__all__ = [
    "OPENTELEMETRY",
    "calling",
    "fetched",
    "modules",
    "negotiating",
    "propagated",
    "reading_secret",
    "retried",
    "sending",
]

OPENTELEMETRY = "opentelemetry.trace"


def calling(hub: str, category: str, event: str, headers: Mapping[str, str]) -> AbstractContextManager[None]:
    """Return the span of a hub method or a trigger function; the headers are those of its event."""
    from serverless_signalr._telemetry import spans

    return spans.calling(hub, category, event, headers)


def sending(hub: str | None, method: str, path: str, target: str | None) -> AbstractContextManager[None]:
    """Return the span of an operation of the REST API, whose path is below the hub."""
    from serverless_signalr._telemetry import spans

    return spans.sending(hub, *spans.described(method, path), target)


def negotiating(hub: str) -> AbstractContextManager[None]:
    """Return the span of making a client's connection info."""
    if OPENTELEMETRY not in modules:
        return nullcontext()
    from serverless_signalr._telemetry import spans

    return spans.within(f"negotiate {hub}", {"signalr.hub": hub})


def reading_secret(host: str) -> AbstractContextManager[None]:
    """Return the span of the reading of a secret from a vault, around azure-core's own spans."""
    if OPENTELEMETRY not in modules:
        return nullcontext()
    from serverless_signalr._telemetry import spans

    return spans.within("read secret", {"server.address": host})


def propagated() -> dict[str, str]:
    """Return the headers that carry the current span to the service."""
    if OPENTELEMETRY not in modules:
        return {}
    from serverless_signalr._telemetry import spans

    return spans.propagated()


def retried(reason: str) -> None:
    """Count a request to the service that is sent again, for ``reason``: a status or an exception's name."""
    if OPENTELEMETRY in modules:
        from serverless_signalr._telemetry import metrics

        metrics.retried(reason)


def fetched(what: str) -> None:
    """Count a credential that was fetched, for the first time or anew: ``secret``, ``key`` or ``token``."""
    if OPENTELEMETRY in modules:
        from serverless_signalr._telemetry import metrics

        metrics.fetched(what)
