"""The SignalR bindings over connections of every form: Key Vault, identities, several endpoints."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest

from serverless_signalr.protocol.upstream import UpstreamEvent
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, Cloud

type StartHost = Callable[..., Awaitable[Any]]

APP = """
import json

import azure.functions as func

app = func.FunctionApp()

def answer(name, binding):
    def handler(req: func.HttpRequest, value: str) -> func.HttpResponse:
        return func.HttpResponse(value, mimetype="application/json")

    properties = {} if binding == "signalREndpoints" else {"user_id": "ann"}
    handler = app.generic_input_binding("value", type=binding, hub_name="Chat", **properties)(handler)
    app.function_name(name)(app.route(route=name)(handler))

answer("negotiate", "signalRConnectionInfo")
answer("negotiation", "signalRNegotiation")
answer("endpoints", "signalREndpoints")

@app.route()
@app.generic_output_binding("outbox", type="signalR", hub_name="Chat")
def send(req: func.HttpRequest, outbox: func.Out[str]) -> str:
    outbox.set(req.get_json())
    return "sent"

@app.generic_trigger(
    "invocation", type="signalRTrigger", hub_name="chat", category="connections", event="connected"
)
def connected(invocation: str) -> None:
    pass
"""

TYPED = """
import azure.functions as func

from serverless_signalr import FunctionApp, SignalREndpoint, SignalRMessage, SignalRNegotiation, SignalROutput

app = FunctionApp()

@app.route()
@app.signalr_negotiation_input("offered", hub="chat", user_id="ann")
def negotiate(req: func.HttpRequest, offered: SignalRNegotiation) -> str:
    wanted = req.params["name"]
    return next(info.to_json() for endpoint, info in offered.endpoints if endpoint.name == wanted)

@app.route()
@app.signalr_endpoints_input("endpoints", hub="chat")
@app.signalr_output("outbox", hub="chat")
def send(req: func.HttpRequest, endpoints: list[SignalREndpoint], outbox: SignalROutput) -> str:
    wanted = [endpoint for endpoint in endpoints if endpoint.name == req.params["name"]]
    outbox.append(SignalRMessage(target="t", arguments=[1], endpoints=wanted))
    return "sent"
"""

NAME = "AzureSignalRConnectionString"
KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
BACKUP_KEY = KEY[::-1]
URL = "https://chat.service.signalr.net"
BACKUP_URL = "https://backup.service.signalr.net"
STRING = f"Endpoint={URL};AccessKey={KEY};Version=1.0;"
IDENTITY = {f"{NAME}__serviceUri": URL, f"{NAME}__credential": "managedidentity", f"{NAME}__clientId": CLIENT}
SEVERAL = {
    "Azure__SignalR__Endpoints__east__primary": STRING,
    "Azure__SignalR__Endpoints__west__secondary": f"Endpoint={BACKUP_URL};AccessKey={BACKUP_KEY}",
    "AzureSignalRServiceTransportType": "Persistent",
}
EAST = {"endpointType": "Primary", "name": "east", "endpoint": URL, "online": True}
WEST = {"endpointType": "Secondary", "name": "west", "endpoint": BACKUP_URL, "online": True}
MESSAGE = {"target": "t", "arguments": [1]}


@pytest.fixture(autouse=True)
def filled(cloud: Cloud) -> None:
    cloud.service.keys.add(KEY)
    cloud.backup.keys.add(BACKUP_KEY)
    cloud.identity.known.add(CLIENT)


@pytest.fixture
def start(start_host_in_cloud: StartHost) -> StartHost:
    """Start the app with settings."""

    async def with_settings(settings: dict[str, str]) -> Any:
        return await start_host_in_cloud(APP, settings=settings)

    return with_settings


async def problem(reply: Awaitable[Any]) -> str:
    """Return what the developer is told."""
    answered = await reply
    assert answered.status == 500
    text: str = answered.json()["detail"]
    assert KEY not in text
    return text


# A reference to Key Vault.


async def test_a_reference_opens_the_service_for_every_binding(start: StartHost, cloud: Cloud) -> None:
    cloud.vault.put("signalr", STRING)
    app = await start({NAME: "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"})
    info = (await app.get("/api/negotiate")).json()
    assert cloud.service.verify(info["accessToken"])["asrs.s.uid"] == "ann"
    assert (await app.post("/api/send", json=MESSAGE)).text == "sent"
    event = UpstreamEvent("chat", "connections", "connected", "c1")
    assert (await app.deliver(event.headers([KEY]), {"type": 10})).status == 200
    assert (await app.deliver(event.headers([BACKUP_KEY]), {"type": 10})).status == 401
    assert cloud.service.bodies == [MESSAGE]


# An identity.


async def test_an_identity_s_clients_get_tokens_signed_with_its_temporary_key(
    start: StartHost, cloud: Cloud
) -> None:
    app = await start(IDENTITY)
    info = (await app.get("/api/negotiate")).json()
    assert info["url"] == f"{URL}/client/?hub=chat"
    assert jwt.get_unverified_header(info["accessToken"])["kid"] == "key-1"
    assert cloud.service.verify(info["accessToken"])["asrs.s.uid"] == "ann"
    await app.get("/api/negotiate")
    assert len(cloud.service.temporary) == 1


async def test_an_identity_sends_with_its_token(start: StartHost, cloud: Cloud) -> None:
    app = await start(IDENTITY)
    assert (await app.post("/api/send", json=MESSAGE)).text == "sent"
    assert (cloud.service.bodies, cloud.service.temporary) == ([MESSAGE], {})


async def test_an_identity_without_the_role_is_told_what_to_grant(start: StartHost, cloud: Cloud) -> None:
    cloud.service.may_sign = False
    app = await start(IDENTITY)
    told = await problem(app.get("/api/negotiate"))
    assert f"refused the managed identity {CLIENT} a key" in told
    assert "Grant the identity the role SignalR Service Owner" in told


async def test_events_over_an_identity_are_not_asked_for_a_signature(start: StartHost) -> None:
    app = await start(IDENTITY)
    event = UpstreamEvent("chat", "connections", "connected", "c1")
    assert (await app.deliver(event.headers(["any"]), {"type": 10})).status == 200


# Several endpoints.


async def test_a_client_is_sent_to_a_primary_endpoint_that_is_up(start: StartHost) -> None:
    app = await start(SEVERAL)
    assert (await app.get("/api/negotiate")).json()["url"].startswith(URL)


async def test_a_client_is_sent_to_the_secondary_where_the_primary_is_down(
    start: StartHost, cloud: Cloud
) -> None:
    cloud.down.add("chat.service.signalr.net")
    app = await start(SEVERAL)
    info = (await app.get("/api/negotiate")).json()
    assert info["url"].startswith(BACKUP_URL)
    assert cloud.backup.verify(info["accessToken"])["asrs.s.uid"] == "ann"


async def test_a_function_may_choose_among_all(start: StartHost, cloud: Cloud) -> None:
    app = await start(SEVERAL)
    [east, west] = (await app.get("/api/negotiation")).json()["endpoints"]
    for shown, url, service, found in (
        (EAST, URL, cloud.service, east),
        (WEST, BACKUP_URL, cloud.backup, west),
    ):
        info = found.pop("connectionInfo")
        assert (found, info["url"]) == (shown, f"{url}/client/?hub=chat")
        assert service.verify(info["accessToken"])["asrs.s.uid"] == "ann"


async def test_a_function_sees_which_endpoints_are_up(start: StartHost, cloud: Cloud) -> None:
    cloud.down.add("backup.service.signalr.net")
    app = await start(SEVERAL)
    assert (await app.get("/api/endpoints")).json() == [EAST, {**WEST, "online": False}]


async def test_a_message_goes_to_every_endpoint(start: StartHost, cloud: Cloud) -> None:
    app = await start(SEVERAL)
    await app.post("/api/send", json=MESSAGE)
    assert (cloud.service.bodies, cloud.backup.bodies) == ([MESSAGE], [MESSAGE])


@pytest.mark.parametrize(
    ("endpoints", "to_east", "to_west"),
    [
        (None, [MESSAGE], [MESSAGE]),
        ([EAST], [MESSAGE], []),
        ([{**WEST, "online": False}], [], [MESSAGE]),
        ([WEST, EAST], [MESSAGE], [MESSAGE]),
        ([{**EAST, "name": "other"}], [], []),
        ([], [], []),
    ],
)
async def test_a_message_goes_to_the_endpoints_that_it_names(
    start: StartHost, cloud: Cloud, endpoints: object, to_east: list[object], to_west: list[object]
) -> None:
    app = await start(SEVERAL)
    assert (await app.post("/api/send", json={**MESSAGE, "endpoints": endpoints})).text == "sent"
    assert (cloud.service.bodies, cloud.backup.bodies) == (to_east, to_west)


async def test_a_message_for_no_endpoint_of_the_connection_is_told(start: StartHost, log: Any) -> None:
    app = await start(SEVERAL)
    await app.post("/api/send", json={**MESSAGE, "endpoints": [{**EAST, "name": "other"}]})
    assert log.find("reaches nobody").levelname == "WARNING"


async def test_endpoints_that_are_none_fail_the_function(start: StartHost) -> None:
    app = await start(SEVERAL)
    told = await problem(app.post("/api/send", json={**MESSAGE, "endpoints": "east"}))
    assert "endpoints must be a list of what the binding signalREndpoints hands out." in told


async def test_an_event_may_be_signed_by_any_endpoint(start: StartHost) -> None:
    app = await start(SEVERAL)
    event = UpstreamEvent("chat", "connections", "connected", "c1")
    for key, status in ((KEY, 200), (BACKUP_KEY, 200), ("other", 401)):
        assert (await app.deliver(event.headers([key]), {"type": 10})).status == status


async def test_typed_functions_choose_among_endpoints(
    start_host_in_cloud: StartHost, packages: str, cloud: Cloud
) -> None:
    app = await start_host_in_cloud(TYPED, settings={**SEVERAL, "PYTHONPATH": packages})
    info = (await app.get("/api/negotiate?name=west")).json()
    assert info["url"] == f"{BACKUP_URL}/client/?hub=chat"
    assert cloud.backup.verify(info["accessToken"])["asrs.s.uid"] == "ann"
    assert (await app.get("/api/send?name=west")).text == "sent"
    assert (cloud.service.bodies, cloud.backup.bodies) == ([], [MESSAGE])


@pytest.mark.parametrize("transport", ["", "Transient", "0"])
async def test_the_default_transport_takes_one_endpoint_only(
    start: StartHost, cloud: Cloud, transport: str
) -> None:
    app = await start({**SEVERAL, "AzureSignalRServiceTransportType": transport})
    for reply in (app.get("/api/negotiate"), app.get("/api/endpoints"), app.post("/api/send", json=MESSAGE)):
        assert "only with the app setting AzureSignalRServiceTransportType=Persistent" in await problem(reply)
    assert cloud.service.requests + cloud.backup.requests == []


async def test_a_transport_that_is_none_is_told(start: StartHost) -> None:
    app = await start({NAME: STRING, "AzureSignalRServiceTransportType": "persistent"})
    told = await problem(app.get("/api/negotiate"))
    assert (
        "AzureSignalRServiceTransportType is wrong, expected Transient or Persistent, in this spelling"
        in told
    )


async def test_one_endpoint_is_shown_too(start: StartHost) -> None:
    app = await start({NAME: STRING})
    shown = {"endpointType": "Primary", "name": "", "endpoint": URL, "online": True}
    assert (await app.get("/api/endpoints")).json() == [shown]
    [offered] = (await app.get("/api/negotiation")).json()["endpoints"]
    assert json.dumps(offered).startswith(json.dumps(shown)[:-1])
