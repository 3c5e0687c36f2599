"""Functions that do what differs most easily between two ways to run them."""

import asyncio
import logging
import sys
from datetime import date

import azure.functions as func

from serverless_signalr import (
    FunctionApp,
    HubException,
    ServerlessHub,
    SignalRInvocationContext,
    SignalROutput,
    requires,
)

log = logging.getLogger("parity")


class Parity(ServerlessHub, hub="parity"):
    async def echo(self, value: object) -> object:
        return value

    def add(self, left: int, right: int) -> int:
        return left + right

    async def born(self, day: date) -> date:
        return day

    async def nothing(self) -> None:
        return

    async def fail(self) -> None:
        raise HubException("no, and this is why")

    async def crash(self) -> None:
        raise ValueError("a secret of the server")

    async def exit(self) -> None:
        sys.exit(3)

    @requires(role="admin")
    async def ban(self, user: str) -> str:
        return user

    async def tell(self, caller: SignalRInvocationContext, text: str) -> None:
        await self.clients.all.send("told", {"text": text, "by": caller.user_id})
        await self.clients.user("bob").send("toldYou", text, 1.5, None, [text])

    async def say_log(self, text: str) -> None:
        log.warning("heard %s", text)
        await asyncio.to_thread(log.error, "in a thread: %s", text)

    async def returns_what_json_cannot_carry(self) -> object:
        return object()


app = FunctionApp()
hub = Parity()
hub.add_negotiate(anonymous=True)
app.register_functions(hub)


@app.signalr_trigger(hub="bindings", category="messages", event="both")
@app.signalr_output(hub="bindings")
def both(text: str, outbox: SignalROutput) -> str:
    outbox.send("said", text)
    outbox.send("said", text, {"twice": text * 2})
    return text * 2


@app.signalr_trigger(hub="bindings", category="messages", event="boom")
async def boom() -> None:
    raise KeyError("boom")


@app.route("text", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def text(req: func.HttpRequest) -> str:
    return "plain ü"


@app.route("response/{name}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def response(req: func.HttpRequest) -> func.HttpResponse:
    seen = [req.method, req.route_params["name"], dict(req.params), req.headers.get("x-seen", "")]
    log.info("seen %s", seen)
    return func.HttpResponse(
        repr([*seen, req.get_body()]), status_code=201, mimetype="text/x-seen", headers={"X-Back": "ü"}
    )


@app.route("bytes", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def bytes_(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body()[::-1])


@app.route("json", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def json_(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(req.get_json()["a"]))


@app.route("none", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def none(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return None


@app.route("wrong", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def wrong(req: func.HttpRequest):  # type: ignore[no-untyped-def]
    return {"a": 1}


@app.route("fails", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def fails(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("it fails")


@app.route("leaves", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def leaves(req: func.HttpRequest) -> func.HttpResponse:
    sys.exit(1)


@app.route("context", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def context(req: func.HttpRequest, context: func.Context) -> str:
    return f"{context.function_name} {len(context.invocation_id)} {context.thread_local_storage is not None}"


@app.timer_trigger("timer", schedule="0 0 * * * *", run_on_startup=False)
async def strike(timer: func.TimerRequest) -> None:
    await hub.clients.all.send("hour", timer.past_due)
