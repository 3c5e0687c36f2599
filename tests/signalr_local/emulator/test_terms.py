"""What a token says of its connection."""

import pytest

from signalr_local.emulator.terms import Terms


@pytest.mark.parametrize(
    ("claims", "terms"),
    [
        ({}, Terms()),
        ({"asrs.s.htt": ("5",)}, Terms(transports=5)),
        ({"asrs.s.cht": ("30",)}, Terms(handshake=30)),
        ({"asrs.s.ttl": ("300",)}, Terms(poll_gap=300)),
        ({"asrs.s.coae": ("true",), "asrs.s.aeo": ("4102444800",)}, Terms(expires=4102444800)),
        ({"asrs.s.coae": ("True",), "asrs.s.aeo": ("0",)}, Terms(expires=0)),
        ({"asrs.s.coae": ("true",)}, Terms()),
        ({"asrs.s.coae": ("false",), "asrs.s.aeo": ("4102444800",)}, Terms()),
        ({"asrs.s.aeo": ("4102444800",)}, Terms()),
        ({"asrs.s.dc": ("true",)}, Terms(is_diagnostic=True)),
        ({"asrs.s.dc": ("1",)}, Terms()),
        ({"asrs.s.htt": (), "asrs.s.dc": ()}, Terms()),
    ],
)
def test_terms_are_claims_of_a_token(claims: dict[str, tuple[str, ...]], terms: Terms) -> None:
    assert Terms.of(claims) == terms


@pytest.mark.parametrize("name", ["asrs.s.htt", "asrs.s.cht", "asrs.s.ttl", "asrs.s.aeo"])
@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "٣", "9" * 30])
def test_a_value_that_no_sdk_writes_is_none(name: str, value: str) -> None:
    assert Terms.of({name: (value,), "asrs.s.coae": ("true",)}) == Terms()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("asrs.s.htt", "8"),
        ("asrs.s.cht", "0"),
        ("asrs.s.cht", "31"),
        ("asrs.s.ttl", "0"),
        ("asrs.s.ttl", "301"),
    ],
)
def test_a_value_outside_of_what_the_sdks_allow_is_none(name: str, value: str) -> None:
    assert Terms.of({name: (value,)}) == Terms()
