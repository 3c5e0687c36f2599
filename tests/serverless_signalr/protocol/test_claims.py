"""Claims of a token, to the header of upstream requests and back."""

from datetime import timedelta
from typing import Any

import pytest

from serverless_signalr.protocol.claims import check_claims, check_lifetime, format_claims, parse_claims


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


NAME_ID = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"


@pytest.mark.parametrize("user_id", [None, "ann", "Doe, Jane", "a b", "Zoë 群", "a:b", "{a}"])
def test_a_user_id_that_arrives_as_it_is_may_be_used(user_id: str | None) -> None:
    check_claims(user_id, {})


@pytest.mark.parametrize(
    ("user_id", "reason"),
    [
        pytest.param("", "is empty: pass None", id="empty"),
        pytest.param(" ", "begins or ends with whitespace", id="blank"),
        pytest.param(" ann", "begins or ends with whitespace", id="blank-before"),
        pytest.param("ann ", "begins or ends with whitespace", id="blank-behind"),
        pytest.param("ann\t", "begins or ends with whitespace", id="tab-behind"),
        pytest.param("\u00a0ann", "begins or ends with whitespace", id="no-break-space"),
        pytest.param("ann\u3000", "begins or ends with whitespace", id="ideographic-space"),
        pytest.param("ann\u2028", "begins or ends with whitespace", id="line-separator"),
        pytest.param("a\tb", "control character", id="tab-within"),
        pytest.param("a\r\nX-ASRS-User-Id: admin", "control character", id="line-end"),
        pytest.param("a\x00", "control character", id="nul"),
        pytest.param("a\x7fb", "control character", id="delete"),
        pytest.param("ann\ud83d", "half of a surrogate pair", id="half-an-emoji"),
        pytest.param("ann, role: admin", "pass for a claim", id="claim"),
    ],
)
def test_a_user_id_that_would_not_arrive_as_it_is_is_refused(user_id: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^the user id .*{reason}"):
        check_claims(user_id, {})


@pytest.mark.parametrize("name", ["sub", "nameid", NAME_ID, "SUB", "NameId", NAME_ID.upper()])
@pytest.mark.parametrize("user_id", [None, "ann"])
@pytest.mark.parametrize("value", ["admin", ["ann", "admin"]])
def test_a_claim_that_names_another_user_is_refused(name: str, user_id: str | None, value: Any) -> None:
    with pytest.raises(ValueError, match="names another user than user_id"):
        check_claims(user_id, {name: value})


@pytest.mark.parametrize("name", ["sub", "nameid", NAME_ID])
def test_a_claim_that_names_the_same_user_may_be_used(name: str) -> None:
    check_claims("ann", {name: "ann"})


@pytest.mark.parametrize("name", ["asrs.s.uid", "ASRS.s.uid", "asrs.u.sub"])
def test_a_claim_of_the_service_is_refused_in_any_case(name: str) -> None:
    with pytest.raises(ValueError, match="is reserved for the service itself"):
        check_claims("ann", {name: "ann"})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (5, "the claim tenant is a int, expected a text or a list of texts"),
        (None, "the claim tenant is a NoneType, expected"),
        (b"x", "the claim tenant is a bytes, expected"),
        ({"a": "b"}, "the claim tenant is a dict, expected"),
        (["a", 5], "the claim tenant has a int among its values"),
        ([["a"]], "the claim tenant has a list among its values"),
    ],
)
def test_a_claim_that_is_no_text_is_told_so(value: Any, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        check_claims("ann", {"tenant": value})


@pytest.mark.parametrize(("user_id", "claims"), [(5, {}), ("ann", {5: "x"})], ids=["user-id", "type"])
def test_names_that_are_no_texts_are_told_so(user_id: Any, claims: Any) -> None:
    with pytest.raises(TypeError, match="is a int, expected a text"):
        check_claims(user_id, claims)


@pytest.mark.parametrize("seconds", [-3600, -1, 0, 0.5])
def test_a_lifetime_that_is_over_is_refused(seconds: float) -> None:
    with pytest.raises(
        ValueError, match=f"the lifetime of a token is {seconds:g} seconds, expected at least one"
    ):
        check_lifetime(timedelta(seconds=seconds))


def test_a_lifetime_is_no_number() -> None:
    lifetime: Any = 3600
    with pytest.raises(TypeError, match="the lifetime of a token is a int, expected a timedelta"):
        check_lifetime(lifetime)


def test_a_second_is_a_lifetime() -> None:
    check_lifetime(timedelta(seconds=1))
