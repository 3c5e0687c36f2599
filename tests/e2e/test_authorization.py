"""Requirements, end to end: a client without the role is refused, however the function was written."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

APP = Path(__file__).parent / "guarded_app"


class Launch(Protocol):
    def __call__(self, *arguments: str) -> Any: ...


type Connect = Callable[[str], Awaitable[Any]]


@pytest.fixture(scope="module")
def board(launch: Launch, example_folder: Callable[[Path], Path]) -> Iterator[str]:
    """Run the app and return the address of its API."""
    runtime = launch("--app", str(example_folder(APP)), "--port", "0", "--emulator-port", "0")
    address = runtime.wait_for(r"negotiate: \[POST\] (http://\S+)/negotiate")[1]
    runtime.wait_for(r"Ctrl\+C stops")
    yield address
    assert runtime.stop() == 0, runtime.text


@pytest.fixture
def connect(board: str, create_client: Callable[..., Awaitable[Any]]) -> Connect:
    """Connect a client with a role, or with none."""

    async def start(role: str) -> Any:
        client = await create_client("pysignalr", events=[])
        await client.connect(f"{board}?user={client.user}" + (f"&role={role}" if role else ""))
        return client

    return start


GUARDED = {
    "wipe": ([], "audited, wiped"),
    "close": ([], "closed"),
    "ban": (["bob"], "banned bob"),
    "publish": (["news"], "published news"),
    "archive": (["news"], "{user} archived news"),
}
"""Methods that require the role admin, their arguments and answers: an override, a sync method, a mixin, and
triggers with the requirement below and above."""


@pytest.mark.parametrize("role", ["", "user", "administrator"])
async def test_client_without_the_role_is_refused_every_time(connect: Connect, role: str) -> None:
    client = await connect(role)
    for method, (arguments, _) in GUARDED.items():
        refusal = await client.refusal(method, *arguments)
        assert refusal == f"{method} is not allowed: it requires the role admin."


async def test_client_with_the_role_may_call(connect: Connect) -> None:
    client = await connect("admin")
    for method, (arguments, answer) in GUARDED.items():
        assert await client.invoke(method, *arguments) == answer.format(user=client.user)


async def test_what_requires_nothing_is_for_every_client(connect: Connect) -> None:
    client = await connect("")
    assert await client.invoke("count") == 1
    assert await client.invoke("post", "hello") == f"{client.user}: hello"


@pytest.mark.parametrize("method", ["resetEverything", "reset_everything", "shorten", "_secret", "secret"])
async def test_what_is_not_an_event_cannot_be_called(connect: Connect, method: str) -> None:
    client = await connect("admin")
    assert "404" in await client.refusal(method, "x")


async def test_client_without_an_identity_is_not_let_in(board: str) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{board}/negotiate") as response:
        assert (response.status, await response.text()) == (401, "Sign in first.")
