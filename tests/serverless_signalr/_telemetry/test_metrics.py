"""The metrics of calls, sends, retries and credentials."""

import pytest

from serverless_signalr import FunctionApp, HubException, ServiceError
from serverless_signalr import _telemetry as recording
from serverless_signalr.rest import ServiceClient
from serverless_signalr.testing import call
from tests.serverless_signalr.rest_service import Service
from tests.serverless_signalr.telemetry import Telemetry


async def test_calls_are_counted_by_method_and_failure(telemetry: Telemetry) -> None:
    app = FunctionApp()

    @app.signalr_trigger(hub="news")
    async def publish(text: str) -> None:
        if not text:
            raise HubException("Write something.")

    await call(app, "publish", "hi")
    await call(app, "publish", "hi")
    with pytest.raises(HubException):
        await call(app, "publish", "")
    duration = "rpc.server.call.duration"
    assert telemetry.count(duration, rpc__method="news/publish") == 3
    assert telemetry.count(duration, error__type="HubException") == 1


async def test_sends_are_counted_as_messages_and_other_operations_are_not(
    telemetry: Telemetry, client: ServiceClient
) -> None:
    await client.send_to_all("m")
    await client.send_to_users(["ann", "ben"], "m")
    await client.close_connection("c1")
    assert telemetry.count("messaging.client.sent.messages") == 3
    assert telemetry.count("messaging.client.operation.duration") == 4
    assert telemetry.count("messaging.client.sent.messages", signalr__addressee="users") == 2


async def test_failed_send_is_counted_with_its_error(
    telemetry: Telemetry, service: Service, client: ServiceClient
) -> None:
    service.answer(400)
    with pytest.raises(ServiceError) as raised:
        await client.send_to_all("m")
    error = type(raised.value).__name__
    assert telemetry.count("messaging.client.operation.duration", error__type=error) == 1


async def test_retries_are_counted_by_what_was_answered(
    telemetry: Telemetry, service: Service, client: ServiceClient, waits: list[float]
) -> None:
    service.answer(429, times=2)
    await client.send_to_all("m")
    assert telemetry.count("signalr.client.retries", error__type="429") == 2


@pytest.mark.parametrize("what", ["secret", "key", "token"])
def test_fetched_credentials_are_counted(telemetry: Telemetry, what: str) -> None:
    recording.fetched(what)
    assert telemetry.count("signalr.client.credentials", signalr__credential=what) == 1
