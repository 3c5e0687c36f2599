"""The managers of a hub: the requests that the service gets, and what its responses mean."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr import GroupConnection, HubException
from serverless_signalr.errors import NotFoundError
from tests.serverless_signalr._hub.recorder import Chat, Recorder

type Use[T] = Callable[[T], Awaitable[object]]


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
    recorded_chat: Chat, recorder: Recorder, close: Callable[[Any], Any]
) -> None:
    with pytest.raises(TypeError, match="are 'c1', expected a list of texts"):
        await close(recorded_chat.client_manager)
    assert recorder.requests == []


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
    recorded_chat: Chat, recorder: Recorder, use: Use[Chat], request_: tuple[Any, ...]
) -> None:
    await use(recorded_chat)
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
    recorded_chat: Chat, recorder: Recorder, ask: Use[Chat], path: str, code: str
) -> None:
    assert await ask(recorded_chat) is True
    assert recorder.requests == [("HEAD", path, [], None)]


@pytest.mark.parametrize(("ask", "path", "code"), EXISTENCE)
async def test_what_the_service_does_not_know_does_not_exist(
    recorded_chat: Chat, recorder: Recorder, ask: Use[Chat], path: str, code: str
) -> None:
    recorder.answers[path] = [web.Response(status=404, headers={"x-ms-error-code": code})]
    assert await ask(recorded_chat) is False


@pytest.mark.parametrize(("ask", "path", "code"), EXISTENCE)
async def test_404_of_something_else_is_an_error(
    recorded_chat: Chat, recorder: Recorder, ask: Use[Chat], path: str, code: str
) -> None:
    recorder.answers[path] = [web.Response(status=404)]
    with pytest.raises(NotFoundError):
        await ask(recorded_chat)


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
    recorded_chat: Chat, recorder: Recorder, use: Use[Chat], path: str, code: str
) -> None:
    recorder.answers[path] = [web.Response(status=404, headers={"x-ms-error-code": code})]
    assert await use(recorded_chat) is None


async def test_group_is_listed_page_by_page(recorded_chat: Chat, recorder: Recorder) -> None:
    recorder.answers["/groups/g/connections"] = [
        web.json_response(
            {
                "value": [{"connectionId": "c1", "userId": "ann"}],
                "nextLink": "https://recorded_chat/api/hubs/recorded_chat/groups/g/connections?continuationToken=c1",
            }
        ),
        web.json_response({"value": [{"connectionId": "c2"}]}),
    ]
    found = [connection async for connection in recorded_chat.client_manager.list_group("g")]
    assert found == [GroupConnection("c1", "ann"), GroupConnection("c2")]
    assert [request[2] for request in recorder.requests] == [[], [("continuationToken", "c1")]]


STREAM = "/connections/c1/streams/s1"


async def words() -> AsyncIterator[str]:
    yield "one"
    yield "two"


@pytest.mark.parametrize("items", [["one", "two"], words], ids=["list", "generator"])
async def test_stream_is_its_items_and_its_end(recorded_chat: Chat, recorder: Recorder, items: Any) -> None:
    await recorded_chat.client_manager.stream("c1", "s1", items() if callable(items) else items)
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
    recorded_chat: Chat, recorder: Recorder, error: Exception, told: str
) -> None:
    async def failing() -> AsyncIterator[str]:
        yield "one"
        raise error

    with pytest.raises(type(error)):
        await recorded_chat.client_manager.stream("c1", "s1", failing())
    *_, (_, path, query, _) = recorder.requests
    assert (path, dict(query)["error"]) == (f"{STREAM}/:complete", told)
