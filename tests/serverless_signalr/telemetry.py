"""What is recorded by OpenTelemetry in a test."""

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

__all__ = ["Telemetry"]


class Telemetry:
    """Read spans by name, and metrics by name and attributes. ``tracer`` makes spans of the test's own."""

    def __init__(self, exporter: InMemorySpanExporter, reader: InMemoryMetricReader, tracer: Tracer) -> None:
        self._exporter = exporter
        self._reader = reader
        self.tracer = tracer

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        """Return the spans that have ended; each name is expected once."""
        spans = self._exporter.get_finished_spans()
        named = {span.name: span for span in spans}
        assert len(named) == len(spans)
        return named

    def count(self, metric: str, **attributes: str) -> float:
        """Return the sum of a metric over the points with these attributes, dots written ``__``."""
        wanted = {(name.replace("__", "."), value) for name, value in attributes.items()}
        data = self._reader.get_metrics_data()
        return sum(
            getattr(point, "count", getattr(point, "value", 0))
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == metric
            for point in found.data.data_points
            if wanted <= set((point.attributes or {}).items())
        )
