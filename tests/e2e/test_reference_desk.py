"""The second example, end to end: what a chat does not show."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "reference_desk"


class Launch(Protocol):
    def __call__(self, *arguments: str) -> Any: ...


type Sit = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="module")
def desk(launch: Launch, example_folder: Callable[[Path], Path]) -> Iterator[str]:
    """Run the example and return the address of its API."""
    runtime = launch("--app", str(example_folder(EXAMPLE)), "--port", "0", "--emulator-port", "0")
    address = runtime.wait_for(r"negotiate: \[POST\] (http://\S+)/negotiate")[1]
    runtime.wait_for(r"Ctrl\+C stops")
    yield address
    assert runtime.stop() == 0, runtime.text


@pytest.fixture
def sit(desk: str, create_client: Callable[..., Awaitable[Any]]) -> Sit:
    """Sit down at the desk, with a role or without."""

    async def connect(role: str = "", answers: dict[str, Any] | None = None) -> Any:
        client = await create_client("node", events=["answerPiece", "asked", "notice"], answers=answers)
        await client.connect(f"{desk}?user={client.user}" + (f"&role={role}" if role else ""))
        return client

    return connect


async def heard(client: Any, answer_id: str) -> list[str]:
    """Return the texts of an answer's pieces."""
    texts: list[str] = []
    while True:
        event, arguments = await client.received.get()
        if event != "answerPiece" or arguments[0]["id"] != answer_id:
            continue
        if arguments[0]["kind"] == "done":
            assert arguments[0]["seq"] == len(texts) + 1
            return texts
        texts.append(arguments[0]["text"])


async def test_an_answer_is_streamed_to_the_one_who_asked(sit: Sit) -> None:
    reader, other = await sit(answers={"go_on": True}), await sit()
    answer_id = await reader.invoke("ask", "len")
    assert "".join(await heard(reader, answer_id)) == "Return the number of items in a container."
    assert other.received.empty()


@pytest.mark.parametrize(("answer", "is_whole"), [(True, True), (False, False)])
async def test_a_reader_is_asked_whether_to_go_on(sit: Sit, answer: bool, is_whole: bool) -> None:
    reader = await sit(answers={"goOn": answer})
    answer_id = await reader.invoke("ask", "str.split")
    words = "".join(await heard(reader, answer_id)).split()
    assert (len(words) > 50) is is_whole


async def test_a_watcher_hears_who_asks_about_its_topic_on_later_connections_too(sit: Sit) -> None:
    reader, watcher = await sit(answers={"goOn": False}), await sit()
    await watcher.invoke("watch", "str", 5)
    await reader.invoke("ask", "str.upper")
    event, arguments = await watcher.received.get()
    assert (event, arguments) == ("asked", ["str.upper"])


async def test_only_a_librarian_may_announce(sit: Sit) -> None:
    librarian, reader = await sit(role="librarian"), await sit()
    refusal = await reader.refusal("announce", "I am in charge")
    await librarian.invoke("announce", "closing at six")
    assert refusal == "announce is not allowed: it requires the role librarian."
    assert await reader.received.get() == ("notice", ["closing at six"])


async def test_a_librarian_sends_everybody_else_home(sit: Sit) -> None:
    librarian, reader = await sit(role="librarian"), await sit()
    await librarian.invoke("close", "fire drill")
    event, _ = await asyncio.wait_for(reader.received.get(), 60)
    assert event == "closed"
    assert await librarian.refusal("ask", "no name") == "'no name' is not a name such as len or str.split."
