"""Upstream requests: signatures against published vectors, headers there and back."""

import hmac
from typing import Any

import pytest
from pytest_mock import MockerFixture

from serverless_signalr.protocol.upstream import (
    Category,
    UpstreamEvent,
    format_claims,
    is_signed,
    parse_claims,
    sign,
)

ID = "0f9c97a2f0bf4706afe87a14e0797b11"
KEY = "7aab239577fd4f24bc919802fb629f5f"
SIGNATURE = "sha256=7767effcb3946f3e1de039df4b986ef02c110b1469d02c0a06f41b3b727ab561"
OTHER_KEY = "a5f2815d0d0c4b00bd27e832432f91ab"
OTHER_SIGNATURE = "sha256=d4aefb65547a00a9881fa8ac8bd03d0faf77af9da5205d45c6e57cbda4377760"

EMPTY_KEY_SIGNATURE = "sha256=" + hmac.new(b"", ID.encode(), "sha256").hexdigest()

EVENT = UpstreamEvent(
    hub="chat",
    category=Category.MESSAGES,
    event="broadcast",
    connection_id=ID,
    user_id="ann",
    claims={"sub": ("ann",), "role": ("a", "b")},
    query="?hub=chat&x=1",
)


@pytest.mark.parametrize(
    ("connection_id", "key", "signature"),
    [
        pytest.param(ID, KEY, SIGNATURE, id="extension-primary"),
        pytest.param(ID, OTHER_KEY, OTHER_SIGNATURE, id="extension-secondary"),
        pytest.param(
            "conn1",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH",
            "sha256=8de7281e588e23b0a30a7180ffa240257b8176e983004c240c9f3f7a7233c993",
            id="emulator",
        ),
    ],
)
def test_signature_is_the_published_one(connection_id: str, key: str, signature: str) -> None:
    assert sign(connection_id, [key]) == signature


def test_signatures_of_two_keys_are_joined_as_the_service_joins_them() -> None:
    assert sign(ID, [KEY, OTHER_KEY]) == f"{SIGNATURE}, {OTHER_SIGNATURE}"


@pytest.mark.parametrize(
    ("signature", "keys"),
    [
        pytest.param(SIGNATURE, [KEY], id="one"),
        pytest.param(f"{SIGNATURE},{OTHER_SIGNATURE}", [OTHER_KEY], id="second-signature"),
        pytest.param(f"{SIGNATURE}, {OTHER_SIGNATURE}", [OTHER_KEY], id="second-signature-after-a-blank"),
        pytest.param(f"{SIGNATURE} ,\t{OTHER_SIGNATURE}", [KEY], id="first-signature-before-a-blank"),
        pytest.param(OTHER_SIGNATURE, [KEY, OTHER_KEY], id="second-key"),
        pytest.param("sha256=" + SIGNATURE.removeprefix("sha256=").upper(), [KEY], id="upper-case"),
    ],
)
def test_any_key_with_any_signature_suffices(signature: str, keys: list[str]) -> None:
    assert is_signed(ID, signature, keys)


@pytest.mark.parametrize(
    ("connection_id", "signature", "keys"),
    [
        pytest.param(ID, OTHER_SIGNATURE, [KEY], id="other-key"),
        pytest.param("another", SIGNATURE, [KEY], id="other-connection"),
        pytest.param(ID, "", [KEY], id="absent"),
        pytest.param(ID, SIGNATURE.removeprefix("sha256="), [KEY], id="no-algorithm"),
        pytest.param(ID, SIGNATURE[:-1], [KEY], id="cut-short"),
        pytest.param(ID, SIGNATURE.replace("=", "= "), [KEY], id="blank-within"),
        pytest.param(ID, "sha256=ñ", [KEY], id="not-ascii"),
        pytest.param(ID, "sha256=\udcff", [KEY], id="raw-bytes"),
        pytest.param("\udcff", SIGNATURE, [KEY], id="raw-bytes-in-the-connection-id"),
        pytest.param(ID, "," * 100 + SIGNATURE, [KEY], id="after-more-signatures-than-any-service-sends"),
        pytest.param(ID, EMPTY_KEY_SIGNATURE, [""], id="empty-key"),
        pytest.param(ID, SIGNATURE, [], id="no-keys"),
    ],
)
def test_signature_that_does_not_fit_is_refused(connection_id: str, signature: str, keys: list[str]) -> None:
    assert not is_signed(connection_id, signature, keys)


def test_a_signature_costs_one_hmac_for_each_key_however_long_the_header_is(mocker: MockerFixture) -> None:
    digest: Any = mocker.spy(hmac, "digest")
    compare: Any = mocker.spy(hmac, "compare_digest")
    assert not is_signed(ID, "," * 30_000, [KEY, OTHER_KEY])
    assert digest.call_count == 2
    assert compare.call_count <= 2 * 16


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


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param("sub: ann", {"sub": ("ann",)}, id="one"),
        pytest.param("sub: ann, iss: azure-signalr", {"sub": ("ann",), "iss": ("azure-signalr",)}, id="two"),
        pytest.param("role: a, role: b", {"role": ("a", "b")}, id="several-values"),
        pytest.param("sub: ann,x: 1", {"sub": ("ann",), "x": ("1",)}, id="no-blank"),
        pytest.param("aud: http://a/?hub=b", {"aud": ("http://a/?hub=b",)}, id="url"),
        pytest.param("name: Doe, Jane, x: 1", {"name": ("Doe",), "x": ("1",)}, id="comma-in-value"),
        pytest.param("name: a: b, x: 1", {"x": ("1",)}, id="colon-in-value"),
        pytest.param("alone", {}, id="no-value"),
    ],
)
def test_claims_are_read_as_the_extension_reads_them(header: str, claims: dict[str, tuple[str, ...]]) -> None:
    assert parse_claims(header) == claims


def test_claims_come_back_from_their_header() -> None:
    claims = {"sub": ("ann",), "role": ("a", "b"), "exp": ("4102444800",)}
    assert parse_claims(format_claims(claims)) == claims
