"""What servers can do with a hub, in both styles of the REST API."""

import logging
from typing import Any

import msgpack
import pytest

from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.protocol.messages import Invocation
from signalr_local.emulator import DEFAULT_ACCESS_KEY as KEY
from signalr_local.emulator.protocols import MESSAGEPACK
from signalr_local.emulator.versions import API_VERSIONS

NEW = "2022-06-01"


@pytest.fixture(params=[NEW, None], ids=["new", "v1"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


def status(version: str | None, new: int, v1: int) -> int:
    return v1 if version is None else new


async def sent_to(path: str, query: str, service: Any, version: str | None, *clients: Any) -> list[Any]:
    """Send to a path, then to all; return which of the clients got the first message too."""
    path = f"{path}/:send" if version else path
    reply = await service.rest(
        "POST", path, query, version=version, message={"target": "m", "arguments": [1]}
    )
    assert reply.status == 202
    await service.rest("POST", "/:send", message={"target": "end"})
    reached = []
    for client in clients:
        message = await client.next()
        if message["target"] == "m":
            assert message == {"type": 1, "target": "m", "arguments": [1]}
            reached.append(client)
            assert (await client.next())["target"] == "end"
    return reached


async def test_send_to_all_of_the_hub(service: Any, version: Any) -> None:
    clients = [await service.connect() for _ in range(3)]
    other = await service.connect(hub="other")
    assert await sent_to("", "", service, version, *clients) == clients
    await service.rest("POST", "/:send", hub="other", message={"target": "first"})
    assert (await other.next())["target"] == "first"


async def test_send_to_all_but_the_excluded(service: Any, version: Any) -> None:
    a, b, c = [await service.connect() for _ in range(3)]
    query = f"excluded={a.connection_id}&excluded={c.connection_id}"
    assert await sent_to("", query, service, version, a, b, c) == [b]


async def test_send_to_a_user(service: Any, version: Any) -> None:
    a, b, c = [await service.connect(user) for user in ("ann", "bob", "ann")]
    assert await sent_to("/users/ann", "", service, version, a, b, c) == [a, c]


async def test_send_to_a_group_but_the_excluded(service: Any, version: Any) -> None:
    a, b, c = [await service.connect() for _ in range(3)]
    for client in (a, b):
        await service.rest("PUT", f"/groups/g/connections/{client.connection_id}")
    assert await sent_to("/groups/g", "", service, version, a, b, c) == [a, b]
    query = f"excluded={a.connection_id}"
    assert await sent_to("/groups/g", query, service, version, a, b, c) == [b]


async def test_send_to_a_connection(service: Any, version: Any) -> None:
    a, b = await service.connect(), await service.connect()
    assert await sent_to(f"/connections/{b.connection_id}", "", service, version, a, b) == [b]


async def test_messages_come_in_the_order_they_were_sent(service: Any) -> None:
    client = await service.connect("ann")
    paths = ["", "/users/ann", f"/connections/{client.connection_id}"]
    for number in range(30):
        await service.send(paths[number % 3], number)
    assert [(await client.next())["arguments"][0] for _ in range(30)] == list(range(30))


@pytest.mark.parametrize(
    ("path", "what", "hint"),
    [
        ("", "A message", "Hubs with connections: 'other'."),
        ("/users/ann", "A message to user 'ann'", ""),
        ("/groups/g", "A message to group 'g'", ""),
        ("/connections/c", "A message to connection 'c'", "It is gone, or of another hub."),
    ],
)
async def test_a_message_to_nobody_is_accepted_and_logged(
    service: Any, caplog: pytest.LogCaptureFixture, path: str, what: str, hint: str
) -> None:
    caplog.set_level(logging.INFO)
    await service.connect("Ann", hub="other")
    assert (await service.send(path)).status == 202
    assert f"{what} reached 0 connections of hub 'chat'.{hint and f' {hint}'}\n" in caplog.text


async def test_a_name_that_differs_in_case_only_is_hinted_at(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client = await service.connect("Ann")
    await service.rest("PUT", f"/groups/Room/connections/{client.connection_id}")
    await service.send("/users/ann")
    assert "There is a user 'Ann': names are case-sensitive." in caplog.text
    await service.send("/groups/ROOM")
    assert "There is a group 'Room': names are case-sensitive." in caplog.text
    await service.send(f"/connections/{client.connection_id.swapcase()}")
    assert f"There is a connection '{client.connection_id}'" in caplog.text


async def test_a_message_that_reaches_somebody_is_not_logged(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await service.connect()
    await service.send("", "hello")
    assert "reached" not in caplog.text


async def test_a_connection_is_closed_with_a_reason(service_with_app: Any, app: Any, version: Any) -> None:
    client = await service_with_app.connect()
    await app.next("connected")
    path = f"/connections/{client.connection_id}"
    reply = await service_with_app.rest("DELETE", path, "reason=too%20loud", version=version)
    assert reply.status == status(version, 200, 202)
    assert (await service_with_app.rest("HEAD", path)).status == 404
    assert await client.next() == {"type": 7, "error": "too loud", "allowReconnect": True}
    assert await client.ended() == 1000
    assert (await app.next("disconnected")).json() == {"Type": 11}


async def test_a_connection_is_closed_without_a_reason(service: Any, version: Any) -> None:
    client = await service.connect()
    await service.rest("DELETE", f"/connections/{client.connection_id}", version=version)
    assert await client.next() == {"type": 7, "allowReconnect": True}
    assert await client.ended() == 1000


async def test_messages_before_a_close_arrive(service: Any) -> None:
    client = await service.connect()
    for number in range(100):
        await service.send("", number)
    await service.rest("DELETE", f"/connections/{client.connection_id}")
    assert [(await client.next())["arguments"][0] for _ in range(100)] == list(range(100))
    assert (await client.next())["type"] == 7


async def test_closing_a_connection_that_is_gone_is_no_error(service: Any, version: Any) -> None:
    reply = await service.rest("DELETE", "/connections/gone", version=version)
    assert reply.status == status(version, 200, 202)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_exists_is_200_and_what_does_not_is_404_with_a_code(
    service: Any, version: Any, method: str
) -> None:
    client = await service.connect("ann")
    await service.rest("PUT", f"/groups/g/connections/{client.connection_id}")
    await service.rest("PUT", "/users/ann/groups/remembered")
    exists = {
        f"/connections/{client.connection_id}": "Warning.Connection.NotExisted",
        "/users/ann": "Warning.User.NotExisted",
        "/groups/g": "Warning.Group.NotExisted",
        "/users/ann/groups/remembered": "Info.User.NotInGroup",
        "/groups/remembered/users/ann": "Info.User.NotInGroup",
    }
    for path, code in exists.items():
        assert (await service.rest(method, path, version=version)).status == 200
        reply = await service.rest(method, path, version=version, hub="other")
        assert (reply.status, reply.headers["x-ms-error-code"], reply.text) == (404, code, "")
    assert (await service.rest(method, "/users/Ann", version=version)).status == 404
    assert (await service.rest(method, "/groups/G", version=version)).status == 404


PATHS = ["/groups/g/connections/{connection}", "/connections/{connection}/groups/g"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_connection_is_added_to_and_removed_from_a_group(
    service: Any, version: Any, path: str
) -> None:
    client = await service.connect()
    path = path.format(connection=client.connection_id)
    assert (await service.rest("PUT", path, version=version)).status == 200
    assert (await service.rest("HEAD", "/groups/g", version=version)).status == 200
    assert (await service.rest("DELETE", path, version=version)).status == 200
    assert (await service.rest("HEAD", "/groups/g", version=version)).status == 404
    assert (await service.rest("DELETE", path, version=version)).status == 200


async def test_a_connection_that_is_gone_cannot_be_added_to_a_group(service: Any, version: Any) -> None:
    reply = await service.rest("PUT", "/groups/g/connections/gone", version=version)
    assert (reply.status, reply.headers["x-ms-error-code"]) == (404, "Error.Connection.NotExisted")


@pytest.mark.parametrize("version", API_VERSIONS)
async def test_removing_a_connection_that_is_gone_from_a_group_succeeds(service: Any, version: str) -> None:
    reply = await service.rest("DELETE", "/groups/g/connections/gone", version=version)
    assert (reply.status, reply.body) == (200, b"")


async def test_removing_a_connection_that_is_gone_is_404_in_v1(service: Any) -> None:
    reply = await service.rest("DELETE", "/groups/g/connections/gone", version=None)
    assert (reply.status, reply.headers["x-ms-error-code"]) == (404, "Error.Connection.NotExisted")


async def test_a_connection_leaves_all_its_groups(service: Any, version: Any) -> None:
    client = await service.connect()
    for group in ("g", "h"):
        await service.rest("PUT", f"/groups/{group}/connections/{client.connection_id}")
    path = f"/connections/{client.connection_id}/groups"
    assert (await service.rest("DELETE", path, version=version)).status == 200
    for group in ("g", "h"):
        assert (await service.rest("HEAD", f"/groups/{group}")).status == 404
    assert (await service.rest("DELETE", "/connections/gone/groups", version=version)).status == 200


@pytest.mark.parametrize("path", ["/users/ann/groups/g", "/groups/g/users/ann"])
async def test_a_user_is_added_to_and_removed_from_a_group(service: Any, version: Any, path: str) -> None:
    first = await service.connect("ann")
    assert (await service.rest("PUT", path, version=version)).status == status(version, 200, 202)
    second, stranger = await service.connect("ann"), await service.connect("bob")
    clients = (first, second, stranger)
    assert await sent_to("/groups/g", "", service, version, *clients) == [first, second]
    assert (await service.rest("DELETE", path, version=version)).status == status(version, 204, 202)
    assert await sent_to("/groups/g", "", service, version, *clients) == []


async def test_a_user_may_be_added_before_anybody_uses_the_hub(service: Any, version: Any) -> None:
    await service.rest("PUT", "/users/ann/groups/g", version=version)
    client = await service.connect("ann")
    assert await sent_to("/groups/g", "", service, version, client) == [client]


async def test_a_user_may_be_added_for_a_time(service: Any, version: Any) -> None:
    await service.rest("PUT", "/users/ann/groups/long", "ttl=60", version=version)
    await service.rest("PUT", "/users/ann/groups/never", "ttl=0", version=version)
    assert (await service.rest("HEAD", "/users/ann/groups/long")).status == 200
    assert (await service.rest("HEAD", "/users/ann/groups/never")).status == 404


@pytest.mark.parametrize("ttl", ["-1", "soon", "1.5", "", "9" * 30])
async def test_a_time_that_is_none_is_400(service: Any, version: Any, ttl: str) -> None:
    reply = await service.rest("PUT", "/users/ann/groups/g", f"ttl={ttl}", version=version)
    assert reply.status == 400
    assert "ttl is '" in reply.text
    assert (await service.rest("HEAD", "/users/ann/groups/g")).status == 404


async def test_a_user_leaves_all_its_groups(service: Any, version: Any) -> None:
    client = await service.connect("ann")
    await service.rest("PUT", "/users/ann/groups/g")
    await service.rest("PUT", f"/groups/h/connections/{client.connection_id}")
    reply = await service.rest("DELETE", "/users/ann/groups", version=version)
    assert reply.status == status(version, 204, 200)
    for group in ("g", "h"):
        assert (await service.rest("HEAD", f"/groups/{group}")).status == 404
    assert (await service.rest("DELETE", "/users/nobody/groups", version=version)).status == reply.status


@pytest.mark.parametrize(
    ("path", "query", "gone"),
    [
        ("", "", {"ann", "bob", "carla"}),
        ("/users/ann", "", {"ann"}),
        ("/groups/g", "", {"ann", "bob"}),
        ("", "excluded=bob", {"ann", "carla"}),
        ("/groups/g", "excluded=bob", {"ann"}),
    ],
)
async def test_connections_are_closed_with_a_reason(
    service: Any, path: str, query: str, gone: set[str]
) -> None:
    clients = {user: await service.connect(user) for user in ("ann", "bob", "carla")}
    for user in ("ann", "bob"):
        await service.rest("PUT", f"/groups/g/connections/{clients[user].connection_id}")
    query = query.replace("bob", clients["bob"].connection_id)
    reply = await service.rest("POST", f"{path}/:closeConnections", f"{query}&reason=enough")
    await service.send("", "who is left")
    closed = {user for user, client in clients.items() if (await client.next()).get("error") == "enough"}
    assert (reply.status, closed) == (204, gone)


async def test_a_token_that_was_generated_opens_the_hub_for_its_user(service: Any) -> None:
    reply = await service.rest(
        "POST", "/:generateToken", "userId=ann&minutesToExpire=5", version="2022-11-01"
    )
    client = await service.open("hub=chat", reply.json()["token"])
    await client.send_text('{"protocol":"json","version":1}\x1e')
    await client.next_frame()
    assert (await service.rest("GET", "/users/ann")).status == 200


async def test_a_token_opens_the_hub_however_the_emulator_was_reached(service: Any) -> None:
    path = "/api/hubs/chat/:generateToken"
    token = sign_server_token(
        Endpoint.parse("Endpoint=http://emulator:9;AccessKey=" + KEY), f"http://emulator:9{path}"
    )
    headers = {"Authorization": f"Bearer {token}", "Host": "emulator:9"}
    reply = await service.request("POST", f"{path}?api-version=2022-11-01", headers=headers)
    assert (await service.negotiate(token=reply.json()["token"])).status == 200


async def test_a_token_is_for_the_hub_itself_since_the_operation_has_no_application(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await service.rest("POST", "/:generateToken", "application=Shop", version="2024-12-01")
    token = reply.json()["token"]
    assert (await service.negotiate("hub=shop_chat", token)).status == 401
    assert (await service.negotiate("hub=chat", token)).status == 200
    assert "has no parameter 'application'" in caplog.text


@pytest.mark.parametrize("minutes", ["0", "x", "-1", "2147483648", "9" * 5000])
async def test_a_token_lives_a_minute_at_least(service: Any, minutes: str) -> None:
    reply = await service.rest("POST", "/:generateToken", f"minutesToExpire={minutes}", version="2022-11-01")
    assert reply.status == 400


@pytest.mark.parametrize("path", ["/api/auth/accessKey", "/api/v1/auth/accessKey"])
async def test_a_server_gets_a_key_that_signs_client_tokens(service: Any, path: str) -> None:
    headers = {"Authorization": f"Bearer {service.server_token(path)}"}
    reply = await service.request("GET", f"{path}?api-version=2023-07-01", headers=headers)
    assert reply.json()["AccessKey"] == service.endpoint.access_key
    assert reply.json()["KeyId"]


async def test_a_connection_may_have_the_name_of_a_later_operation_before_it_came(service: Any) -> None:
    assert (await service.rest("POST", "/connections/claims", message={"target": "m"})).status == 202


@pytest.mark.parametrize(
    ("method", "path", "before", "since"),
    [
        ("POST", "/:generateToken", "2022-06-01", "2022-11-01"),
        ("POST", "/:execute", "2022-11-01", "2023-07-01"),
        ("GET", "/groups/g/connections", "2023-07-01", "2024-12-01"),
        ("POST", "/connections/c/:invoke", "2023-07-01", "2024-12-01"),
        ("POST", "/connections/c/streams/s/:send", None, "2024-12-01"),
    ],
)
async def test_an_operation_is_not_there_before_the_version_that_introduced_it(
    service: Any, method: str, path: str, before: str | None, since: str
) -> None:
    reply = await service.rest(method, path, version=before, message=[])
    assert reply.status == 404
    assert f"in version {before or '1.0'} of the API; it came with {since}." in reply.text


async def test_a_key_is_handed_out_since_2023(service: Any) -> None:
    path = "/api/auth/accessKey"
    headers = {"Authorization": f"Bearer {service.server_token(path)}"}
    assert (await service.request("GET", f"{path}?api-version=2022-11-01", headers=headers)).status == 404
    assert (await service.request("POST", path, headers=headers)).status == 405
    assert (await service.request("GET", path, headers=headers)).status == 400


async def test_a_message_that_is_converted_for_a_client_is_warned_of(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client, packed = await service.connect(), await service.connect_packed()
    frames = {"messagepack": MESSAGEPACK.encode(Invocation("m", [b"\x01"]))}
    path = "/api/hubs/chat/:send"
    headers = {
        "Authorization": f"Bearer {service.server_token(path)}",
        "Content-Type": "application/octet-stream",
    }
    reply = await service.request(
        "POST", f"{path}?api-version=2024-12-01", headers=headers, data=msgpack.packb(frames)
    )
    assert reply.status == 202
    assert (await client.next())["arguments"] == ["AQ=="]
    assert (await packed.next()).arguments == [b"\x01"]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage()[:72] for record in warnings] == [
        "A message in the protocols messagepack is converted for clients of json."
    ]


async def test_texts_are_utf_8_for_clients_of_json(service: Any) -> None:
    client = await service.connect()
    await service.send("", "é👋\u2028<'")
    assert await client.next_frame() == '{"type":1,"target":"m","arguments":["é👋\u2028<\'"]}'


async def test_integers_are_short_for_clients_of_messagepack(service: Any) -> None:
    client = await service.connect_packed()
    await service.send("", 1, 300)
    assert await client.socket.receive_bytes() == bytes.fromhex("0c 96 01 80 c0 a1 6d 92 01 cd 01 2c 90")
