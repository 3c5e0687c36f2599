"""What the page may do: play a client, play the server, plan faults, repeat an event."""

from typing import Any

import pytest

from tests.signalr_local.inspector.conftest import Watched


async def test_a_client_is_played(watched: Watched) -> None:
    fields = {"hub": "Chat", "user": "ann", "claims": {"role": "admin"}}
    client = (await watched.post("/do/connect", fields))["connection_id"]
    event = await watched.app.next("connected")
    assert (event.headers["X-ASRS-User-Id"], event.connection_id) == ("ann", client)
    assert "role: admin" in event.headers["X-ASRS-User-Claims"]
    answer = await watched.post(
        "/do/call", {"connection_id": client, "target": "echo", "arguments": [[1, 2]]}
    )
    assert answer == {"result": [1, 2]}
    assert (await watched.get("/state")).json()["played"] == [client]
    await watched.post("/do/leave", {"connection_id": client})
    await watched.app.next("echo")
    await watched.app.next("disconnected")
    gone = await watched.post("/do/leave", {"connection_id": client}, 400)
    assert gone == {"error": "this client is gone: connect another one"}


async def test_what_a_played_client_receives_is_told(watched: Watched) -> None:
    client = (await watched.post("/do/connect", {"hub": "chat", "user": "ann"}))["connection_id"]
    for to, name in (("all", ""), ("user", "ann"), ("connection", client)):
        fields = {"hub": "chat", "to": to, "name": name, "target": "told", "arguments": [to]}
        sent = await watched.post("/do/send", fields)
        *_, request = await watched.events("service_request")
        assert (request["trace_id"], request["reached"]) == (sent["trace_id"], 1)
        assert request["receivers"] == [client]
    while len(received := await watched.events("message_received")) < 3:
        pass
    assert [(one["connection_id"], one["target"]) for one in received] == [(client, "told")] * 3
    sent = await watched.events("service_request")
    assert [one["trace_id"] for one in received] == [one["trace_id"] for one in sent]


async def test_groups_and_connections_are_changed_as_a_server_changes_them(watched: Watched) -> None:
    client = (await watched.post("/do/connect", {"hub": "chat"}))["connection_id"]
    change = {"hub": "chat", "connection_id": client, "group": "g"}
    await watched.post("/do/group", change)
    assert await groups(watched) == ["g"]
    await watched.post("/do/group", {**change, "leave": True})
    assert await groups(watched) == []
    await watched.post("/do/close", {**change, "reason": "enough"})
    await watched.app.next("connected")
    await watched.app.next("disconnected")
    [closed] = await watched.events("connection_closed")
    assert closed["reason"] == "enough"


async def groups(watched: Watched) -> Any:
    [connection] = (await watched.get("/state")).json()["hubs"][0]["connections"]
    return connection["groups"]


async def test_a_connection_is_cut_off(watched: Watched) -> None:
    client = await watched.service.connect("ann")
    await watched.post("/do/drop", {"connection_id": client.connection_id})
    await watched.app.next("connected")
    await watched.app.next("disconnected")
    missing = await watched.post("/do/drop", {"connection_id": client.connection_id}, 400)
    assert missing == {"error": "there is no such connection any more"}


async def test_an_event_is_sent_to_the_app_again(watched: Watched) -> None:
    client = await watched.service.connect("ann")
    await watched.app.next("connected")
    await client.invoke("echo", "hi")
    first = await watched.app.next("echo")
    *_, sent = await watched.events("upstream_request")
    answer = await watched.post("/do/repeat", {"seq": sent["seq"]})
    again = await watched.app.next("echo")
    assert (answer["status"], answer["error"]) == (200, None)
    assert again.body == first.body
    assert again.headers["X-ASRS-Signature"] == first.headers["X-ASRS-Signature"]
    assert again.headers["traceparent"][3:35] == answer["trace_id"] != first.headers["traceparent"][3:35]
    assert (await watched.post("/do/repeat", {"seq": 10_000}, 400))["error"].startswith("this event is no")


async def test_faults_are_planned_and_forgotten(watched: Watched) -> None:
    fields = {
        "upstream": {"status": 503, "times": 2, "event": "echo"},
        "rest": {"status": 429, "retry_after": 1},
    }
    assert await watched.post("/do/faults", fields) == {"pending": 3}
    client = await watched.service.connect()
    assert (await client.invoke("echo"))["error"] == "Invocation failed, status code 503"
    assert await watched.post("/do/faults", {"clear": True}) == {"pending": 0}
    assert (await client.invoke("echo", 1))["result"] == 1


@pytest.mark.parametrize(
    ("action", "fields", "error"),
    [
        ("connect", {"hub": ""}, "hub is missing"),
        ("connect", {"hub": "chat", "claims": {"a": 1}}, "claims are an object of texts"),
        ("connect", {"hub": "no hub!"}, "Invalid hub name"),
        ("call", {"connection_id": "x"}, "this client is gone"),
        ("send", {"hub": "chat", "to": "all", "target": "t", "arguments": "x"}, "arguments must be a list"),
        ("send", {"hub": "chat", "target": "t", "arguments": [], "to": "x"}, "to is 'x', expected all"),
        ("send", {"hub": "chat", "target": "t", "arguments": [], "to": "user"}, "name is missing"),
        ("faults", {"upstream": {"status": 200}}, "the status of a fault is 200"),
        ("faults", {"upstream": {"unknown": 1}}, "unexpected keyword argument 'unknown'"),
        ("faults", {"rest": []}, "rest is an object"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    watched: Watched, action: str, fields: dict[str, Any], error: str
) -> None:
    assert error in (await watched.post(f"/do/{action}", fields, 400))["error"]


async def test_the_number_of_played_clients_is_limited(watched: Watched) -> None:
    for _ in range(20):
        await watched.post("/do/connect", {"hub": "chat"})
    refused = await watched.post("/do/connect", {"hub": "chat"}, 400)
    assert refused["error"] == "there are 20 clients already: let one leave first"


async def test_nobody_else_acts(watched: Watched) -> None:
    bearer = {"Authorization": f"Bearer {watched.inspector.token}"}
    request = watched.service.request
    for headers, status in (
        ({"Content-Type": "application/json"}, 401),
        (bearer | {"Content-Type": "text/plain"}, 415),
        (bearer | {"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
    ):
        reply = await request("POST", "/_inspect/do/faults", headers=headers, data=b'{"rest":{"status":500}}')
        assert reply.status == status
    assert (await request("GET", "/_inspect/do/faults", headers=bearer)).status == 404
    assert (await request("DELETE", "/_inspect/do/faults", headers=bearer)).status == 405
    assert watched.service.emulator.faults.pending == 0
    await watched.post("/do/faults", {"clear": True})
    unknown = await request(
        "POST", "/_inspect/do/stop", headers=bearer | {"Content-Type": "application/json"}, data=b"{}"
    )
    assert unknown.status == 404
