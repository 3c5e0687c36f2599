"""Claims of a token, to the header of upstream requests and back."""

import pytest

from serverless_signalr.protocol.claims import format_claims, parse_claims


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
