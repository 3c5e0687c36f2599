"""The connections of a group, page by page."""

from typing import Any
from urllib.parse import urlsplit

import pytest

GROUP = "a%2Fb"


@pytest.fixture
async def members(service: Any) -> list[Any]:
    """Return the clients of a group, in the order of their ids."""
    clients = [await service.connect(user) for user in ("ann", None, "carla", "dan", "eve")]
    for client in clients:
        await service.rest("PUT", f"/groups/{GROUP}/connections/{client.connection_id}")
    return sorted(clients, key=lambda client: client.connection_id)


async def pages(service: Any, query: str) -> list[list[str]]:
    """Follow the links and return the ids of each page."""
    found: list[list[str]] = []
    while True:
        path = f"/groups/{GROUP}/connections"
        reply = await service.rest("GET", path, query, version="2024-12-01")
        content = reply.json()
        found.append([item["connectionId"] for item in content["value"]])
        link = content.get("nextLink")
        if link is None:
            return found
        parts = urlsplit(link)
        assert (parts.netloc, parts.path) == (urlsplit(service.url).netloc, f"/api/hubs/chat{path}")
        query = parts.query.replace("&api-version=2024-12-01", "")


@pytest.mark.parametrize(
    ("query", "sizes"),
    [
        ("", [5]),
        ("maxpagesize=2", [2, 2, 1]),
        ("maxPageSize=5", [5]),
        ("top=3", [3]),
        ("top=3&maxpagesize=2", [2, 1]),
        ("top=9&maxpagesize=4", [4, 1]),
    ],
)
async def test_every_member_is_listed_once(
    service: Any, members: list[Any], query: str, sizes: list[int]
) -> None:
    found = await pages(service, query)
    ids = [member.connection_id for member in members]
    assert [len(page) for page in found] == sizes
    assert [id for page in found for id in page] == ids[: sum(sizes)]


async def test_the_next_page_is_of_the_same_hub_and_version(service: Any) -> None:
    for user in ("ann", "bob"):
        client = await service.connect(user, hub="shop_chat")
        await service.rest("PUT", f"/groups/g/connections/{client.connection_id}", hub="shop_chat")
    reply = await service.rest(
        "GET", "/groups/g/connections", "application=shop&maxpagesize=1", version="2024-12-01"
    )
    link = reply.json()["nextLink"]
    assert urlsplit(link).path == "/api/hubs/chat/groups/g/connections"
    path, _, query = link.removeprefix(service.url).partition("?")
    headers = {"Authorization": f"Bearer {service.server_token(path)}"}
    following = await service.request("GET", f"{path}?{query}", headers=headers)
    assert len(following.json()["value"]) == 1
    assert "nextLink" not in following.json()


async def test_a_member_is_shown_with_its_user(service: Any, members: list[Any]) -> None:
    reply = await service.rest("GET", f"/groups/{GROUP}/connections", version="2024-12-01")
    users = [item.get("userId") for item in reply.json()["value"]]
    assert sorted(user or "" for user in users) == ["", "ann", "carla", "dan", "eve"]


async def test_a_group_that_nobody_is_in_has_an_empty_page(service: Any) -> None:
    reply = await service.rest("GET", "/groups/none/connections", version="2024-12-01")
    assert reply.json() == {"value": []}


@pytest.mark.parametrize(
    "query", ["maxpagesize=0", "maxpagesize=201", "top=0", "top=x", "top=2147483648", "maxpagesize=-1"]
)
async def test_a_size_that_the_service_refuses_is_400(service: Any, query: str) -> None:
    assert (await service.rest("GET", "/groups/g/connections", query, version="2024-12-01")).status == 400
