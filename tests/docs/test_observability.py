"""The page about traces: its sample sends to a collector what its tables list."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from signalr_local.testing import SignalRTest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
PATIENCE = 60.0

HUB = """

import logging

import azure.functions as func
from serverless_signalr import FunctionApp, ServerlessHub, SignalRInvocationContext


class Chat(ServerlessHub):
    async def say(self, caller: SignalRInvocationContext, text: str) -> str:
        logging.info("somebody says %s", text)
        await self.clients.group("friends").send("said", text)
        return caller.headers["traceparent"]

    def say_in_a_thread(self, text: str) -> None:
        from serverless_signalr import run_sync

        run_sync(self.clients.all.send("said", text))


chat = Chat()
chat.add_negotiate()
app = FunctionApp()
app.register_functions(chat)


@app.route("publish", methods=["POST"])
async def publish(req: func.HttpRequest) -> func.HttpResponse:
    await chat.clients.all.send("said", "hi")
    return func.HttpResponse(status_code=202)
"""


def sample() -> str:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


class Collector:
    """Take in what exporters send over OTLP, as a collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: set[str] = set()
        self._changed = asyncio.Condition()
        self.port = 0

    async def traces(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        self.spans += [
            span for resource in sent.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]
        return await self._taken()

    async def measured(self, request: web.Request) -> web.Response:
        sent = ExportMetricsServiceRequest.FromString(await request.read())
        self.metrics |= {
            metric.name
            for resource in sent.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }
        return await self._taken()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    async def span(self, name: str) -> Span:
        await self.until(lambda: any(span.name == name for span in self.spans))
        (found,) = [span for span in self.spans if span.name == name]
        return found

    async def _taken(self) -> web.Response:
        async with self._changed:
            self._changed.notify_all()
        return web.Response()


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.add_routes([web.post("/v1/traces", collector.traces), web.post("/v1/metrics", collector.measured)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.port = runner.addresses[0][1]
    yield collector
    await runner.cleanup()


@pytest.fixture
def code() -> str:
    """Return what the app does besides what the page shows."""
    return ""


@pytest.fixture
async def env(tmp_path: Path, collector: Collector, code: str) -> AsyncIterator[SignalRTest]:
    (tmp_path / "function_app.py").write_text(sample() + code + HUB, encoding="utf-8")
    host = {"version": "2.0", "telemetryMode": "OpenTelemetry"}
    (tmp_path / "host.json").write_text(json.dumps(host), encoding="utf-8")
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
        "OTEL_METRIC_EXPORT_INTERVAL": "50",
        "PYTHON_ENABLE_OPENTELEMETRY": "true",
    }
    async with SignalRTest(tmp_path, worker=True, settings=settings, patience=PATIENCE) as env:
        yield env


def ids(traceparent: str) -> tuple[bytes, bytes]:
    _, trace, span, _ = traceparent.split("-")
    return bytes.fromhex(trace), bytes.fromhex(span)


async def test_one_trace_leads_from_the_event_over_the_method_to_what_it_sends(
    env: SignalRTest, collector: Collector
) -> None:
    ann = await env.connect(user="ann")
    traceparent = await ann.invoke("say", "hi")
    method, send = await collector.span("chat/say"), await collector.span("send chat")
    assert (method.trace_id, method.parent_span_id) == ids(traceparent)
    assert (send.trace_id, send.parent_span_id) == (method.trace_id, method.span_id)
    assert (method.kind, send.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_PRODUCER)
    assert {item.key: item.value.string_value for item in send.attributes} == {
        "messaging.system": "signalr",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "chat",
        "signalr.addressee": "groups",
        "signalr.target": "said",
    }


@pytest.mark.parametrize(
    "code", ["\nfrom azure.core.settings import settings\n\nsettings.tracing_enabled = True\n"], ids=["on"]
)
async def test_tracing_of_azure_core_records_the_request_within_the_send_and_once(
    env: SignalRTest, collector: Collector
) -> None:
    assert "azure.core.settings.settings.tracing_enabled = True" in PAGE
    await (await env.connect(user="ann")).invoke("say", "hi")
    method, send = await collector.span("chat/say"), await collector.span("send chat")
    requests = [
        span for span in collector.spans if any(item.key == "http.request.method" for item in span.attributes)
    ]
    assert [(span.trace_id, span.parent_span_id) for span in requests] == [(method.trace_id, send.span_id)]


async def test_a_line_of_the_app_is_logged_once(
    env: SignalRTest, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await (await env.connect(user="ann")).invoke("say", "hi")
    # The span is exported after the call, and the log is written before its answer.
    await collector.span("chat/say")
    assert [record.getMessage() for record in caplog.records].count("somebody says hi") == 1


async def test_the_trace_goes_on_into_threads(env: SignalRTest, collector: Collector) -> None:
    ann = await env.connect(user="ann")
    await ann.invoke("sayInAThread", "hi")
    method, send = await collector.span("chat/sayInAThread"), await collector.span("send chat")
    assert (send.trace_id, send.parent_span_id) == (method.trace_id, method.span_id)


async def test_an_http_function_goes_on_with_the_trace_of_its_request(
    env: SignalRTest, collector: Collector
) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    response = await env.request("POST", "/api/publish", headers={"traceparent": traceparent})
    assert response.status == 202
    send = await collector.span("send chat")
    assert (send.trace_id, send.parent_span_id) == ids(traceparent)


async def test_negotiation_is_recorded(env: SignalRTest, collector: Collector) -> None:
    await env.connect(negotiate="negotiate?user=ann")
    assert (await collector.span("negotiate chat")).kind == Span.SPAN_KIND_INTERNAL


async def test_metrics_arrive_under_the_names_of_the_table(env: SignalRTest, collector: Collector) -> None:
    await (await env.connect(user="ann")).invoke("say", "hi")
    listed = set(re.findall(r"^\| `((?:rpc|messaging|signalr)\.[a-z.]+)` \| [a-z]+ \|", PAGE, re.MULTILINE))
    assert len(listed) == 5
    # Nothing is sent again, and no credential is fetched.
    sent = listed - {"signalr.client.retries", "signalr.client.credentials"}
    await collector.until(lambda: sent <= collector.metrics)


def test_page_lists_every_metric() -> None:
    code = (ROOT / "serverless_signalr" / "_telemetry" / "metrics.py").read_text(encoding="utf-8")
    made = re.findall(r'create_[a-z]+\(\s*"([^"]+)"', code)
    assert len(made) == 5
    assert [name for name in made if f"| `{name}` |" not in PAGE] == []
