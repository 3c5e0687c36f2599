"""OpenTelemetry as an app sets it up, with exporters that keep what they get."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.serverless_signalr.telemetry import Telemetry


@pytest.fixture(scope="session")
def exporters() -> Iterator[tuple[Any, Any]]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    # The providers of a process are set once.
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(meters)
    yield exporter, reader
    tracers.shutdown()
    meters.shutdown()


@pytest.fixture
def telemetry(exporters: tuple[Any, Any]) -> Telemetry:
    """Return what is recorded from now on."""
    return Telemetry(*exporters)
