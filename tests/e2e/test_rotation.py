"""Both access keys renewed, one after the other, while clients chat: docs/deployment.md has the procedure."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from signalr_local.emulator import Emulator, UpstreamRule
from signalr_local.host import trigger
from signalr_local.host.host import FunctionsHost

FIRST, SECOND = "F" * 44, "S" * 44
NEW_FIRST, NEW_SECOND = "f" * 44, "s" * 44

EVENTS = ["newMessage", "newConnection", "connectionClosed"]


@dataclass
class Stack:
    """Run the app against a service whose keys can be renewed."""

    emulator: Emulator
    host: FunctionsHost
    folder: Path

    @property
    def api(self) -> str:
        return f"http://localhost:{self.host.port}/api"

    async def give_app(self, key: str) -> None:
        """Have the app use a key, as a new value in the vault does; return when it does."""
        settings = self.folder / "local.settings.json"
        _, rest = settings.read_text().split("AccessKey=")
        changed = settings.read_text().replace(rest.split(";")[0], key)
        loaded = asyncio.ensure_future(self.host.reloaded())
        await asyncio.sleep(0)
        settings.write_text(changed)
        await loaded


@pytest.fixture
async def stack(app_folder: Path, tmp_path: Path) -> AsyncIterator[Stack]:
    """Start service and app; the app has the first key."""
    folder = tmp_path / "app"
    shutil.copytree(app_folder, folder)
    emulator = Emulator(keys=[FIRST, SECOND])
    await emulator.start(port=0)
    settings = folder / "local.settings.json"
    text = settings.read_text().replace("8888", str(emulator.port))
    settings.write_text(text.replace("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", FIRST))
    host = FunctionsHost(folder)
    host.bind(port=0)
    await host.start()
    emulator.upstream = [UpstreamRule(f"http://127.0.0.1:{host.port}{trigger.PATH}")]
    yield Stack(emulator, host, folder)
    await emulator.stop()
    await host.stop()


async def test_nobody_fails_to_negotiate_or_to_send_while_both_keys_are_renewed(
    stack: Stack, create_client: Callable[..., Awaitable[Any]]
) -> None:
    ann, bob = await create_client("node", EVENTS), await create_client("node", EVENTS)
    await ann.start(stack.api)
    await bob.start(stack.api)
    sent: list[str] = []
    is_over = asyncio.Event()

    async def chat() -> None:
        while not is_over.is_set():
            sent.append(f"message {len(sent)}")
            await ann.invoke("broadcast", sent[-1])

    arrivals: asyncio.Queue[None] = asyncio.Queue()

    async def negotiate() -> None:
        async with aiohttp.ClientSession() as session:
            while not is_over.is_set():
                await arrive(session, stack.api)
                arrivals.put_nowait(None)

    async def others_have_arrived() -> None:
        """Wait until whoever had negotiated before has connected: in Azure the wait is for that."""
        while not arrivals.empty():
            arrivals.get_nowait()
        for _ in range(2):
            await arrivals.get()

    async def all_is_well() -> None:
        newcomer = await create_client("pysignalr", EVENTS)
        await newcomer.start(stack.api)
        await newcomer.invoke("sendToUser", bob.user, f"hello from {newcomer.user}")

    chatting, arriving = asyncio.create_task(chat()), asyncio.create_task(negotiate())
    steps: list[Callable[[], Awaitable[None]]] = [
        lambda: stack.give_app(SECOND),
        lambda: renew(stack, [NEW_FIRST, SECOND]),
        lambda: stack.give_app(NEW_FIRST),
        lambda: renew(stack, [NEW_FIRST, NEW_SECOND]),
    ]
    for step in steps:
        await step()
        await all_is_well()
        waiting = asyncio.create_task(others_have_arrived())
        await asyncio.wait({waiting, arriving}, return_when=asyncio.FIRST_COMPLETED)
        if arriving.done():
            arriving.result()
    is_over.set()
    await asyncio.gather(chatting, arriving)
    heard: list[str] = []
    while len(heard) < len(sent):
        message = await bob.next("newMessage")
        heard += [message["text"]] if message["sender"] == ann.user else []
    assert heard == sent


async def arrive(session: aiohttp.ClientSession, api: str) -> None:
    """Negotiate with the app, and come with its token to the service."""
    async with session.post(f"{api}/negotiate?user=passer-by") as response:
        assert response.status == 200
        info = await response.json()
    url = info["url"].replace("/client/?", "/client/negotiate?") + "&negotiateVersion=1"
    async with session.post(url, headers={"Authorization": f"Bearer {info['accessToken']}"}) as response:
        assert response.status == 200


async def renew(stack: Stack, keys: list[str]) -> None:
    stack.emulator.keys = keys


async def test_a_key_that_is_renewed_before_the_app_has_the_other_one_shuts_it_out(
    stack: Stack, create_client: Callable[..., Awaitable[Any]]
) -> None:
    stack.emulator.keys = [NEW_FIRST, SECOND]
    client = await create_client("node", EVENTS)
    with pytest.raises(Exception, match="401"):
        await client.connect(f"{stack.api}?user={client.user}")
