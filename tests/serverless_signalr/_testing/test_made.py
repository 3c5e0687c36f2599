"""What functions receive, made for a test."""

import azure.functions as func
import pytest

from serverless_signalr import Principal
from serverless_signalr._testing.made import principal_headers
from serverless_signalr.testing import connection_info, invocation_context, principal


@pytest.mark.parametrize(("event", "category"), [("connected", "connections"), ("say", "messages")])
def test_category_of_a_context_follows_from_its_event(event: str, category: str) -> None:
    assert invocation_context(event).category == category


def test_context_holds_what_a_test_says() -> None:
    found = invocation_context("say", "hi", 1, user_id="ann", claims={"role": "admin"}, headers={"A": "1"})
    assert (found.arguments, found.user_id, found.claims["role"]) == (["hi", 1], "ann", ("admin",))
    assert found.headers["a"] == "1"


def test_connection_info_is_of_the_hub() -> None:
    assert connection_info("chat").url.endswith("/client/?hub=chat")


@pytest.mark.parametrize(
    "caller",
    [
        principal("ann"),
        principal("ann", name="Ann B.", roles=["admin", "author"], provider="github"),
        Principal("ann", "ann", "aad", {"oid": ("1",), "roles": ("admin",)}, ("admin",)),
    ],
    ids=["plain", "roles", "claims"],
)
def test_principal_is_read_back_from_its_headers(caller: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "true")
    request = func.HttpRequest("GET", "/api/me", headers=principal_headers(caller), body=b"")
    assert Principal.from_request(request) == caller


def test_id_alone_is_a_principal() -> None:
    assert principal_headers("ann") == principal_headers(principal("ann"))
