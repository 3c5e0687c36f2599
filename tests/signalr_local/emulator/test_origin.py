"""The pages that may read the answers."""

from typing import Any

import pytest

from signalr_local.emulator.origin import check_origin

PAGE = "http://localhost:5173"
HEADERS = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize("path", ["/api/hubs/chat/:send", "/api/health", "/", "/clients", "/server"])
@pytest.mark.parametrize("method", ["OPTIONS", "POST", "GET"])
async def test_a_page_may_read_nothing_but_answers_to_clients(service: Any, path: str, method: str) -> None:
    reply = await service.request(method, path, headers=HEADERS)
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize("path", ["/client", "/client/", "/Client/negotiate"])
async def test_a_page_may_read_the_answers_to_clients(service: Any, path: str) -> None:
    reply = await service.request("GET", path, headers=HEADERS)
    assert reply.headers["Access-Control-Allow-Origin"] == PAGE


async def test_a_page_of_an_allowed_origin_may_use_the_rest_api(start: Any) -> None:
    service = await start(origins=["HTTP://localhost:5173/"])
    path = "/api/hubs/chat/:send"
    reply = await service.request("OPTIONS", path, headers=HEADERS)
    assert reply.headers["Access-Control-Allow-Origin"] == PAGE
    assert reply.headers["Access-Control-Allow-Methods"] == "POST"
    for other in ("http://localhost:5174", "http://localhost", "null", f"{PAGE}.evil.example"):
        reply = await service.request("OPTIONS", path, headers={**HEADERS, "Origin": other})
        assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize(
    "origin", ["*", "", "localhost:5173", "ftp://a", "http://a/b", "http://", "http://*.a"]
)
def test_an_origin_is_scheme_and_host_and_nothing_more(origin: str) -> None:
    with pytest.raises(ValueError, match="expected one such as"):
        check_origin(origin)
