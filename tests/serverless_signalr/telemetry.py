"""What was recorded by OpenTelemetry since a test began."""

from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

__all__ = ["Telemetry"]

type _Points = dict[tuple[str, frozenset[tuple[str, Any]]], float]


class Telemetry:
    """Read spans by name, and metrics by name and attributes."""

    def __init__(self, exporter: InMemorySpanExporter, reader: InMemoryMetricReader) -> None:
        exporter.clear()
        self._exporter = exporter
        self._reader = reader
        self._before = self._points()

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
        return sum(
            count - self._before.get((name, given), 0)
            for (name, given), count in self._points().items()
            if name == metric and wanted <= given
        )

    def _points(self) -> _Points:
        data = self._reader.get_metrics_data()
        return {
            (metric.name, frozenset((point.attributes or {}).items())): getattr(
                point, "count", getattr(point, "value", 0)
            )
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }
