"""The operations as data: their addresses."""

import pytest

from serverless_signalr._rest.operations import MAX_URL, Operation
from serverless_signalr.errors import PayloadTooLargeError

BASE = "https://chat.service.signalr.net/api/hubs/chat"
VERSION = "api-version=2024-12-01"


def test_url_ends_in_the_version() -> None:
    assert Operation("POST", "/:send").url(BASE, VERSION) == f"{BASE}/:send?{VERSION}"


def test_query_is_escaped_and_may_repeat_a_name() -> None:
    operation = Operation("POST", "/:send", [("excluded", "a b"), ("excluded", "c&d=e+f")])
    assert operation.url(BASE, VERSION) == f"{BASE}/:send?excluded=a%20b&excluded=c%26d%3De%2Bf&{VERSION}"


def test_url_longer_than_any_that_the_service_accepts_is_refused_with_its_length() -> None:
    operation = Operation("POST", "/:send", [("excluded", "c" * 22)] * 1000)
    with pytest.raises(
        PayloadTooLargeError, match=r"the URL has 32,\d{3} characters, .* accepts 16,384"
    ) as raised:
        operation.url(BASE, VERSION)
    assert raised.value.status is None
    assert len(Operation("POST", f"/{'x' * (MAX_URL - 100)}").url(BASE, VERSION)) <= MAX_URL


def test_half_of_an_emoji_in_a_query_is_replaced() -> None:
    operation = Operation("DELETE", "/connections/c1", [("reason", "x\ud83d"), ("filter", "\ud83d\ude00")])
    url = operation.url(BASE, VERSION)
    assert url == f"{BASE}/connections/c1?reason=x%EF%BF%BD&filter=%F0%9F%98%80&{VERSION}"
