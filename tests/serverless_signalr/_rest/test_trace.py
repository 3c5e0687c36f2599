"""The trace that requests to the service belong to, which the local runtime sets."""

import asyncio
import threading

from serverless_signalr import ServiceClient, run_sync
from serverless_signalr._invocation import running_as
from serverless_signalr._rest.trace import Tracing, current_traceparent, traceparent
from tests.serverless_signalr.rest_service import Service

HEADER = f"00-{'a' * 32}-{'b' * 16}-00"


async def test_requests_have_no_trace_of_their_own(service: Service, client: ServiceClient) -> None:
    await client.send_to_all("m")
    assert "traceparent" not in service.requests[0].headers


async def test_requests_of_a_context_carry_its_header(service: Service, client: ServiceClient) -> None:
    token = traceparent.set(HEADER)
    try:
        await client.send_to_all("m")
    finally:
        traceparent.reset(token)
    await client.send_to_all("m")
    assert [request.headers.get("traceparent") for request in service.requests] == [HEADER, None]


async def test_requests_of_an_invocation_carry_its_header_from_every_thread(
    service: Service, client: ServiceClient
) -> None:
    def send() -> None:
        with running_as("1"):
            run_sync(client.send_to_all("m"))

    with Tracing("1", HEADER):
        await asyncio.to_thread(send)
        with running_as("2"):
            await client.send_to_all("m")
    await asyncio.to_thread(send)
    assert [request.headers.get("traceparent") for request in service.requests] == [HEADER, None, None]


def test_a_thread_of_nobody_has_none() -> None:
    found: list[str | None] = []
    with Tracing("1", HEADER):
        thread = threading.Thread(target=lambda: found.append(current_traceparent()))
        thread.start()
        thread.join()
    assert found == [None]
