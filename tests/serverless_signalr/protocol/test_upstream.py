"""Upstream requests: headers there and back."""

import pytest

from serverless_signalr.protocol.upstream import Category, UpstreamEvent

ID = "0f9c97a2f0bf4706afe87a14e0797b11"
KEY = "7aab239577fd4f24bc919802fb629f5f"
SIGNATURE = "sha256=7767effcb3946f3e1de039df4b986ef02c110b1469d02c0a06f41b3b727ab561"

EVENT = UpstreamEvent(
    hub="chat",
    category=Category.MESSAGES,
    event="broadcast",
    connection_id=ID,
    user_id="ann",
    claims={"sub": ("ann",), "role": ("a", "b")},
    query="?hub=chat&x=1",
)


def test_headers_carry_the_event() -> None:
    assert EVENT.headers([KEY]) == {
        "X-ASRS-Connection-Id": ID,
        "X-ASRS-Hub": "chat",
        "X-ASRS-Category": "messages",
        "X-ASRS-Event": "broadcast",
        "X-ASRS-Signature": SIGNATURE,
        "X-ASRS-User-Id": "ann",
        "X-ASRS-User-Claims": "sub: ann, role: a, role: b",
        "X-ASRS-Client-Query": "?hub=chat&x=1",
    }


def test_headers_leave_out_what_an_event_has_not() -> None:
    event = UpstreamEvent(hub="chat", category="connections", event="connected", connection_id=ID)
    assert set(event.headers([KEY])) == {
        "X-ASRS-Connection-Id",
        "X-ASRS-Hub",
        "X-ASRS-Category",
        "X-ASRS-Event",
        "X-ASRS-Signature",
    }


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(EVENT, id="full"),
        pytest.param(UpstreamEvent("chat", "connections", "connected", ID), id="bare"),
        pytest.param(UpstreamEvent("chat", "connections", "connected", ID, user_id=""), id="empty-user"),
    ],
)
def test_event_comes_back_from_its_headers(event: UpstreamEvent) -> None:
    assert UpstreamEvent.from_headers(event.headers([KEY])) == event


REQUIRED = ["X-ASRS-Hub", "X-ASRS-Category", "X-ASRS-Event", "X-ASRS-Connection-Id"]


@pytest.mark.parametrize("name", REQUIRED)
def test_absent_header_is_named(name: str) -> None:
    headers = EVENT.headers([KEY])
    del headers[name]
    with pytest.raises(ValueError, match=f"the upstream request has no {name} header"):
        UpstreamEvent.from_headers(headers)


@pytest.mark.parametrize("name", REQUIRED)
def test_empty_header_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"the upstream request has no {name} header"):
        UpstreamEvent.from_headers(EVENT.headers([KEY]) | {name: ""})


def test_an_event_does_not_show_what_the_client_connected_with() -> None:
    event = UpstreamEvent(
        "chat", "messages", "m", ID, claims={"k": ("secret",)}, query="?access_token=secret"
    )
    assert "secret" not in repr(event)
