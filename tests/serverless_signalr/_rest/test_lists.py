"""Lists, which come page by page."""

import json
from typing import Any

import pytest
from aiohttp import web

from serverless_signalr.rest import (
    GroupConnection,
    ServiceClient,
)
from tests.serverless_signalr.rest_service import HUB, VERSION, Received, Service


def pages_of(service: Service, *pages: list[str]) -> None:
    """Answer with pages, each of which links to the next at an address that cannot be reached."""

    async def respond(request: Received) -> web.StreamResponse:
        number = int(dict(request.query).get("continuationToken", "0"))
        page: dict[str, Any] = {"value": [json.loads(item) for item in pages[number]]}
        if number + 1 < len(pages):
            page["nextLink"] = f"https://internal.invalid{request.path}?top=9&continuationToken={number + 1}"
        return web.json_response(page)

    service.always(respond)


ANN, BOB, NOBODY = (
    '{"connectionId": "c1", "userId": "ann"}',
    '{"connectionId": "c2", "userId": "bob"}',
    '{"connectionId": "c3"}',
)


async def test_connections_of_all_pages_are_listed(service: Service, client: ServiceClient) -> None:
    pages_of(service, [ANN, BOB], [], [NOBODY])
    listed = [item async for item in client.list_group_connections("a b", page_size=2)]
    assert listed == [
        GroupConnection("c1", "ann"),
        GroupConnection("c2", "bob"),
        GroupConnection("c3"),
    ]
    assert service.lines == [f"GET {HUB}/groups/a%20b/connections"] * 3
    assert [request.query for request in service.requests] == [
        [("maxpagesize", "2"), VERSION],
        [("maxpagesize", "2"), ("continuationToken", "1"), VERSION],
        [("maxpagesize", "2"), ("continuationToken", "2"), VERSION],
    ]


async def test_page_is_fetched_when_it_is_reached(service: Service, client: ServiceClient) -> None:
    pages_of(service, [ANN], [BOB])
    connections = client.list_group_connections("g")
    assert service.requests == []
    assert await anext(connections) == GroupConnection("c1", "ann")
    assert len(service.requests) == 1
    assert await anext(connections) == GroupConnection("c2", "bob")
    assert len(service.requests) == 2


async def test_no_more_than_top_are_listed(service: Service, client: ServiceClient) -> None:
    pages_of(service, [ANN, BOB], [NOBODY])
    for top, ids in ((1, ["c1"]), (2, ["c1", "c2"])):
        listed = [item.connection_id async for item in client.list_group_connections("g", top=top)]
        assert listed == ids
    assert [request.query for request in service.requests] == [
        [("top", "1"), VERSION],
        [("top", "2"), VERSION],
    ]


@pytest.mark.parametrize("options", [{"top": 0}, {"page_size": 0}, {"page_size": 201}])
async def test_numbers_of_a_list_are_checked_at_once(client: ServiceClient, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"is (0|201), expected 1"):
        client.list_group_connections("g", **options)
