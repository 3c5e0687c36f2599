"""The spans of calls, sends and negotiation, and how they hang together."""

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from serverless_signalr import FunctionApp, HubException, ServiceError, SignalRInvocationContext, run_sync
from serverless_signalr._connection.vault import SecretReference, read_secret
from serverless_signalr._identity import Identity, IdentityKind
from serverless_signalr._telemetry.spans import described
from serverless_signalr.rest import ServiceClient
from serverless_signalr.testing import call, connect
from tests.serverless_signalr.azure_fakes.cloud import Cloud
from tests.serverless_signalr.hubs import Chat
from tests.serverless_signalr.rest_service import Service
from tests.serverless_signalr.telemetry import Telemetry

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def made_app() -> FunctionApp:
    app = FunctionApp()

    @app.signalr_trigger(hub="news")
    async def publish(invocation: SignalRInvocationContext, text: str) -> str:
        return text.upper()

    @app.signalr_trigger(hub="news")
    def publish_sync(text: str) -> str:
        if not text:
            raise HubException("Write something.")
        return text

    @app.signalr_trigger(hub="news", event="connected", category="connections")
    async def greet(invocation: SignalRInvocationContext) -> None: ...

    return app


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def is_within(span: ReadableSpan, outer: SpanContext) -> bool:
    return span.parent is not None and (span.parent.trace_id, span.parent.span_id) == (
        outer.trace_id,
        outer.span_id,
    )


async def test_call_of_a_trigger_function_is_a_server_span_named_by_hub_and_event(
    telemetry: Telemetry,
) -> None:
    await call(made_app(), "publish", "hi")
    span = telemetry.spans["news/publish"]
    assert span.kind is SpanKind.SERVER
    assert dict(span.attributes or {}) == {
        "rpc.system.name": "signalr",
        "rpc.method": "news/publish",
        "signalr.category": "messages",
    }
    assert span.status.status_code is StatusCode.UNSET


async def test_event_of_a_connection_is_a_span_too(telemetry: Telemetry) -> None:
    await connect(made_app(), hub="news")
    assert (telemetry.spans["news/connected"].attributes or {})["signalr.category"] == "connections"


async def test_call_of_a_hub_method_is_one_span(telemetry: Telemetry, service_setting: None) -> None:
    app = FunctionApp()
    app.register_functions(Chat())
    await call(app, "sendToGroup", "friends", "hi")
    assert list(telemetry.spans) == ["chat/sendToGroup"]


async def test_call_of_a_hub_over_the_http_upstream_is_one_span(
    telemetry: Telemetry, service_setting: None
) -> None:
    app = FunctionApp()
    app.register_functions(Chat(upstream_route="events"))
    await call(app, "sendToGroup", "friends", "hi")
    assert list(telemetry.spans) == ["chat/sendToGroup"]


async def test_failure_marks_the_span_and_names_the_exception(telemetry: Telemetry) -> None:
    with pytest.raises(HubException):
        await call(made_app(), "publishSync", "")
    span = telemetry.spans["news/publishSync"]
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "HubException"


async def test_call_is_within_the_span_that_the_worker_has(telemetry: Telemetry) -> None:
    with telemetry.tracer.start_as_current_span("invoke") as outer:
        await call(made_app(), "publish", "hi")
    assert is_within(telemetry.spans["news/publish"], outer.get_span_context())


async def test_call_goes_on_with_the_trace_of_its_request(telemetry: Telemetry) -> None:
    await call(made_app(), "publish", "hi", headers={"Traceparent": TRACEPARENT})
    assert f"{context_of(telemetry.spans['news/publish']).trace_id:032x}" in TRACEPARENT


async def test_send_is_a_producer_span_with_hub_and_target_and_without_the_text(
    telemetry: Telemetry, client: ServiceClient
) -> None:
    await client.send_to_group("friends", "newMessage", "secret text")
    span = telemetry.spans["send Chat"]
    assert span.kind is SpanKind.PRODUCER
    assert dict(span.attributes or {}) == {
        "messaging.system": "signalr",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "Chat",
        "signalr.addressee": "groups",
        "signalr.target": "newMessage",
    }


async def test_send_to_several_names_the_target_too(telemetry: Telemetry, client: ServiceClient) -> None:
    await client.send_to_users(["ann"], "newMessage")
    assert (telemetry.spans["send Chat"].attributes or {})["signalr.target"] == "newMessage"


async def test_other_operations_are_client_spans(telemetry: Telemetry, client: ServiceClient) -> None:
    await client.add_connection_to_group("friends", connection_id="c1")
    span = telemetry.spans["add Chat"]
    assert span.kind is SpanKind.CLIENT
    assert (span.attributes or {})["signalr.addressee"] == "groups/connections"


async def test_requests_carry_the_span_to_the_service(
    telemetry: Telemetry, service: Service, client: ServiceClient
) -> None:
    await client.send_to_all("newMessage")
    context = context_of(telemetry.spans["send Chat"])
    expected = f"00-{context.trace_id:032x}-{context.span_id:016x}"
    assert [request.headers["traceparent"][:-3] for request in service.requests] == [expected]


async def test_failed_send_marks_its_span(
    telemetry: Telemetry, service: Service, client: ServiceClient
) -> None:
    service.answer(400)
    with pytest.raises(ServiceError):
        await client.send_to_all("newMessage")
    assert telemetry.spans["send Chat"].status.status_code is StatusCode.ERROR


async def test_send_from_a_function_is_within_its_span(telemetry: Telemetry, client: ServiceClient) -> None:
    app = FunctionApp()

    @app.signalr_trigger(hub="news")
    async def forward(text: str) -> None:
        await client.send_to_all("newMessage", text)

    await call(app, "forward", "hi")
    assert is_within(telemetry.spans["send Chat"], context_of(telemetry.spans["news/forward"]))


def test_operation_of_a_sync_function_is_within_its_span(telemetry: Telemetry) -> None:
    async def send() -> None:
        with telemetry.tracer.start_as_current_span("inner"):
            pass

    with telemetry.tracer.start_as_current_span("outer") as outer:
        run_sync(send())
    assert is_within(telemetry.spans["inner"], outer.get_span_context())


async def test_negotiation_is_a_span_without_the_user(telemetry: Telemetry, service_setting: None) -> None:
    await Chat().negotiate(user_id="ann", claims={"role": "admin"})
    assert dict(telemetry.spans["negotiate chat"].attributes or {}) == {"signalr.hub": "chat"}


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/:send", ("send", "hub")),
        ("POST", "/groups/:send/:send", ("send", "groups")),
        ("POST", "/connections/c/:invoke", ("invoke", "connections")),
        ("POST", "/connections/c/streams/s/:complete", ("complete", "connections/streams")),
        ("PUT", "/users/ann/groups/g", ("add", "users/groups")),
        ("DELETE", "/connections/c", ("remove", "connections")),
        ("HEAD", "/groups/g", ("check", "groups")),
        ("GET", "/groups/g/connections", ("list", "groups/connections")),
        ("PATCH", "", ("PATCH", "hub")),
    ],
)
def test_operation_is_described_without_the_names_in_its_path(
    method: str, path: str, expected: tuple[str, str]
) -> None:
    assert described(method, path) == expected


def test_app_without_opentelemetry_imports_none_of_it() -> None:
    code = """
import asyncio, sys
from serverless_signalr import FunctionApp, ServerlessHub
from serverless_signalr.testing import call

class Chat(ServerlessHub):
    async def echo(self, text: str) -> str:
        await self.clients.all.send("shown", text)
        return text

app, chat = FunctionApp(), Chat()
app.register_functions(chat)
asyncio.run(call(app, "echo", "hi"))
print(*(name for name in sys.modules if name.startswith("opentelemetry")))
"""
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == ""


async def test_secret_that_is_read_from_a_vault_is_a_span_without_its_name(
    telemetry: Telemetry, cloud: Cloud
) -> None:
    cloud.vault.put("signalr", "a secret value")
    reference = SecretReference("https://main.vault.azure.net", "signalr")
    await read_secret(reference, Identity(IdentityKind.MANAGED), "AzureSignalRConnectionString")
    span = telemetry.spans["read secret"]
    assert span.kind is SpanKind.INTERNAL
    assert dict(span.attributes or {}) == {"server.address": "main.vault.azure.net"}
