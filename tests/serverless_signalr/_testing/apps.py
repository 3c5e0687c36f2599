"""One small app in the three styles in which a hub can be written."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

import azure.functions as func

from serverless_signalr import (
    Blueprint,
    Call,
    FunctionApp,
    HubException,
    Principal,
    ServerlessHub,
    SignalRConnectionInfo,
    SignalRInvocationContext,
    SignalROutput,
    requires,
)


class RoomClient(Protocol):
    async def said(self, text: str, *, by: str | None = None) -> None: ...
    async def confirm(self, question: str) -> bool: ...


async def polite(invocation: SignalRInvocationContext, call: Call) -> object:
    if invocation.arguments[:1] == ["rude"]:
        raise HubException("Be polite.")
    return await call()


class Room(ServerlessHub[RoomClient], hub="room"):
    filters = (polite,)

    async def connected(self, caller: SignalRInvocationContext) -> None:
        if caller.user_id is None:
            raise HubException("Sign in.")
        await self.groups.add("lobby", connection_id=caller.connection_id)

    async def disconnected(self, caller: SignalRInvocationContext) -> None:
        await self.clients.group("lobby").said(f"gone: {caller.error}", by=caller.user_id)

    async def say(self, caller: SignalRInvocationContext, text: str) -> int:
        await self.clients.group_except("lobby", [caller.connection_id]).said(text, by=caller.user_id)
        return len(text)

    @requires(role="admin")
    async def ban(self, user_id: str) -> None:
        await self.client_manager.close_user(user_id, reason="banned")

    async def ask(self, caller: SignalRInvocationContext) -> bool:
        return await self.clients.client(caller.connection_id).confirm("Really?")

    async def watch(self, caller: SignalRInvocationContext) -> None:
        await self.user_groups.add("watchers", user_id=caller.user_id or "", ttl=timedelta(minutes=5))

    def wait(self, seconds: int) -> str:
        return f"waited {seconds}"


def room_app() -> FunctionApp:
    """Return the app in decorator style, in a blueprint."""
    bp = Blueprint(hub="room")

    @bp.signalr_trigger()
    @bp.signalr_output()
    def connected(caller: SignalRInvocationContext, outbox: SignalROutput) -> None:
        if caller.user_id is None:
            raise HubException("Sign in.")
        outbox.add_to_group("lobby", connection_id=caller.connection_id)

    @bp.signalr_trigger()
    @bp.signalr_output()
    def say(caller: SignalRInvocationContext, outbox: SignalROutput, text: str) -> int:
        outbox.send("said", text, caller.user_id, group_name="lobby")
        return len(text)

    @bp.signalr_trigger()
    @requires(role="admin")
    def ban(user_id: str) -> None:
        pass

    @bp.route(route="negotiate", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    @bp.signalr_connection_info_input(user_id="{query.user}")
    def negotiate(req: func.HttpRequest, info: SignalRConnectionInfo) -> func.HttpResponse:
        return info.to_response()

    @bp.route(route="rooms/{name}/messages/{number:int}", methods=["PUT"])
    @bp.signalr_output()
    def put_message(req: func.HttpRequest, outbox: SignalROutput) -> func.HttpResponse:
        body: Mapping[str, Any] = req.get_json()
        outbox.send("said", body["text"], group_name=req.route_params["name"])
        return func.HttpResponse(f"number {req.route_params['number']}", status_code=202)

    @bp.route(route="rooms/{name}/messages/latest", methods=["GET"])
    def latest(req: func.HttpRequest) -> str:
        return f"the latest of {req.route_params['name']}, {req.params.get('count')}"

    @bp.route(route="me", methods=["GET"])
    def me(req: func.HttpRequest) -> str:
        caller = Principal.from_request(req)
        return "nobody" if caller is None else f"{caller.id} {','.join(caller.roles)}"

    @bp.timer_trigger("timer", schedule="0 * * * * *")
    @bp.signalr_output()
    def tick(timer: func.TimerRequest, outbox: SignalROutput) -> None:
        outbox.send("tick", timer.past_due)

    @bp.signalr_trigger()
    @bp.queue_output("queue", queue_name="later", connection="Storage")
    def queue_up(queue: func.Out[str], text: str) -> None:
        queue.set(text)

    app = FunctionApp()
    app.register_functions(bp)
    return app
