"""The quotas of a pricing tier."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from serverless_signalr.protocol.messages import Completion
from signalr_local.emulator import UpstreamRule
from signalr_local.emulator.protocols import JSON
from signalr_local.emulator.tiers import TIERS, Quota, QuotaError, Tier

type Start = Callable[..., Awaitable[Any]]

USED_UP = "Message count reaches limit."


def test_the_tiers_are_those_of_the_service() -> None:
    assert {"free": Tier(20, 20_000), "standard": Tier(1_000, None)} == TIERS


def test_messages_count_in_pieces_of_2_kb_for_each_receiver() -> None:
    quota = Quota(Tier(1, 10), lambda: 0)
    quota.take(2, 2048)
    quota.take(2, 2049)
    quota.take(4, 0)
    with pytest.raises(QuotaError, match=USED_UP):
        quota.take(1, 1)


def test_a_message_to_nobody_costs_nothing() -> None:
    Quota(Tier(1, 0), lambda: 0).take(0, 5000)


def test_the_count_begins_anew_at_midnight_utc() -> None:
    now = 86_399.0
    quota = Quota(Tier(1, 1), lambda: now)
    quota.take(1, 1)
    with pytest.raises(QuotaError):
        quota.take(1, 1)
    now = 86_400.0
    quota.take(1, 1)


def test_without_a_tier_nothing_is_limited() -> None:
    quota = Quota()
    quota.take(10**9, 10**9)
    quota.check_connections(10**9)


async def test_a_connection_beyond_the_tier_is_429_until_one_goes(start: Start) -> None:
    service = await start(tier=Tier(2, None))
    first, _ = await service.connect(), await service.connect()
    reply = await service.negotiate()
    assert (reply.status, reply.text) == (429, "Connection count reaches limit.")
    assert await service.refusal("hub=chat") == 429
    await first.leave()
    while (await service.negotiate()).status == 429:
        pass
    await service.connect()


async def test_who_polls_counts_and_may_go_on_when_there_is_no_more_room(start: Start) -> None:
    service = await start(tier=Tier(1, None))
    first, second = await service.poller(), await service.poller()
    await first.shake_hands()
    reply = await second.poll()
    assert (reply.status, reply.text) == (429, "Connection count reaches limit.")
    await service.send("", "still here")
    assert "still here" in (await first.poll()).text


async def test_a_connection_that_goes_on_is_none_more(start: Start) -> None:
    service = await start(tier=Tier(1, None), stateful_reconnect=True)
    query = "hub=chat&negotiateVersion=1&useStatefulReconnect=true"
    token = (await service.negotiate(query)).json()["connectionToken"]
    client = await service.open(f"hub=chat&id={token}")
    await client.send_text('{"protocol":"json","version":2}\x1e')
    assert await client.next_frame() == "{}"
    assert await service.refusal("hub=chat") == 429
    client.vanish()
    await service.open(f"hub=chat&id={token}")


async def test_a_message_beyond_the_tier_is_429_and_closes_all_clients(start: Start) -> None:
    service = await start(tier=Tier(20, 3))
    clients = [await service.connect(), await service.connect()]
    assert (await service.send("", 1)).status == 202
    reply = await service.send("", 2)
    assert (reply.status, reply.text) == (429, USED_UP)
    for client in clients:
        assert (await client.next())["arguments"] == [1]
        assert (await client.next())["error"] == USED_UP
    assert (await service.negotiate()).text == USED_UP


@pytest.mark.parametrize("path", [":invoke", "streams/s/:send"])
async def test_what_is_sent_to_one_client_counts(start: Start, path: str) -> None:
    service = await start(tier=Tier(20, 1))
    client = await service.connect()
    message = {"target": "m", "arguments": ["x" * 2048]}
    reply = await service.rest(
        "POST", f"/connections/{client.connection_id}/{path}", version="2024-12-01", message=message
    )
    assert reply.status == 429


async def test_commands_count(start: Start) -> None:
    service = await start(tier=Tier(20, 1))
    await service.connect()
    command = {"type": "SendMessage", "message": {"target": "m", "arguments": ["x" * 2048]}}
    reply = await service.rest("POST", "/:execute", version="2024-12-01", message=[command])
    assert reply.status == 429


async def test_answers_of_the_app_count(start: Start, app: Any) -> None:
    app.answer("m", body=JSON.encode(Completion("1", 1)))
    service = await start([UpstreamRule(app.url, category="messages")], tier=Tier(20, 1))
    client = await service.connect()
    assert (await client.invoke("m"))["result"] == 1
    assert await client.invoke("m") == {"type": 7, "error": USED_UP}
