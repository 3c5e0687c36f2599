"""What a hub does to its clients: the requests that the service gets, and who receives what."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol

import aiohttp
import pytest
from aiohttp import web

from serverless_signalr import HubException, SignalRConnectionInfo
from serverless_signalr._hub.clients import target
from serverless_signalr._rest.background import run_sync
from serverless_signalr.errors import NotFoundError
from serverless_signalr.hub import ServerlessHub
from serverless_signalr.rest import GroupConnection
from signalr_local.emulator import DEFAULT_ACCESS_KEY, Emulator

PATIENCE = 10.0
"""Seconds after which something that should have happened has not."""


class ChatClient(Protocol):
    async def new_message(self, text: str) -> None: ...

    @target("Renamed")
    async def other(self, text: str) -> None: ...

    async def ask_age(self) -> int: ...


class Chat(ServerlessHub[ChatClient]):
    pass


class AnyChat(ServerlessHub, hub="Chat"):
    pass


# The requests.

type Request = tuple[str, str, list[tuple[str, str]], Any]
"""A request: method, path below the hub, query but for the version, JSON value of the body."""


class Recorder:
    """Stand in for the service: keep the requests, and answer them as told."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: dict[str, list[web.Response]] = {}
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)

    async def start(self) -> str:
        """Listen, and return the connection string."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        return f"Endpoint=http://localhost;Port={port};AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path.removeprefix("/api/hubs/chat")
        query = [(name, value) for name, value in request.query.items() if name != "api-version"]
        body = await request.read()
        self.requests.append((request.method, path, query, json.loads(body) if body else None))
        answers = self.answers.get(path)
        return answers.pop(0) if answers else web.Response()


@pytest.fixture
async def recorder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Recorder]:
    """Run a service that keeps its requests, and have the app use it."""
    recorder = Recorder()
    monkeypatch.setenv("AzureSignalRConnectionString", await recorder.start())
    yield recorder
    await recorder.stop()


@pytest.fixture
async def chat(recorder: Recorder) -> AsyncIterator[Chat]:
    chat = Chat()
    yield chat
    await chat.service.aclose()


type Use[T] = Callable[[T], Awaitable[object]]

HI = {"target": "newMessage", "arguments": ["hi"]}


@pytest.mark.parametrize(
    ("choose", "path", "query"),
    [
        pytest.param(lambda to: to.all, "/:send", [], id="all"),
        pytest.param(
            lambda to: to.all_except(["c1", "c2"]),
            "/:send",
            [("excluded", "c1"), ("excluded", "c2")],
            id="all-except",
        ),
        pytest.param(lambda to: to.all_except([]), "/:send", [], id="all-except-nobody"),
        pytest.param(lambda to: to.client("c1"), "/connections/c1/:send", [], id="client"),
        pytest.param(lambda to: to.client("a/b c?"), "/connections/a%2Fb%20c%3F/:send", [], id="escaped"),
        pytest.param(lambda to: to.group("g"), "/groups/g/:send", [], id="group"),
        pytest.param(
            lambda to: to.group_except("g", ["c1"]),
            "/groups/g/:send",
            [("excluded", "c1")],
            id="group-except",
        ),
        pytest.param(lambda to: to.user("ann"), "/users/ann/:send", [], id="user"),
    ],
)
async def test_choice_of_clients_is_one_request(
    chat: Chat, recorder: Recorder, choose: Callable[[Any], ChatClient], path: str, query: list[Any]
) -> None:
    await choose(chat.clients).new_message("hi")
    assert recorder.requests == [("POST", path, query, HI)]


@pytest.mark.parametrize(
    ("choose", "paths"),
    [
        pytest.param(
            lambda to: to.clients(["c1", "c2"]),
            {"/connections/c1/:send", "/connections/c2/:send"},
            id="clients",
        ),
        pytest.param(lambda to: to.groups(["g", "h"]), {"/groups/g/:send", "/groups/h/:send"}, id="groups"),
        pytest.param(
            lambda to: to.users(["ann", "bob"]), {"/users/ann/:send", "/users/bob/:send"}, id="users"
        ),
        pytest.param(lambda to: to.users(["ann", "ann"]), {"/users/ann/:send"}, id="the-same-twice"),
        pytest.param(lambda to: to.users([]), set(), id="nobody"),
    ],
)
async def test_choice_of_several_is_a_request_for_each(
    chat: Chat, recorder: Recorder, choose: Callable[[Any], ChatClient], paths: set[str]
) -> None:
    await choose(chat.clients).new_message("hi")
    assert [request for request in recorder.requests if request[3] != HI] == []
    assert sorted(request[1] for request in recorder.requests) == sorted(paths)


@pytest.mark.parametrize(
    "choose",
    [
        lambda chat: chat.clients.clients("ann"),
        lambda chat: chat.clients.groups("ann"),
        lambda chat: chat.clients.users("ann"),
        lambda chat: chat.clients.all_except("ann"),
        lambda chat: chat.clients.group_except("g", "ann"),
    ],
    ids=["clients", "groups", "users", "all_except", "group_except"],
)
def test_text_in_place_of_several_is_refused_where_it_is_written(
    chat: Chat, choose: Callable[[Chat], object]
) -> None:
    with pytest.raises(TypeError, match="are 'ann', expected a list of texts"):
        choose(chat)


@pytest.mark.parametrize(
    "close",
    [
        lambda manager: manager.close_all(excluded="c1"),
        lambda manager: manager.close_user("ann", excluded="c1"),
        lambda manager: manager.close_group("g", excluded="c1"),
    ],
    ids=["all", "user", "group"],
)
async def test_text_in_place_of_the_excluded_closes_nothing(
    chat: Chat, recorder: Recorder, close: Callable[[Any], Any]
) -> None:
    with pytest.raises(TypeError, match="are 'c1', expected a list of texts"):
        await close(chat.client_manager)
    assert recorder.requests == []


async def test_name_of_the_target_may_differ(chat: Chat, recorder: Recorder) -> None:
    await chat.clients.all.other("hi")
    assert recorder.requests[0][3] == {"target": "Renamed", "arguments": ["hi"]}


async def test_hub_without_an_interface_sends_any_target(recorder: Recorder) -> None:
    chat = AnyChat()
    await chat.clients.user("ann").send("Any_Target", 1, None)
    await chat.service.aclose()
    assert recorder.requests == [
        ("POST", "/users/ann/:send", [], {"target": "Any_Target", "arguments": [1, None]})
    ]


async def test_sync_code_sends_from_a_thread(chat: Chat, recorder: Recorder) -> None:
    def send() -> None:
        run_sync(chat.clients.all.new_message("hi"))

    await asyncio.to_thread(send)
    assert recorder.requests == [("POST", "/:send", [], HI)]


async def test_client_is_asked_for_a_result(chat: Chat, recorder: Recorder) -> None:
    recorder.answers["/connections/c1/:invoke"] = [web.json_response({"result": 42})]
    assert await chat.clients.client("c1").ask_age() == 42
    assert recorder.requests == [
        ("POST", "/connections/c1/:invoke", [], {"target": "askAge", "arguments": []})
    ]


@pytest.mark.parametrize(
    ("use", "request_"),
    [
        pytest.param(
            lambda chat: chat.groups.add("g", connection_id="c1"),
            ("PUT", "/groups/g/connections/c1", []),
            id="group-add",
        ),
        pytest.param(
            lambda chat: chat.groups.remove("g", connection_id="c1"),
            ("DELETE", "/groups/g/connections/c1", []),
            id="group-remove",
        ),
        pytest.param(
            lambda chat: chat.groups.remove_from_all(connection_id="c1"),
            ("DELETE", "/connections/c1/groups", []),
            id="group-remove-from-all",
        ),
        pytest.param(
            lambda chat: chat.user_groups.add("g", user_id="ann"),
            ("PUT", "/users/ann/groups/g", []),
            id="user-group-add",
        ),
        pytest.param(
            lambda chat: chat.user_groups.add("g", user_id="ann", ttl=timedelta(minutes=2)),
            ("PUT", "/users/ann/groups/g", [("ttl", "120")]),
            id="user-group-add-for-a-time",
        ),
        pytest.param(
            lambda chat: chat.user_groups.add("g", user_id="ann", ttl=timedelta(0)),
            ("PUT", "/users/ann/groups/g", [("ttl", "0")]),
            id="user-group-add-for-now",
        ),
        pytest.param(
            lambda chat: chat.user_groups.remove("g", user_id="ann"),
            ("DELETE", "/users/ann/groups/g", []),
            id="user-group-remove",
        ),
        pytest.param(
            lambda chat: chat.user_groups.remove_from_all(user_id="ann"),
            ("DELETE", "/users/ann/groups", []),
            id="user-group-remove-from-all",
        ),
        pytest.param(
            lambda chat: chat.client_manager.close_connection("c1"),
            ("DELETE", "/connections/c1", []),
            id="close-connection",
        ),
        pytest.param(
            lambda chat: chat.client_manager.close_connection("c1", "bye & thanks"),
            ("DELETE", "/connections/c1", [("reason", "bye & thanks")]),
            id="close-connection-with-a-reason",
        ),
        pytest.param(
            lambda chat: chat.client_manager.close_user("ann", excluded=["c1"], reason="bye"),
            ("POST", "/users/ann/:closeConnections", [("excluded", "c1"), ("reason", "bye")]),
            id="close-user",
        ),
        pytest.param(
            lambda chat: chat.client_manager.close_group("g", excluded=["c1", "c2"]),
            ("POST", "/groups/g/:closeConnections", [("excluded", "c1"), ("excluded", "c2")]),
            id="close-group",
        ),
        pytest.param(
            lambda chat: chat.client_manager.close_all(reason="bye"),
            ("POST", "/:closeConnections", [("reason", "bye")]),
            id="close-all",
        ),
    ],
)
async def test_manager_asks_the_service(
    chat: Chat, recorder: Recorder, use: Use[Chat], request_: tuple[Any, ...]
) -> None:
    await use(chat)
    assert recorder.requests == [(*request_, None)]


EXISTENCE = [
    pytest.param(
        lambda chat: chat.client_manager.connection_exists("c1"),
        "/connections/c1",
        "Warning.Connection.NotExisted",
        id="connection",
    ),
    pytest.param(
        lambda chat: chat.client_manager.user_exists("ann"),
        "/users/ann",
        "Warning.User.NotExisted",
        id="user",
    ),
    pytest.param(
        lambda chat: chat.client_manager.group_exists("g"),
        "/groups/g",
        "Warning.Group.NotExisted",
        id="group",
    ),
    pytest.param(
        lambda chat: chat.user_groups.contains("g", user_id="ann"),
        "/users/ann/groups/g",
        "Info.User.NotInGroup",
        id="user-in-group",
    ),
]


@pytest.mark.parametrize(("ask", "path", "code"), EXISTENCE)
async def test_what_is_there_exists(
    chat: Chat, recorder: Recorder, ask: Use[Chat], path: str, code: str
) -> None:
    assert await ask(chat) is True
    assert recorder.requests == [("HEAD", path, [], None)]


@pytest.mark.parametrize(("ask", "path", "code"), EXISTENCE)
async def test_what_the_service_does_not_know_does_not_exist(
    chat: Chat, recorder: Recorder, ask: Use[Chat], path: str, code: str
) -> None:
    recorder.answers[path] = [web.Response(status=404, headers={"x-ms-error-code": code})]
    assert await ask(chat) is False


@pytest.mark.parametrize(("ask", "path", "code"), EXISTENCE)
async def test_404_of_something_else_is_an_error(
    chat: Chat, recorder: Recorder, ask: Use[Chat], path: str, code: str
) -> None:
    recorder.answers[path] = [web.Response(status=404)]
    with pytest.raises(NotFoundError):
        await ask(chat)


@pytest.mark.parametrize(
    ("use", "path", "code"),
    [
        pytest.param(
            lambda chat: chat.groups.add("g", connection_id="c1"),
            "/groups/g/connections/c1",
            "Error.Connection.NotExisted",
            id="join",
        ),
        pytest.param(
            lambda chat: chat.groups.remove("g", connection_id="c1"),
            "/groups/g/connections/c1",
            "Error.Connection.NotExisted",
            id="leave",
        ),
        pytest.param(
            lambda chat: chat.client_manager.close_connection("c1"),
            "/connections/c1",
            "Warning.Connection.NotExisted",
            id="close",
        ),
    ],
)
async def test_connection_that_is_gone_is_no_error(
    chat: Chat, recorder: Recorder, use: Use[Chat], path: str, code: str
) -> None:
    recorder.answers[path] = [web.Response(status=404, headers={"x-ms-error-code": code})]
    assert await use(chat) is None


async def test_group_is_listed_page_by_page(chat: Chat, recorder: Recorder) -> None:
    recorder.answers["/groups/g/connections"] = [
        web.json_response(
            {
                "value": [{"connectionId": "c1", "userId": "ann"}],
                "nextLink": "https://chat/api/hubs/chat/groups/g/connections?continuationToken=c1",
            }
        ),
        web.json_response({"value": [{"connectionId": "c2"}]}),
    ]
    found = [connection async for connection in chat.client_manager.list_group("g")]
    assert found == [GroupConnection("c1", "ann"), GroupConnection("c2")]
    assert [request[2] for request in recorder.requests] == [[], [("continuationToken", "c1")]]


STREAM = "/connections/c1/streams/s1"


async def words() -> AsyncIterator[str]:
    yield "one"
    yield "two"


@pytest.mark.parametrize("items", [["one", "two"], words], ids=["list", "generator"])
async def test_stream_is_its_items_and_its_end(chat: Chat, recorder: Recorder, items: Any) -> None:
    await chat.client_manager.stream("c1", "s1", items() if callable(items) else items)
    assert [(path, body) for _, path, _, body in recorder.requests] == [
        (f"{STREAM}/:send", "one"),
        (f"{STREAM}/:send", "two"),
        (f"{STREAM}/:complete", None),
    ]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(HubException("out of words"), "out of words", id="meant-for-the-client"),
        pytest.param(ValueError("secret"), "The stream failed on the server.", id="any-other"),
    ],
)
async def test_stream_that_fails_is_ended_with_an_error(
    chat: Chat, recorder: Recorder, error: Exception, told: str
) -> None:
    async def failing() -> AsyncIterator[str]:
        yield "one"
        raise error

    with pytest.raises(type(error)):
        await chat.client_manager.stream("c1", "s1", failing())
    *_, (_, path, query, _) = recorder.requests
    assert (path, dict(query)["error"]) == (f"{STREAM}/:complete", told)


# Who receives.


class Client:
    """Be a client of the emulator, connected through what the hub's negotiate answered."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._frames: list[str] = []
        self.connection_id = ""

    async def connect(self, info: SignalRConnectionInfo) -> None:
        headers = {"Authorization": f"Bearer {info.access_token}"}
        address, _, query = info.url.partition("?")
        url = f"{address.rstrip('/')}/negotiate?{query}&negotiateVersion=1"
        async with self._session.post(url, headers=headers) as answer:
            negotiated = await answer.json()
        self.connection_id = negotiated["connectionId"]
        url = f"{info.url}&id={negotiated['connectionToken']}"
        self._socket = await self._session.ws_connect(url, headers=headers)
        await self._socket.send_str('{"protocol":"json","version":1}\x1e')
        assert await self.next() == {}

    async def next(self) -> Any:
        while not self._frames:
            async with asyncio.timeout(PATIENCE):
                message = await self._socket.receive_str()
            self._frames = message.split("\x1e")[:-1]
        return json.loads(self._frames.pop(0))

    async def texts(self, last: str) -> list[str]:
        """Return the texts of the messages received before the one with the text ``last``."""
        texts: list[str] = []
        while True:
            message = await self.next()
            if message["type"] == 6:
                continue
            if message["arguments"] == [last]:
                return texts
            texts += message["arguments"]

    async def leave(self) -> None:
        await self._socket.close()


class Room:
    """Hold a hub and three clients: ann has two, the first of which is in the group g, as bob is."""

    def __init__(self, chat: Chat, clients: dict[str, Client]) -> None:
        self.chat = chat
        self.clients = clients

    def id(self, name: str) -> str:
        return self.clients[name].connection_id

    async def receivers(self) -> dict[str, list[str]]:
        """Return what each has received, but for those who received nothing."""
        await self.chat.clients.all.new_message("that is all")
        received = {name: await client.texts("that is all") for name, client in self.clients.items()}
        return {name: texts for name, texts in received.items() if texts}


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    emulator = Emulator()
    await emulator.start(port=0)
    monkeypatch.setenv("AzureSignalRConnectionString", emulator.connection_string)
    chat = Chat()
    async with aiohttp.ClientSession() as session:
        clients = {name: Client(session) for name in ("ann1", "ann2", "bob")}
        for name, client in clients.items():
            await client.connect(await chat.negotiate(user_id=name.rstrip("12")))
        for name in ("ann1", "bob"):
            await chat.groups.add("g", connection_id=clients[name].connection_id)
        yield Room(chat, clients)
        await asyncio.gather(emulator.stop(), *(client.leave() for client in clients.values()))
    await chat.service.aclose()


@pytest.mark.parametrize(
    ("choose", "receivers"),
    [
        pytest.param(lambda to, id: to.all, {"ann1", "ann2", "bob"}, id="all"),
        pytest.param(lambda to, id: to.all_except([id("ann1"), id("bob")]), {"ann2"}, id="all-except"),
        pytest.param(lambda to, id: to.client(id("ann2")), {"ann2"}, id="client"),
        pytest.param(lambda to, id: to.clients([id("ann2"), id("bob")]), {"ann2", "bob"}, id="clients"),
        pytest.param(lambda to, id: to.group("g"), {"ann1", "bob"}, id="group"),
        pytest.param(lambda to, id: to.group_except("g", [id("bob")]), {"ann1"}, id="group-except"),
        pytest.param(lambda to, id: to.groups(["g", "h"]), {"ann1", "bob"}, id="groups"),
        pytest.param(lambda to, id: to.user("ann"), {"ann1", "ann2"}, id="user"),
        pytest.param(lambda to, id: to.users(["bob", "eve"]), {"bob"}, id="users"),
        pytest.param(lambda to, id: to.user("eve"), set(), id="nobody"),
    ],
)
async def test_message_reaches_whom_it_is_for(
    room: Room, choose: Callable[..., ChatClient], receivers: set[str]
) -> None:
    await choose(room.chat.clients, room.id).new_message("hi")
    assert await room.receivers() == {name: ["hi"] for name in receivers}


@pytest.mark.parametrize(
    ("change", "receivers"),
    [
        pytest.param(
            lambda chat, id: chat.groups.add("g", connection_id=id("ann2")),
            {"ann1", "ann2", "bob"},
            id="joined",
        ),
        pytest.param(lambda chat, id: chat.groups.remove("g", connection_id=id("ann1")), {"bob"}, id="left"),
        pytest.param(
            lambda chat, id: chat.groups.remove_from_all(connection_id=id("bob")), {"ann1"}, id="left-all"
        ),
        pytest.param(
            lambda chat, id: chat.user_groups.add("g", user_id="ann"), {"ann1", "ann2", "bob"}, id="user"
        ),
        pytest.param(lambda chat, id: chat.user_groups.remove("g", user_id="ann"), {"bob"}, id="user-left"),
        pytest.param(
            lambda chat, id: chat.user_groups.remove_from_all(user_id="bob"), {"ann1"}, id="user-left-all"
        ),
    ],
)
async def test_group_has_who_joined_and_did_not_leave(
    room: Room, change: Callable[..., Awaitable[None]], receivers: set[str]
) -> None:
    await change(room.chat, room.id)
    await room.chat.clients.group("g").new_message("hi")
    assert await room.receivers() == {name: ["hi"] for name in receivers}


async def test_user_in_a_group_is_known(room: Room) -> None:
    await room.chat.user_groups.add("h", user_id="ann")
    assert await room.chat.user_groups.contains("h", user_id="ann") is True
    assert await room.chat.user_groups.contains("h", user_id="bob") is False


async def test_closed_connection_is_told_the_reason(room: Room) -> None:
    await room.chat.client_manager.close_connection(room.id("bob"), "bye")
    message = await room.clients["bob"].next()
    assert (message["type"], message["error"]) == (7, "bye")
