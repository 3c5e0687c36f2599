"""The signature of upstream requests, against published vectors."""

import hmac
from typing import Any

import pytest
from pytest_mock import MockerFixture

from serverless_signalr.protocol.signature import is_signed, sign

ID = "0f9c97a2f0bf4706afe87a14e0797b11"
KEY = "7aab239577fd4f24bc919802fb629f5f"
SIGNATURE = "sha256=7767effcb3946f3e1de039df4b986ef02c110b1469d02c0a06f41b3b727ab561"
OTHER_KEY = "a5f2815d0d0c4b00bd27e832432f91ab"
OTHER_SIGNATURE = "sha256=d4aefb65547a00a9881fa8ac8bd03d0faf77af9da5205d45c6e57cbda4377760"

EMPTY_KEY_SIGNATURE = "sha256=" + hmac.new(b"", ID.encode(), "sha256").hexdigest()


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
