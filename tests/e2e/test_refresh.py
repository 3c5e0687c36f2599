"""The JavaScript client stays signed in with the page's module, over each transport that it knows."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr import ServerlessHub, SignalRInvocationContext, SignalRUser
from signalr_local.testing import SignalRTest

CLIENT = Path(__file__).parent / "refresh_client.mjs"
PATIENCE = 60.0
TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"]


class Desk(ServerlessHub, hub="desk"):
    async def who(self, caller: SignalRInvocationContext) -> list[object]:
        return [caller.user_id, caller.connection_id]


class Browser:
    """The JavaScript client in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._process = process
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.reading = asyncio.create_task(self._read())

    async def ask(self, command: str, **options: Any) -> Any:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"id": number, "command": command, **options}).encode() + b"\n")
        return await asyncio.wait_for(answer, PATIENCE)

    async def next(self) -> tuple[str, Any]:
        return await asyncio.wait_for(self.events.get(), PATIENCE)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "event" in said:
                self.events.put_nowait((said["event"], said["value"]))
            elif "error" in said:
                self._answers[said["id"]].set_exception(RuntimeError(said["error"]))
            else:
                self._answers[said["id"]].set_result(said["result"])


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("node", str(CLIENT), stdin=pipe, stdout=pipe)
    browser = Browser(process)
    try:
        yield browser
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await browser.reading


type Known = set[str]


@pytest.fixture
def known() -> Known:
    """Return the users that are let in, from whom a test can take the right."""
    return {"ann"}


@pytest.fixture
async def env(known: Known) -> AsyncIterator[SignalRTest]:
    def user(req: func.HttpRequest) -> SignalRUser | None:
        name = req.params.get("user")
        return SignalRUser(name) if name in known else None

    desk = Desk()
    desk.add_negotiate(user=user, lifetime=timedelta(seconds=6), refresh=True)
    async with SignalRTest(desk) as env:
        yield env


def url(env: SignalRTest, user: str = "ann") -> str:
    return f"{env.host_url}/api?user={user}"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_connection_that_is_refreshed_lives_ten_times_as_long_and_loses_nothing(
    env: SignalRTest, transport: str
) -> None:
    async with browser() as page:
        connection_id = await page.ask("start", url=url(env), transport=transport, refreshes=True)
        for number in range(15):
            await env.advance(seconds=4)
            assert await page.ask("refresh") == 200
            await env.service("desk").send_to_user("ann", "tick", number)
            assert await page.ask("invoke", target="who") == ["ann", connection_id]
        assert [await page.next() for _ in range(15)] == [("tick", number) for number in range(15)]
        assert await page.ask("id") == connection_id


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_connection_that_is_not_refreshed_is_closed_with_its_token(
    env: SignalRTest, transport: str
) -> None:
    async with browser() as page:
        await page.ask("start", url=url(env), transport=transport, refreshes=False)
        await env.advance(seconds=7)
        event, reason = await page.next()
        assert event == "closed"
        assert "token has expired" in reason


async def test_user_who_is_refused_is_closed_at_the_end_of_the_token(env: SignalRTest, known: Known) -> None:
    async with browser() as page:
        await page.ask("start", url=url(env), transport="WebSockets", refreshes=True)
        await env.advance(seconds=3)
        known.clear()
        assert await page.ask("refresh") == 401
        await page.ask("invoke", target="who")
        await env.advance(seconds=4)
        assert (await page.next())[0] == "closed"


async def test_client_refreshes_by_itself_before_its_token_ends() -> None:
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def user(req: func.HttpRequest) -> str:
        asked.put_nowait(req.url.partition("?")[0].rpartition("/")[2])
        return "ann"

    desk = Desk()
    # On a slow machine the token may have expired before: the connection is still there.
    desk.add_negotiate(user=user, lifetime=timedelta(seconds=2), refresh=True, close_on_expiry=False)
    async with SignalRTest(desk) as env, browser() as page:
        connection_id = await page.ask("start", url=url(env), transport="WebSockets", refreshes=True)
        found = [await asyncio.wait_for(asked.get(), PATIENCE) for _ in range(3)]
        assert found == ["negotiate", "refresh", "refresh"]
        assert await page.ask("invoke", target="who") == ["ann", connection_id]
