"""The data-plane client: what is sent, and what is answered."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from serverless_signalr.errors import (
    InvalidArgumentError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from serverless_signalr.rest import (
    CloseConnection,
    JoinGroup,
    LeaveGroup,
    SendMessage,
    ServiceClient,
)
from tests.serverless_signalr.rest_service import (
    HUB,
    KEY,
    OPERATIONS,
    VERSION,
    Operate,
    Service,
    closed_port,
    connected,
)


@pytest.mark.parametrize(("operate", "line", "query"), OPERATIONS.values(), ids=OPERATIONS.keys())
async def test_operation_is_one_request_that_the_service_knows(
    service: Service, client: ServiceClient, operate: Operate, line: str, query: list[tuple[str, str]]
) -> None:
    await operate(client)
    (request,) = service.requests
    assert request.line == line
    assert request.query == [*query, VERSION]
    assert service.refused == 0


@pytest.mark.parametrize(
    ("operate", "body"),
    [
        (lambda client: client.send_to_all("m"), {"target": "m", "arguments": []}),
        (
            lambda client: client.send_to_user("ann", "m", 1, None, {"a": [True]}),
            {"target": "m", "arguments": [1, None, {"a": [True]}]},
        ),
        (lambda client: client.send_stream_item("c1", "s1", None), None),
        (lambda client: client.send_stream_item("c1", "s1", {"token": "é"}), {"token": "é"}),
        (
            lambda client: client.execute(
                [SendMessage("m", [1]), JoinGroup("g"), LeaveGroup("h"), CloseConnection("bye")]
            ),
            [
                {"type": "SendMessage", "message": {"target": "m", "arguments": [1]}},
                {"type": "JoinGroup", "group": "g"},
                {"type": "LeaveGroup", "group": "h"},
                {"type": "CloseConnection", "reason": "bye"},
            ],
        ),
    ],
)
async def test_body_is_json(service: Service, client: ServiceClient, operate: Operate, body: object) -> None:
    await operate(client)
    (request,) = service.requests
    assert json.loads(request.body) == body
    assert request.headers["content-type"] == "application/json"


async def test_request_without_a_body_has_no_content_type(service: Service, client: ServiceClient) -> None:
    await client.close_all_connections()
    assert "content-type" not in service.requests[0].headers
    assert service.requests[0].body == b""


@pytest.mark.parametrize(
    ("hub", "path"), [("Chat", "/api/hubs/chat"), ("A.b,[c]`d", "/api/hubs/a.b,%5Bc%5D%60d")]
)
async def test_hub_is_in_lower_case_and_escaped(service: Service, hub: str, path: str) -> None:
    async with ServiceClient(service.connection_string, hub) as client:
        await client.send_to_all("m")
    assert service.lines == [f"POST {path}/:send"]
    assert service.refused == 0


async def test_application_is_part_of_every_query(service: Service) -> None:
    async with ServiceClient(service.connection_string, "chat", application="App") as client:
        await client.send_to_all("m")
    assert service.requests[0].query == [("application", "App"), VERSION]


async def test_names_of_any_kind_open_the_service(service: Service, client: ServiceClient) -> None:
    for name in ("a b", "a/b", "100%", "%2F", "Zoë 群", "&=+;,:@!$'()*", "a\\b", "~._-", "?#[]"):
        await client.send_to_user(name, "m")
    assert service.refused == 0


async def test_reverse_proxy_is_the_address_and_the_audience(service: Service) -> None:
    text = f"Endpoint=https://chat.service.signalr.net;ServerEndpoint={service.url};AccessKey={KEY};"
    async with ServiceClient(text, "chat") as client:
        await client.send_to_all("m")
    assert service.refused == 0


async def test_request_says_who_sends_it_and_has_an_id(service: Service, client: ServiceClient) -> None:
    await client.send_to_all("m")
    await client.send_to_all("m")
    first, second = service.requests
    assert first.headers["asrs-user-agent"] == first.headers["user-agent"]
    assert first.headers["user-agent"].startswith("serverless-signalr/")
    assert first.headers["x-ms-client-request-id"] != second.headers["x-ms-client-request-id"]


async def test_token_is_signed_anew_before_it_expires(
    service: Service, client: ServiceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for age in (0, 60, 150):
        monkeypatch.setattr(time, "time", lambda age=age: now + age)
        await client.send_to_all("m")
    monkeypatch.undo()
    first, second, third = (request.token for request in service.requests)
    assert first == second != third
    assert service.refused == 0


async def test_proxy_of_the_environment_is_used(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", service.url)
    async with ServiceClient(f"Endpoint=http://chat.invalid;AccessKey={KEY};", "chat") as client:
        await client.send_to_all("m")
    (request,) = service.requests
    assert (request.line, request.headers["host"]) == (f"POST {HUB}/:send", "chat.invalid")
    assert service.refused == 0


async def test_proxy_is_not_asked_for_what_is_on_this_machine(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    async with connected(service) as client:
        await client.send_to_all("m")
    assert len(service.requests) == 1


# What is answered.


@pytest.mark.parametrize(
    ("operate", "code"),
    [
        (lambda client: client.connection_exists("c1"), "Warning.Connection.NotExisted"),
        (lambda client: client.user_exists("ann"), "Warning.User.NotExisted"),
        (lambda client: client.group_exists("g"), "Warning.Group.NotExisted"),
        (lambda client: client.is_user_in_group("g", user_id="ann"), "Info.User.NotInGroup"),
    ],
)
async def test_what_is_not_there_is_false(
    service: Service, client: ServiceClient, operate: Operate, code: str
) -> None:
    service.answer(404, x_ms_error_code=code)
    service.answer(200)
    assert await operate(client) is False
    assert await operate(client) is True


@pytest.mark.parametrize(
    ("operate", "code"),
    [
        (
            lambda client: client.add_connection_to_group("g", connection_id="c1"),
            "Error.Connection.NotExisted",
        ),
        (
            lambda client: client.remove_connection_from_group("g", connection_id="c1"),
            "Error.Connection.NotExisted",
        ),
        (lambda client: client.close_connection("c1"), "Warning.Connection.NotExisted"),
    ],
)
async def test_connection_that_is_gone_is_no_error(
    service: Service, client: ServiceClient, operate: Operate, code: str
) -> None:
    service.answer(404, x_ms_error_code=code)
    await operate(client)


@pytest.mark.parametrize("code", ["", "Warning.User.NotExisted"])
async def test_not_found_with_another_code_is_an_error(
    service: Service, client: ServiceClient, code: str
) -> None:
    service.answer(404, x_ms_error_code=code)
    with pytest.raises(NotFoundError, match=r"HEAD /api/hubs/chat/connections/c1 failed with 404"):
        await client.connection_exists("c1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidArgumentError),
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (413, PayloadTooLargeError),
        (429, ThrottledError),
        (500, ServiceUnavailableError),
    ],
)
async def test_error_is_typed_and_carries_status_code_and_request_id(
    service: Service, status: int, kind: type[ServiceError]
) -> None:
    service.answer(
        status, {"code": "x", "message": "no"}, x_ms_error_code="Error.Request.Invalid", x_ms_request_id="r1"
    )
    async with connected(service, retries=0) as client:
        with pytest.raises(
            kind, match=rf"POST /api/hubs/chat/:send failed with {status} \(.*; no\)"
        ) as raised:
            await client.send_to_all("m")
    error = raised.value
    assert (error.status, error.error_code, error.request_id) == (status, "Error.Request.Invalid", "r1")
    assert KEY not in str(error)


async def test_request_id_is_the_clients_where_the_service_has_none(
    service: Service, client: ServiceClient
) -> None:
    service.answer(400)
    with pytest.raises(InvalidArgumentError) as raised:
        await client.send_to_all("m")
    assert raised.value.request_id == service.requests[0].headers["x-ms-client-request-id"]


async def test_redirect_is_not_followed(service: Service, client: ServiceClient) -> None:
    service.answer(307, location=f"{service.url}/elsewhere")
    with pytest.raises(ServiceError, match="failed with 307"):
        await client.send_to_all("m")
    assert len(service.requests) == 1


async def test_invocation_returns_what_the_client_answers(service: Service, client: ServiceClient) -> None:
    service.answer(200, {"result": {"x": [1, None]}})
    assert await client.invoke_connection("c1", "ask", "why") == {"x": [1, None]}
    (request,) = service.requests
    assert request.line == f"POST {HUB}/connections/c1/:invoke"
    assert json.loads(request.body) == {"target": "ask", "arguments": ["why"]}


async def test_invocation_without_a_result_returns_none(service: Service, client: ServiceClient) -> None:
    service.answer(200, {})
    assert await client.invoke_connection("c1", "ask") is None


async def test_generated_token_is_for_a_user_and_whole_minutes(
    service: Service, client: ServiceClient
) -> None:
    service.answer(200, {"token": "abc"})
    assert await client.generate_token("ann", timedelta(seconds=61)) == "abc"
    (request,) = service.requests
    assert request.line == f"POST {HUB}/:generateToken"
    assert request.query == [("minutesToExpire", "2"), ("userId", "ann"), VERSION]


async def test_generated_token_is_for_an_hour_and_nobody_unless_told(
    service: Service, client: ServiceClient
) -> None:
    service.answer(200, {"token": "abc"})
    await client.generate_token()
    assert service.requests[0].query == [("minutesToExpire", "60"), VERSION]


async def test_service_that_answers_is_healthy(service: Service, client: ServiceClient) -> None:
    assert await client.is_healthy()


async def test_service_that_fails_is_not_healthy_and_asked_once(
    service: Service, client: ServiceClient
) -> None:
    service.answer(503)
    assert not await client.is_healthy()
    assert len(service.requests) == 1


async def test_service_that_cannot_be_reached_is_not_healthy() -> None:
    async with ServiceClient(closed_port(), "chat") as client:
        assert not await client.is_healthy()


async def test_address_that_is_not_the_services_is_no_matter_of_health(
    service: Service, client: ServiceClient
) -> None:
    service.answer(404)
    with pytest.raises(NotFoundError):
        await client.is_healthy()


# Wrong arguments.


@pytest.mark.parametrize(
    ("operate", "kind", "text"),
    [
        (lambda client: client.send_to_all(""), ValueError, "target of a message must not be empty"),
        (lambda client: client.send_to_all("m", object()), TypeError, "object"),
        (lambda client: client.send_to_all("m", float("nan")), ValueError, "not JSON compliant"),
        (
            lambda client: client.send_to_all("m", excluded="c1"),
            TypeError,
            "excluded connection ids are 'c1'",
        ),
        (lambda client: client.send_to_all("m", "x" * 2**20), PayloadTooLargeError, r"1,048,\d{3} bytes"),
        (lambda client: client.send_to_user("", "m"), ValueError, "user id must not be empty"),
        (lambda client: client.send_to_user("..", "m"), ValueError, "cannot be part of a URL"),
        (lambda client: client.send_to_users("ann", "m"), TypeError, "user ids are 'ann'"),
        (lambda client: client.send_to_groups(["g", " "], "m"), ValueError, "empty or blank"),
        (
            lambda client: client.add_user_to_group("g", user_id="ann", ttl=timedelta(seconds=-1)),
            ValueError,
            "ttl is -1 seconds, expected 0 or more",
        ),
        (lambda client: client.send_stream_item("c1", "s" * 101, 1), ValueError, "accepts 100"),
        (lambda client: client.execute([JoinGroup("")]), ValueError, "must not be empty"),
    ],
)
async def test_wrong_argument_is_refused_before_anything_is_sent(
    service: Service, client: ServiceClient, operate: Operate, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        await operate(client)
    assert service.requests == []


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        (("Endpoint=https://h;AccessKey=k;", "1chat"), {}, "the hub name '1chat' is not valid"),
        (
            ("Endpoint=https://h;AccessKey=k;", "chat"),
            {"application": "my-app"},
            "the application name 'my-app' is not valid",
        ),
        (("Endpoint=https://h;AuthType=azure;", "chat"), {}, "has no AccessKey: pass a credential, such as"),
        (("AccessKey=k;", "chat"), {}, "has no Endpoint"),
    ],
)
def test_client_is_checked_when_it_is_made(
    arguments: tuple[str, str], options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        ServiceClient(*arguments, **options)
