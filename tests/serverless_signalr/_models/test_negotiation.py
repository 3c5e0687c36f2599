"""What negotiate functions receive and return."""

import json

from serverless_signalr._models.negotiation import SignalRConnectionInfo, SignalREndpoint, SignalRNegotiation

ENDPOINT = {
    "endpointType": "Primary",
    "name": "ep1",
    "endpoint": "https://a.service.signalr.net",
    "online": True,
}


def test_connection_info_is_read_from_indented_json() -> None:
    info = SignalRConnectionInfo.from_json(
        '{\n  "url": "https://x.service.signalr.net/client/?hub=chat",\n  "accessToken": "eyJ"\n}'
    )
    assert info == SignalRConnectionInfo("https://x.service.signalr.net/client/?hub=chat", "eyJ")


def test_connection_info_is_written_as_clients_expect_it() -> None:
    text = SignalRConnectionInfo("https://x/client/?hub=chat", "eyJ").to_json()
    assert json.loads(text) == {"url": "https://x/client/?hub=chat", "accessToken": "eyJ"}


def test_connection_info_does_not_show_its_token() -> None:
    assert "eyJ" not in repr(SignalRConnectionInfo("https://x", "eyJ"))


def test_endpoints_are_read() -> None:
    assert SignalREndpoint.list_from_json(json.dumps([ENDPOINT])) == [
        SignalREndpoint("Primary", "ep1", "https://a.service.signalr.net", True)
    ]


def test_endpoint_is_written_as_it_was_read() -> None:
    [endpoint] = SignalREndpoint.list_from_json(json.dumps([ENDPOINT]))
    assert endpoint.to_dict() == ENDPOINT


def test_negotiation_offers_every_endpoint_with_its_connection_info() -> None:
    offered = ENDPOINT | {
        "connectionInfo": {
            "url": "https://a.service.signalr.net/client/?hub=chat",
            "accessToken": "eyJ",
        }
    }
    assert SignalRNegotiation.from_json(json.dumps({"endpoints": [offered]})).endpoints == [
        (
            SignalREndpoint("Primary", "ep1", "https://a.service.signalr.net", True),
            SignalRConnectionInfo("https://a.service.signalr.net/client/?hub=chat", "eyJ"),
        )
    ]


def test_response_of_negotiate_is_never_cached() -> None:
    response = SignalRConnectionInfo("https://a", "t").to_response()
    assert json.loads(response.get_body()) == {"url": "https://a", "accessToken": "t"}
    assert (response.mimetype, response.headers["Cache-Control"]) == ("application/json", "no-store")
