"""The answers example, and the client module in Node, against the emulator."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "answers"
CLIENT = Path(__file__).parent / "answers_client.mjs"
PATIENCE = 60


class Launch(Protocol):
    def __call__(self, *arguments: str, environment: dict[str, str]) -> Any: ...


class Device:
    """One page of a user, without a browser."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._results: dict[int, asyncio.Future[Any]] = {}
        self.events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def call(self, command: str, **rest: object) -> Any:
        number = next(self._numbers)
        self._results[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(
            (json.dumps({"number": number, "command": command, **rest}) + "\n").encode()
        )
        return await asyncio.wait_for(self._results[number], PATIENCE)

    def begin(self, command: str, **rest: object) -> None:
        """Call, and do not wait for the result: it comes when the answer has ended."""
        call = asyncio.create_task(self.call(command, **rest))
        call.add_done_callback(lambda done: done.exception())

    async def wait_for(self, event: str, **members: object) -> dict[str, Any]:
        while True:
            found = await asyncio.wait_for(self.events.get(), PATIENCE)
            if found["event"] == event and members.items() <= found.items():
                return found

    async def piece_of_text(self, answer_id: str) -> dict[str, Any]:
        return await self.wait_for("piece", id=answer_id, kind="text")

    async def end(self, answer_id: str) -> dict[str, Any]:
        return await self.wait_for("ended", id=answer_id)

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for text in self._process.stdout:
            line = json.loads(text)
            if "event" in line:
                self.events.put_nowait(line)
            elif "error" in line:
                self._results.pop(line["number"]).set_exception(RuntimeError(line["error"]))
            else:
                self._results.pop(line["number"]).set_result(line["result"])


@pytest.fixture(scope="module")
def api(launch: Launch, example_folder: Callable[[Path], Path]) -> Iterator[str]:
    """Run the example with its built-in generator and return the address of its API."""
    folder = example_folder(EXAMPLE)
    options = ("--app", str(folder), "--port", "0", "--emulator-port", "0")
    runtime = launch(*options, environment={"OPENAI_API_KEY": "", "BUILT_IN_PAUSE": "0.02"})
    address = runtime.wait_for(r"negotiate: \[POST\] (http://\S+)/negotiate")[1]
    runtime.wait_for(r"Ctrl\+C stops")
    yield address
    assert runtime.stop() == 0, runtime.text


@pytest.fixture
async def connect(api: str) -> AsyncIterator[Callable[..., Awaitable[Device]]]:
    """Connect a device of a user."""
    devices: list[Device] = []

    async def start(user: str, **options: Any) -> Device:
        pipe = asyncio.subprocess.PIPE
        device = Device(await asyncio.create_subprocess_exec("node", str(CLIENT), stdin=pipe, stdout=pipe))
        devices.append(device)
        await device.call("start", url=f"{api}?user={user}", **options)
        return device

    yield start
    await asyncio.gather(*(device.close() for device in devices))


@pytest.fixture
def user() -> str:
    return f"ann-{uuid4().hex[:8]}"


@pytest.fixture
def answer_id() -> str:
    return uuid4().hex


def whole(question: str) -> str:
    """Return the text that the built-in generator writes."""
    namespace: dict[str, Any] = {}
    source = (EXAMPLE / "model.py").read_text(encoding="utf-8")
    exec(compile(source[source.index("_BUILT_IN = ") : source.index("_SILENCE")], "model", "exec"), namespace)
    return str(namespace["_BUILT_IN"].format(question=question)) + " "


async def test_answer_arrives_whole_in_order_and_rolled_up(connect: Any, user: str, answer_id: str) -> None:
    device = await connect(user)
    await device.call("ask", id=answer_id, question="tea?")
    found = await device.end(answer_id)
    assert found["text"] == whole("tea?")
    assert found["end"] == "done"
    assert found["seqs"] == list(range(1, len(found["seqs"]) + 1))
    assert len(found["seqs"]) < len(whole("tea?").split(" "))


async def test_pieces_that_are_lost_or_come_twice_do_no_harm(connect: Any, user: str, answer_id: str) -> None:
    device = await connect(user, drop=3)
    await device.call("ask", id=answer_id, question="tea?")
    found = await device.end(answer_id)
    assert (found["text"], found["end"]) == (whole("tea?"), "done")
    assert found["seqs"] == sorted(set(found["seqs"]))
    assert "reset" not in found["kinds"]


async def test_second_device_sees_the_same_answer_from_its_middle(
    connect: Any, user: str, answer_id: str
) -> None:
    first = await connect(user)
    first.begin("ask", id=answer_id, question="tea?")
    await first.piece_of_text(answer_id)
    second = await connect(user, onAnswer=True)
    for device in (second, first):
        found = await device.end(answer_id)
        assert (found["text"], found["end"]) == (whole("tea?"), "done")


async def test_reload_in_the_middle_loses_no_letter(connect: Any, user: str, answer_id: str) -> None:
    first = await connect(user)
    first.begin("ask", id=answer_id, question="tea?")
    await first.piece_of_text(answer_id)
    await first.close()
    second = await connect(user)
    await second.call("follow", id=answer_id)
    assert (await second.end(answer_id))["text"] == whole("tea?")


async def test_answer_that_has_ended_is_there_after_a_reload(connect: Any, user: str, answer_id: str) -> None:
    device = await connect(user)
    await device.call("ask", id=answer_id, question="tea?")
    await device.end(answer_id)
    later = await connect(user)
    await later.call("follow", id=answer_id)
    found = await later.end(answer_id)
    assert (found["text"], found["end"]) == (whole("tea?"), "done")


async def test_any_device_of_the_user_stops_the_answer(connect: Any, user: str, answer_id: str) -> None:
    first, second = await connect(user), await connect(user)
    first.begin("ask", id=answer_id, question="tea?")
    await first.piece_of_text(answer_id)
    assert await second.call("cancel", id=answer_id)
    found = await first.end(answer_id)
    assert found["end"] == "cancelled"
    assert whole("tea?").startswith(found["text"])
    assert found["text"] != whole("tea?")


async def test_others_can_neither_see_nor_stop_it(connect: Any, user: str, answer_id: str) -> None:
    ann, eve = await connect(user), await connect(f"eve-{user}", onAnswer=True)
    ann.begin("ask", id=answer_id, question="tea?")
    await ann.piece_of_text(answer_id)
    assert not await eve.call("cancel", id=answer_id)
    stolen = await eve.call("invoke", target="resumeAnswer", args=[answer_id, 0])
    assert (stolen["state"], stolen["pieces"], stolen["text"]) == ("unknown", [], None)
    assert (await ann.end(answer_id))["end"] == "done"
    assert eve.events.empty()


async def test_members_of_a_group_see_an_answer_and_resume_it(
    connect: Any, user: str, answer_id: str
) -> None:
    group = f"tea-{uuid4().hex[:6]}"
    ann, bob = await connect(user), await connect(f"bob-{user}", drop=4, onAnswer=True)
    for member in (ann, bob):
        await member.call("invoke", target="join", args=[group])
    await ann.call("ask", id=answer_id, question="tea?", group=group)
    for member in (ann, bob):
        assert (await member.end(answer_id))["text"] == whole("tea?")
    assert not await bob.call("cancel", id=answer_id)


async def test_group_that_one_is_not_in_cannot_be_asked(connect: Any, user: str, answer_id: str) -> None:
    ann = await connect(user)
    with pytest.raises(RuntimeError, match=r"400 You are not in the group nowhere\."):
        await ann.call("ask", id=answer_id, question="tea?", group="nowhere")


async def test_id_of_an_answer_cannot_be_used_again(connect: Any, user: str, answer_id: str) -> None:
    ann, eve = await connect(user), await connect(f"eve-{user}")
    ann.begin("ask", id=answer_id, question="tea?")
    await ann.piece_of_text(answer_id)
    with pytest.raises(RuntimeError, match="409 There is an answer with this id already"):
        await eve.call("ask", id=answer_id, question="coffee?")
    assert (await ann.end(answer_id))["text"] == whole("tea?")
