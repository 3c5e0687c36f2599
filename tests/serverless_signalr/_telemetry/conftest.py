"""OpenTelemetry as an app sets it up, with exporters that keep what they get."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from serverless_signalr._telemetry import metrics, spans
from tests.serverless_signalr.telemetry import Telemetry


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    """Return what is recorded in this test. A process cannot take its providers back, so none is set."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = tracers.get_tracer("serverless_signalr")
    monkeypatch.setattr(spans, "_tracer", tracer)
    monkeypatch.setattr(metrics, "_instruments", metrics.Instruments(meters.get_meter("serverless_signalr")))
    yield Telemetry(exporter, reader, tracer)
    tracers.shutdown()
    meters.shutdown()
