"""One hub class, reached by SignalR triggers and by the HTTP upstream: the answers are the same."""

import json
from typing import Any, Protocol

import pytest

from serverless_signalr import FunctionApp, HubException, SignalRInvocationContext
from serverless_signalr._functions.authorization import requires
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.protocol.upstream import UpstreamEvent
from tests.serverless_signalr._hub.upstream_requests import (
    KEY,
    call,
    post,
)


class Answering(Protocol):
    async def new_message(self, text: str) -> None: ...


class Both(ServerlessHub[Answering], hub="chat"):
    async def call(self, caller: SignalRInvocationContext, number: int) -> dict[str, object]:
        return {
            "user": caller.user_id,
            "roles": caller.claims.get("role"),
            "query": caller.query,
            "hub": caller.headers["x-asrs-hub"] + caller.headers["X-ASRS-HUB"],
            "n": number,
        }

    @requires(role="owner")
    async def guarded(self) -> None: ...


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        pytest.param("call", [1], id="result"),
        pytest.param("call", ["x"], id="wrong-argument"),
        pytest.param("call", [], id="no-argument"),
        pytest.param("guarded", [], id="not-allowed"),
    ],
)
async def test_trigger_and_upstream_answer_the_same(
    connection_string: None, target: str, arguments: list[object]
) -> None:
    claims = {"role": ("a", "b")}
    event = UpstreamEvent("chat", "messages", target, "c1", user_id="ann", claims=claims, query="?x=1")
    delivered = {
        "Arguments": arguments,
        "Error": None,
        "Category": "messages",
        "Event": target,
        "Hub": "chat",
        "ConnectionId": "c1",
        "UserId": "ann",
        "Headers": event.headers([KEY]),
        "Query": {"x": "1"},
        "Claims": {"role": "a"},
    }
    app = FunctionApp()
    app.register_functions(Both().blueprint)
    [function] = [item for item in app.get_functions() if item.get_function_name() == f"chat_{target}"]
    trigger: Any = function.get_user_function()
    expected: dict[str, object] = {"type": 3, "invocationId": "1"}
    try:
        expected["result"] = await trigger(invocation=json.dumps(delivered))
    except HubException as error:
        expected["error"] = str(error)
    answer = await post(
        Both(upstream_route="x"), call(target, *arguments), target, user_id="ann", claims=claims, query="?x=1"
    )
    assert json.loads(answer.get_body()[:-1]) == json.loads(json.dumps(expected))
