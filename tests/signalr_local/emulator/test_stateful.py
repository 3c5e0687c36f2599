"""Stateful reconnect: a connection that outlives its sockets, nothing lost and nothing twice."""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr.protocol.messages import Ack, Invocation, ProtocolError, Sequence
from signalr_local.emulator import UpstreamRule
from signalr_local.emulator.backlog import Backlog
from signalr_local.emulator.protocols import Encoded
from signalr_local.emulator.resumption import Resumption

type Start = Callable[..., Any]

_SCRIPT = Path(__file__).with_name("stateful_client.mjs")
PATIENCE = 30.0
HANDSHAKE = '{"protocol":"json","version":2}\x1e'


def encoded(number: int) -> Encoded:
    return Encoded(b"%d" % number, True)


def resumption(limit: int = 1000) -> tuple[Resumption, list[str]]:
    cuts: list[str] = []
    return Resumption(Backlog(limit, limit), lambda: cuts.append("cut")), cuts


def test_what_is_acknowledged_is_not_sent_again() -> None:
    state, _ = resumption()
    for number in range(1, 6):
        state.sent(encoded(number))
    state.acknowledge(3)
    assert state.next_sequence == 4
    assert [message.payload for message in state.unacknowledged] == [b"4", b"5"]
    state.acknowledge(2)
    assert state.next_sequence == 4
    state.acknowledge(100)
    assert state.next_sequence == 6
    assert not list(state.unacknowledged)


def test_what_was_received_already_is_not_new_after_a_new_socket() -> None:
    state, call = resumption()[0], Invocation("m", [])
    assert all(state.is_new(call) for _ in range(3))
    state.interrupt()
    assert not state.is_new(call)
    state.go_on(2)
    assert [state.is_new(call) for _ in range(4)] == [False, False, True, True]
    assert state.received == 5


@pytest.mark.parametrize("number", [0, -1, 5])
def test_a_client_cannot_leave_messages_out(number: int) -> None:
    state, _ = resumption()
    for _ in range(3):
        state.is_new(Invocation("m", []))
    with pytest.raises(ProtocolError):
        state.go_on(number)


def test_a_client_that_acknowledges_nothing_is_cut_off() -> None:
    state, cuts = resumption(10)
    for _ in range(11):
        state.sent(encoded(1))
    assert cuts == ["cut"]


class Stateful:
    """Speak version 2 of the hub protocol over the bare wire, on one socket after the other."""

    def __init__(self, service: Any, token: str, connection_id: str) -> None:
        self.service = service
        self.token = token
        self.connection_id = connection_id
        self.client: Any = None

    @classmethod
    async def of(cls, service: Any) -> "Stateful":
        answer = (await service.negotiate("hub=chat&negotiateVersion=1&useStatefulReconnect=true")).json()
        assert answer["useStatefulReconnect"] is True
        stateful = cls(service, answer["connectionToken"], answer["connectionId"])
        await stateful.open()
        await stateful.client.send_text(HANDSHAKE)
        assert await stateful.client.next_frame() == "{}"
        return stateful

    async def open(self) -> None:
        self.client = await self.service.open(f"hub=chat&id={self.token}")

    async def cut(self) -> None:
        """Lose the socket and go on with another."""
        self.client.vanish()
        await self.open()


@pytest.fixture
async def service(start: Start, app: Any) -> Any:
    return await start([UpstreamRule(app.url)], stateful_reconnect=True)


async def test_a_connection_goes_on_on_another_socket(service: Any, app: Any) -> None:
    stateful = await Stateful.of(service)
    await app.next("connected")
    await service.send("", "one")
    assert (await stateful.client.next())["arguments"] == ["one"]
    await stateful.cut()
    await service.send("", "two")
    # Nothing is acknowledged yet, so the first message comes again.
    assert await stateful.client.next() == {"type": 9, "sequenceId": 1}
    assert [(await stateful.client.next())["arguments"] for _ in range(2)] == [["one"], ["two"]]
    await stateful.client.send({"type": 9, "sequenceId": 1}, {"type": 1, "target": "m", "arguments": []})
    assert (await app.next("m")).connection_id == stateful.connection_id


async def test_a_call_that_comes_again_reaches_the_app_once(service: Any, app: Any) -> None:
    stateful = await Stateful.of(service)
    await app.next("connected")
    call = {"type": 1, "target": "first", "arguments": []}
    await stateful.client.send(call)
    await app.next("first")
    await stateful.cut()
    after = {"type": 1, "target": "after", "arguments": []}
    await stateful.client.send({"type": 9, "sequenceId": 1}, call, after)
    await app.next("after")


async def test_messages_before_the_clients_number_are_not_looked_at(service: Any, app: Any) -> None:
    stateful = await Stateful.of(service)
    await app.next("connected")
    await stateful.cut()
    call = {"type": 1, "target": "m", "arguments": []}
    await stateful.client.send({**call, "target": "early"}, {"type": 9, "sequenceId": 1}, call)
    await app.next("m")


async def test_what_the_client_has_acknowledged_does_not_come_again(service: Any) -> None:
    stateful = await Stateful.of(service)
    for number in range(3):
        await service.send("", number)
        await stateful.client.next()
    await stateful.client.send({"type": 8, "sequenceId": 2})
    # Its answer shows that the acknowledgement has been read.
    await stateful.client.send({"type": 4, "invocationId": "1", "target": "s", "arguments": []})
    await stateful.client.next()
    await stateful.cut()
    assert await stateful.client.next() == {"type": 9, "sequenceId": 3}
    assert (await stateful.client.next())["arguments"] == [2]


async def test_what_the_client_sends_is_acknowledged(service: Any) -> None:
    stateful = await Stateful.of(service)
    for _ in range(3):
        await stateful.client.send({"type": 1, "target": "m", "arguments": []})
    assert await stateful.client.next() == {"type": 8, "sequenceId": 3}


async def test_messages_that_are_missing_close_the_connection(service: Any, app: Any) -> None:
    stateful = await Stateful.of(service)
    await app.next("connected")
    await stateful.cut()
    await stateful.client.next()
    await stateful.client.send({"type": 9, "sequenceId": 2})
    assert (await stateful.client.next())["type"] == 7
    assert "message 1 has not come" in (await app.next("disconnected")).json()["Error"]


async def test_a_client_that_does_not_come_back_has_left(start: Start, app: Any) -> None:
    service = await start([UpstreamRule(app.url)], stateful_reconnect=True, resume=0.05)
    stateful = await Stateful.of(service)
    await app.next("connected")
    stateful.client.vanish()
    assert (await app.next("disconnected")).json() == {"Type": 11}
    assert await service.refusal(f"hub=chat&id={stateful.token}") == 404


async def test_a_client_that_says_goodbye_has_left_at_once(service: Any, app: Any) -> None:
    stateful = await Stateful.of(service)
    await app.next("connected")
    await stateful.client.leave()
    await app.next("disconnected")


async def test_a_socket_that_is_still_there_gives_way_to_the_next(service: Any, app: Any) -> None:
    stateful = await Stateful.of(service)
    await app.next("connected")
    old = stateful.client
    await stateful.open()
    await old.ended()
    assert await stateful.client.next() == {"type": 9, "sequenceId": 1}
    assert app.events.empty()


async def test_a_client_that_is_away_can_be_closed(service: Any, app: Any) -> None:
    stateful = await Stateful.of(service)
    await app.next("connected")
    stateful.client.vanish()
    await service.rest("DELETE", f"/connections/{stateful.connection_id}")
    await app.next("disconnected")


async def test_an_answer_of_several_messages_counts_each(service: Any, app: Any) -> None:
    completion = '{"type":3,"invocationId":"1"}\x1e'
    app.answer("m", body=completion * 2)
    stateful = await Stateful.of(service)
    await stateful.client.send({"type": 1, "invocationId": "1", "target": "m", "arguments": []})
    for _ in range(2):
        assert (await stateful.client.next())["type"] == 3
    await stateful.client.send({"type": 8, "sequenceId": 1})
    await stateful.client.send({"type": 4, "invocationId": "2", "target": "s", "arguments": []})
    assert (await stateful.client.next())["invocationId"] == "2"
    await stateful.cut()
    assert await stateful.client.next() == {"type": 9, "sequenceId": 2}


async def test_it_is_off_unless_it_is_allowed(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    service = await start()
    answer = (await service.negotiate("hub=chat&negotiateVersion=1&useStatefulReconnect=true")).json()
    assert "useStatefulReconnect" not in answer
    assert "--stateful-reconnect" in caplog.text
    client = await service.open(f"hub=chat&id={answer['connectionToken']}")
    assert await service.refusal(f"hub=chat&id={answer['connectionToken']}") == 409
    await client.leave()


@pytest.mark.parametrize(
    "query", ["hub=chat&negotiateVersion=1", "hub=chat&useStatefulReconnect=true", "hub=chat"]
)
async def test_who_does_not_ask_for_it_does_not_get_it(service: Any, query: str) -> None:
    assert "useStatefulReconnect" not in (await service.negotiate(query)).json()


async def test_version_1_of_the_protocol_does_without_it(service: Any, app: Any) -> None:
    answer = (await service.negotiate("hub=chat&negotiateVersion=1&useStatefulReconnect=true")).json()
    client = await service.open(f"hub=chat&id={answer['connectionToken']}")
    await client.send_text(HANDSHAKE.replace("2", "1"))
    await client.next_frame()
    await app.next("connected")
    client.vanish()
    await app.next("disconnected")


@pytest.mark.parametrize("message", [Ack(7), Sequence(2**40)])
def test_its_messages_have_a_form_in_each_protocol(message: Ack | Sequence) -> None:
    from signalr_local.emulator.protocols import PROTOCOLS

    for protocol in PROTOCOLS.values():
        (frame,) = protocol.reader(100).feed(protocol.encode(message))
        assert protocol.parse(frame) == message


class Proxy:
    """Pass bytes on between clients and the emulator, and cut connections off when told to."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._cuts: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.websockets = 0

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        for writer in self._cuts:
            writer.transport.abort()

    async def stop(self) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._cuts |= {writer, up_writer}
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(self._pass_on(reader, up_writer), self._pass_on(up_reader, writer))
        for end in (writer, up_writer):
            end.transport.abort()
            self._cuts.discard(end)
        self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            if data.startswith(b"GET "):
                self.websockets += 1
            writer.write(data)
            await writer.drain()
        raise ConnectionError


@pytest.fixture
async def proxy(service: Any) -> AsyncIterator[tuple[Proxy, str]]:
    """Run a proxy before the emulator, and what tells clients to connect to it; yield that address."""
    proxy = Proxy(service.emulator.port)
    port = await proxy.start()

    async def answer(request: web.BaseRequest) -> web.Response:
        url = f"http://127.0.0.1:{port}/client/?hub=chat"
        token = service.client_token(user_id="ann")
        return web.json_response({"url": url, "accessToken": token})

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield proxy, f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    await runner.cleanup()
    await proxy.stop()


@pytest.mark.parametrize("protocol", ["json", "messagepack"])
async def test_under_random_cuts_the_javascript_client_loses_nothing_and_gets_nothing_twice(
    service: Any, app: Any, proxy: tuple[Proxy, str], pytestconfig: pytest.Config, protocol: str
) -> None:
    cuts = 200 if pytestconfig.getoption("--full") else 12
    between, url = proxy
    chance = random.Random(protocol)
    process = await asyncio.create_subprocess_exec(
        *("node", str(_SCRIPT), url, protocol), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout

    async def hear() -> Any:
        async with asyncio.timeout(PATIENCE):
            return json.loads(await process.stdout.readline())  # type: ignore[union-attr]

    try:
        connection_id = (await hear())["opened"]
        await app.next("connected")
        sent = received = asked = arrived = 0

        async def exchange(count: int) -> None:
            nonlocal sent, asked
            assert process.stdin
            process.stdin.write(b"send %d\n" % count)
            asked += count
            for _ in range(count):
                message = {"target": "number", "arguments": [sent]}
                await service.rest("POST", f"/connections/{connection_id}/:send", message=message)
                sent += 1

        for _ in range(cuts):
            await exchange(chance.randrange(1, 40))
            if chance.random() < 0.5:
                # What is under way is at another place when the socket breaks.
                await asyncio.sleep(chance.random() / 50)
            between.cut()
            await exchange(1)
            # A cut before the client is back would be the end of it: it tries once.
            while received < sent:
                assert await hear() == {"received": received}
                received += 1
            while arrived < asked:
                event = await app.next("number")
                assert event.connection_id == connection_id
                assert event.call().arguments == [arrived]
                arrived += 1
        assert between.websockets == cuts + 1
        assert app.events.empty()
        process.stdin.close()
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
        await app.next("disconnected")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
