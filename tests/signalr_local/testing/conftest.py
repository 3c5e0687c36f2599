"""The app under test: a room in three styles, and one that does whatever a test needs."""

import asyncio
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import FunctionApp, HubException, ServerlessHub, SignalRInvocationContext
from tests.serverless_signalr._testing.apps import Room, room_app


@pytest.fixture(params=["decorators", "class", "http-upstream"])
def signalr_app(request: pytest.FixtureRequest) -> Any:
    """Return the room in each of the styles."""
    makes: dict[str, Callable[[], Any]] = {
        "decorators": room_app,
        "class": Room,
        "http-upstream": lambda: Room(upstream_route="events"),
    }
    return makes[request.param]()


class Lab(ServerlessHub, hub="lab"):
    """A hub with what is hard to test."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.heard: list[str] = []

    async def connected(self, caller: SignalRInvocationContext) -> None:
        self.heard.append("connected")

    async def disconnected(self, caller: SignalRInvocationContext) -> None:
        self.heard.append(f"disconnected: {caller.error}")

    async def echo(self, value: object) -> object:
        return value

    async def fail(self) -> None:
        raise HubException("no")

    async def hold(self) -> str:
        await self.gate.wait()
        return "released"

    async def tell_twice(self) -> None:
        await self.clients.all.send("told", {"text": "one", "more": 1})
        await self.clients.all.send("told", {"text": "two"})

    async def ask(self, caller: SignalRInvocationContext, question: str) -> object:
        return await self.clients.client(caller.connection_id).ask("answer", question)

    async def join(self, caller: SignalRInvocationContext, group: str) -> None:
        await self.groups.add(group, connection_id=caller.connection_id)

    async def later(self) -> None:
        self.background = asyncio.create_task(self._later())

    async def _later(self) -> None:
        await self.gate.wait()
        await self.clients.all.send("told", "late")


@pytest.fixture
def lab() -> Lab:
    """Return the hub of what is hard to test."""
    return Lab()


@pytest.fixture
def lab_app(lab: Lab) -> FunctionApp:
    """Return the app of that hub, with a timer and an HTTP function."""
    app = FunctionApp()
    lab.add_negotiate(anonymous=True)

    @lab.blueprint.timer_trigger("timer", schedule="0 0 * * * *", run_on_startup=False)
    async def hourly(timer: func.TimerRequest) -> None:
        await lab.clients.all.send("hour")

    @lab.blueprint.route(route="shout", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    async def shout(req: func.HttpRequest) -> func.HttpResponse:
        await lab.clients.all.send("shouted", req.get_json())
        return func.HttpResponse(status_code=202)

    app.register_functions(lab)
    return app
