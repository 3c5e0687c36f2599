"""Requirements, end to end: a client without the role is refused, however the function was written."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

APP = Path(__file__).parent / "guarded_app"


HUB = {
    "wipe": ([], "audited, wiped"),
    "purge": ([], "purged"),
    "close": ([], "closed"),
    "ban": (["bob"], "banned bob"),
    "tidy": ([], "tidied, wiped"),
}
"""Methods of the hub that require the role admin, their arguments and answers: overrides without and with the
decorator, a sync method, a method of a mixin, and a method that calls a guarded one."""

TRIGGERS = {
    "publish": (["news"], "published news"),
    "archive": (["news"], "{user} archived news"),
}
"""Functions with a trigger, with the requirement below it and above it."""


class Launch(Protocol):
    def __call__(self, *arguments: str, environment: dict[str, str]) -> Any: ...


@dataclass(frozen=True)
class Board:
    """A running app, and what requires a role there."""

    api: str
    guarded: dict[str, tuple[list[str], str]]


type Connect = Callable[[str], Awaitable[Any]]


@pytest.fixture(scope="module", params=["triggers", "HTTP upstream"])
def board(
    launch: Launch, example_folder: Callable[[Path], Path], request: pytest.FixtureRequest
) -> Iterator[Board]:
    """Run the app."""
    options = ["--app", str(example_folder(APP)), "--port", "0", "--emulator-port", "0"]
    environment, guarded = {}, HUB | TRIGGERS
    if request.param == "HTTP upstream":
        options += ["--upstream", "/api/upstream"]
        environment, guarded = {"UPSTREAM_ROUTE": "upstream"}, HUB
    runtime = launch(*options, environment=environment)
    address = runtime.wait_for(r"negotiate: \[POST\] (http://\S+)/negotiate")[1]
    runtime.wait_for(r"Ctrl\+C stops")
    yield Board(address, guarded)
    assert runtime.stop() == 0, runtime.text


@pytest.fixture
def connect(board: Board, create_client: Callable[..., Awaitable[Any]]) -> Connect:
    """Connect a client with a role, or with none."""

    async def start(role: str) -> Any:
        client = await create_client("pysignalr", events=[])
        await client.connect(f"{board.api}?user={client.user}" + (f"&role={role}" if role else ""))
        return client

    return start


@pytest.mark.parametrize("role", ["", "user", "administrator"])
async def test_client_without_the_role_is_refused_every_time(
    board: Board, connect: Connect, role: str
) -> None:
    client = await connect(role)
    for method, (arguments, _) in board.guarded.items():
        refusal = await client.refusal(method, *arguments)
        assert refusal == f"{method} is not allowed: it requires the role admin."


async def test_client_with_the_role_may_call(board: Board, connect: Connect) -> None:
    client = await connect("admin")
    for method, (arguments, answer) in board.guarded.items():
        assert await client.invoke(method, *arguments) == answer.format(user=client.user)


async def test_what_requires_nothing_is_for_every_client(connect: Connect) -> None:
    client = await connect("")
    assert await client.invoke("count") == 1
    assert await client.invoke("post", "hello") == f"{client.user}: hello"


@pytest.mark.parametrize("method", ["resetEverything", "reset_everything", "shorten", "_secret", "secret"])
async def test_what_is_not_an_event_cannot_be_called(connect: Connect, method: str) -> None:
    client = await connect("admin")
    assert "404" in await client.refusal(method, "x")


async def test_client_without_an_identity_is_not_let_in(board: Board) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{board.api}/negotiate") as response:
        assert (response.status, await response.text()) == (401, "Sign in first.")
