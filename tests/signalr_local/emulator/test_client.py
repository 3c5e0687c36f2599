"""The client's endpoints: who is let in with which id, and what everything else is answered."""

from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

type Start = Callable[..., Any]

HUB_RULE = "Invalid hub name. Valid hub name should be in between 1 and 128 characters long."


@pytest.mark.parametrize("path", ["/client/negotiate", "/client/negotiate/", "/Client/Negotiate"])
async def test_negotiate_is_found_in_any_spelling(service: Any, path: str) -> None:
    headers = {"Authorization": f"Bearer {service.client_token()}"}
    assert (await service.request("POST", f"{path}?hub=chat", headers=headers)).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_negotiate_is_a_post(service: Any, method: str) -> None:
    reply = await service.request(method, "/client/negotiate?hub=chat")
    assert (reply.status, reply.text) == (405, "")
    assert reply.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "Exactly one hub"),
        ("hub=chat&hub=other", "Exactly one hub"),
        ("hub=", HUB_RULE),
        ("hub=1chat", HUB_RULE),
        (f"hub={'x' * 129}", HUB_RULE),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/client/negotiate"), ("GET", "/client/")])
async def test_exactly_one_valid_hub_is_expected(
    service: Any, method: str, path: str, query: str, text: str
) -> None:
    reply = await service.request(method, f"{path}?{query}")
    assert reply.status == 400
    assert reply.text.startswith(text)


@pytest.mark.parametrize("path", ["/client/", "/client"])
async def test_a_client_connects_with_its_token_of_version_1(
    service_with_app: Any, app: Any, path: str
) -> None:
    answer = (await service_with_app.negotiate()).json()
    async with aiohttp.ClientSession() as session:
        url = f"{service_with_app.url}{path}?hub=chat&id={answer['connectionToken']}"
        token = service_with_app.client_token()
        async with session.ws_connect(f"{url}&access_token={token}") as socket:
            await socket.send_str('{"protocol":"json","version":1}\x1e')
            assert (await app.next("connected")).connection_id == answer["connectionId"]


async def test_a_client_connects_with_its_connection_id_of_version_0(service_with_app: Any, app: Any) -> None:
    connection_id = (await service_with_app.negotiate("hub=chat")).json()["connectionId"]
    client = await service_with_app.open(f"hub=chat&id={connection_id}")
    await client.send_text('{"protocol":"json","version":1}\x1e')
    assert (await app.next("connected")).connection_id == connection_id


async def test_a_client_connects_without_negotiation(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.open("hub=chat")
    await client.send_text('{"protocol":"json","version":1}\x1e')
    assert len((await app.next("connected")).connection_id) == 22


async def test_an_unknown_id_is_404(service: Any) -> None:
    assert await service.refusal("hub=chat&id=unknown") == 404


async def test_an_id_of_another_hub_is_404(service: Any) -> None:
    token = (await service.negotiate()).json()["connectionToken"]
    assert await service.refusal(f"hub=other&id={token}", service.client_token("other")) == 404


async def test_an_id_that_has_expired_is_404(start: Start) -> None:
    service = await start(negotiated_id=0)
    token = (await service.negotiate()).json()["connectionToken"]
    assert await service.refusal(f"hub=chat&id={token}") == 404


async def test_a_second_socket_on_an_id_is_409(service: Any) -> None:
    token = (await service.negotiate()).json()["connectionToken"]
    client = await service.open(f"hub=chat&id={token}")
    assert await service.refusal(f"hub=chat&id={token}") == 409
    await client.leave()


async def test_an_id_is_404_once_its_connection_has_ended(service_with_app: Any, app: Any) -> None:
    token = (await service_with_app.negotiate()).json()["connectionToken"]
    client = await service_with_app.open(f"hub=chat&id={token}")
    await client.send_text('{"protocol":"json","version":1}\x1e')
    await app.next("connected")
    await client.leave()
    await app.next("disconnected")
    while (status := await service_with_app.refusal(f"hub=chat&id={token}")) == 409:
        pass
    assert status == 404


async def test_a_socket_without_a_token_is_401(service: Any) -> None:
    assert await service.refusal("hub=chat", "wrong") == 401


async def test_a_websocket_request_that_is_none_is_400(service: Any) -> None:
    headers = {"Authorization": f"Bearer {service.client_token()}", "Upgrade": "websocket"}
    assert (await service.request("GET", "/client/?hub=chat", headers=headers)).status == 400


@pytest.mark.parametrize(
    ("method", "id", "accept", "status", "text"),
    [
        ("GET", None, "*/*", 400, "Connection ID required"),
        ("POST", None, "*/*", 400, "Connection ID required"),
        ("DELETE", None, "*/*", 400, "Connection ID required"),
        ("GET", "unknown", "*/*", 404, "No Connection with that ID"),
        ("POST", "unknown", "*/*", 404, "No Connection with that ID"),
        ("PUT", None, "*/*", 405, ""),
        ("DELETE", "fresh", "*/*", 400, "Cannot terminate this connection using the DELETE endpoint."),
        ("GET", "used", "*/*", 400, "Cannot change transports mid-connection"),
        ("GET", "used", "text/event-stream", 400, "Cannot change transports mid-connection"),
        ("POST", "used", "*/*", 405, "POST requests are not allowed for WebSocket connections."),
        ("DELETE", "used", "*/*", 400, "Cannot terminate this connection using the DELETE endpoint."),
    ],
)
async def test_requests_that_are_no_websocket(
    service: Any, method: str, id: str | None, accept: str, status: int, text: str
) -> None:
    ids = {name: (await service.negotiate()).json()["connectionToken"] for name in ("fresh", "used")}
    client = await service.open(f"hub=chat&id={ids['used']}")
    query = "hub=chat" if id is None else f"hub=chat&id={ids.get(id, id)}"
    headers = {"Authorization": f"Bearer {service.client_token()}", "Accept": accept}
    reply = await service.request(method, f"/client/?{query}", headers=headers)
    assert (reply.status, reply.text) == (status, text)
    await client.leave()


@pytest.mark.parametrize(
    ("bits", "name", "headers"),
    [
        ("6", "WebSockets", {"Upgrade": "websocket"}),
        ("5", "ServerSentEvents", {"Accept": "text/event-stream"}),
        ("3", "LongPolling", {}),
    ],
)
async def test_a_transport_that_the_token_does_not_allow_is_404(
    service: Any, bits: str, name: str, headers: dict[str, str]
) -> None:
    token = service.client_token(claims={"asrs.s.htt": bits})
    id = (await service.negotiate(token=token)).json()["connectionToken"]
    headers = {**headers, "Authorization": f"Bearer {token}"}
    reply = await service.request("GET", f"/client/?hub=chat&id={id}", headers=headers)
    assert (reply.status, reply.text) == (404, f"{name} transport not supported by this end point type")


async def test_the_app_learns_the_query_as_the_client_sent_it(service_with_app: Any, app: Any) -> None:
    token = service_with_app.client_token()
    client = await service_with_app.open(f"hub=chat&room=a%20b&access_token={token}&x=%C3%BC", token)
    await client.send_text('{"protocol":"json","version":1}\x1e')
    event = await app.next("connected")
    query = f"?hub=chat&room=a%20b&access_token={token}&x=%C3%BC"
    assert event.headers["X-ASRS-Client-Query"] == query


async def test_a_hub_has_no_case_and_the_app_gets_it_in_lower_case(service_with_app: Any, app: Any) -> None:
    client = await service_with_app.connect(hub="CHAT")
    assert (await app.next("connected")).headers["X-ASRS-Hub"] == "chat"
    await service_with_app.send("", "hello")
    assert (await client.next())["arguments"] == ["hello"]
