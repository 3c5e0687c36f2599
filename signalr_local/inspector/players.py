"""Clients that the inspector plays: real connections, which outlive a reload of the page."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import aiohttp

from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr.protocol import handshake, json_protocol
from serverless_signalr.protocol.messages import NO_RESULT, Completion, HubMessage, Invocation, Ping
from signalr_local.emulator import Emulator
from signalr_local.inspector.events import MessageReceived, ServiceRequest
from signalr_local.inspector.journal import Journal

__all__ = ["MAX_PLAYERS", "Player", "Players"]

MAX_PLAYERS = 20
"""How many clients are played at a time."""

_PATIENCE = 110.0
"""Seconds to wait for an answer: longer than the emulator waits for the app."""

_MAX_ON_THE_WAY = 1000
"""How many events may lie between a message and its arrival."""

_PING = 10.0
_PINGED = json_protocol.encode(Ping())


class Player:
    """One connected client."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, hub: str, user_id: str | None) -> None:
        """Take a socket that is open; ``start`` shakes hands."""
        self.hub = hub
        self.user_id = user_id
        self.connection_id = ""
        self._socket = socket
        self._splitter = json_protocol.FrameSplitter()
        self._ids = itertools.count(1)
        self._calls: dict[str, asyncio.Future[Completion]] = {}
        self._arrived = 0
        """The number of the request whose message came last."""

    @property
    def is_open(self) -> bool:
        """Whether the connection is there."""
        return not self._socket.closed

    async def start(self) -> None:
        """Shake hands. Raise ConnectionError if the service refuses."""
        await self._socket.send_str(handshake.encode_request(handshake.HandshakeRequest("json", 1)))
        frame, *rest = self._splitter.feed(await self._socket.receive_str())
        if error := handshake.parse_response(frame):
            raise ConnectionError(error)
        for frame in rest:
            self._take(frame, None)

    async def call(self, target: str, arguments: Sequence[object]) -> Any:
        """Call a method of the hub and return the result. Raise ValueError with the error of the answer."""
        id = str(next(self._ids))
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._calls[id] = answer
        try:
            await self._socket.send_str(json_protocol.encode(Invocation(target, list(arguments), id)))
            async with asyncio.timeout(_PATIENCE):
                completion = await answer
        except TimeoutError:
            raise ValueError("there was no answer; in Azure the client would wait for ever, too") from None
        finally:
            del self._calls[id]
        if completion.error is not None:
            raise ValueError(completion.error)
        return None if completion.result is NO_RESULT else completion.result

    async def listen(self, journal: Journal) -> None:
        """Receive until the connection ends, and tell the journal."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                for frame in self._splitter.feed(message.data):
                    self._take(frame, journal)
        for call in self._calls.values():
            call.set_exception(ValueError("the connection was closed before the answer came"))

    async def ping(self) -> None:
        """Say from time to time that the client is there, as every client does."""
        while True:
            await asyncio.sleep(_PING)
            await self._socket.send_str(_PINGED)

    async def leave(self) -> None:
        """Hang up."""
        await self._socket.close()

    def _take(self, frame: str, journal: Journal | None) -> None:
        message: HubMessage | None = json_protocol.parse(frame)
        match message:
            case Completion() if message.invocation_id in self._calls:
                call = self._calls[message.invocation_id]
                if not call.done():
                    call.set_result(message)
            case Invocation() if journal is not None:
                sent = self._sending_of(message, journal)
                received = MessageReceived(
                    hub=self.hub,
                    connection_id=self.connection_id,
                    user_id=self.user_id,
                    target=message.target,
                    body=frame.encode(),
                    trace_id=None if sent is None else sent.trace_id,
                )
                journal.add(received, len(received.body))

    def _sending_of(self, message: Invocation, journal: Journal) -> ServiceRequest | None:
        """Return the request that sent a message: the first one to this client that has not come yet."""
        for event in journal.after(max(self._arrived, journal.last - _MAX_ON_THE_WAY)):
            if (
                isinstance(event, ServiceRequest)
                and event.target == message.target
                and self.connection_id in event.receivers
            ):
                self._arrived = event.seq
                return event
        return None


class Players:
    """Connect clients to an emulator, and hold them."""

    def __init__(self, emulator: Emulator, journal: Journal) -> None:
        self._emulator = emulator
        self._journal = journal
        self._session: aiohttp.ClientSession | None = None
        self._players: dict[str, Player] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def __iter__(self) -> "itertools.chain[Player]":
        return itertools.chain(self._players.values())

    def find(self, connection_id: str) -> Player:
        """Return a client. Raise ValueError if it is gone."""
        player = self._players.get(connection_id)
        if player is None or not player.is_open:
            raise ValueError("this client is gone: connect another one")
        return player

    async def connect(self, hub: str, user_id: str | None, claims: Mapping[str, str]) -> Player:
        """Connect a client. Raise ValueError if the service refuses, or there are too many."""
        if len(self._players) >= MAX_PLAYERS:
            raise ValueError(f"there are {MAX_PLAYERS} clients already: let one leave first")
        if self._session is None:
            self._session = aiohttp.ClientSession()
        token = sign_client_token(self._emulator.endpoint, hub, user_id=user_id, claims=claims)
        headers = {"Authorization": f"Bearer {token}"}
        base = f"http://localhost:{self._emulator.port}/client"
        query = f"hub={quote(hub.lower())}"
        try:
            async with self._session.post(
                f"{base}/negotiate?{query}&negotiateVersion=1", headers=headers
            ) as response:
                if response.status != 200:
                    raise ValueError(f"the service answered {response.status}: {await response.text()}")
                offer = await response.json()
            socket = await self._session.ws_connect(
                f"{base}/?{query}&id={offer['connectionToken']}", headers=headers, max_msg_size=0
            )
            player = Player(socket, hub.lower(), user_id)
            player.connection_id = offer["connectionId"]
            await player.start()
        except (aiohttp.ClientError, ConnectionError, TypeError) as error:
            raise ValueError(f"the client could not connect: {error}") from None
        self._players[player.connection_id] = player
        task = asyncio.create_task(self._hold(player))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return player

    async def stop(self) -> None:
        """Let all clients leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _hold(self, player: Player) -> None:
        pinging = asyncio.create_task(player.ping())
        try:
            await player.listen(self._journal)
        finally:
            pinging.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await pinging
            self._players.pop(player.connection_id, None)
