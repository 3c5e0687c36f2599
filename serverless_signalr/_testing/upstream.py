"""Events for a hub with an HTTP upstream, sent as the service sends them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import azure.functions as func
from azure.functions.decorators.function_app import Function

from serverless_signalr._testing.run import run_against
from serverless_signalr._testing.service import FakeService
from serverless_signalr.errors import HubException
from serverless_signalr.protocol.json_protocol import parse as parse_message
from serverless_signalr.protocol.messages import Completion
from serverless_signalr.protocol.upstream import DISCONNECTED, Category, UpstreamEvent

__all__ = ["deliver_upstream"]


async def deliver_upstream(
    function: Function,
    event: UpstreamEvent,
    arguments: Sequence[object],
    error: str | None,
    service: FakeService,
    headers: Mapping[str, str],
) -> Any:
    """Send a signed event to the HTTP upstream of a hub, and return the result of the call."""
    is_message = event.category == Category.MESSAGES
    body = (
        {"type": 1, "invocationId": "1", "target": event.event, "arguments": list(arguments)}
        if is_message
        else {"error": error}
    )
    key = service.endpoint.access_key or ""
    made = func.HttpRequest(
        "POST",
        "http://localhost:7071/api/upstream",
        headers={**headers, **event.headers([key]), "content-type": "application/json"},
        params={},
        route_params={},
        body=json.dumps(body).encode(),
    )
    response: func.HttpResponse = (await run_against(function, made, service, {}, None)).result
    if response.status_code == 404 and not is_message:
        return None
    if response.status_code >= 300:
        if is_message or event.event == DISCONNECTED:
            raise LookupError(f"no method handles the event {event.event} of the hub {event.hub}")
        raise HubException(f"{event.event} was refused with the status {response.status_code}.")
    if not is_message:
        return None
    answer = parse_message(response.get_body().decode().removesuffix("\x1e"))
    if not isinstance(answer, Completion):
        raise TypeError(f"the hub responded with {answer!r}, expected a completion")
    if answer.error is not None:
        raise HubException(answer.error)
    return answer.result
