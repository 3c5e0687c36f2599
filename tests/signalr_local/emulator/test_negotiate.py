"""Negotiate: the answer, and how long the id that is in it lives."""

import logging
from typing import Any

import pytest

from signalr_local.emulator import Timing
from signalr_local.emulator.negotiate import Tickets, TicketTakenError

TRANSPORTS = [
    {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
    {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
    {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
]


@pytest.mark.parametrize("version", ["1", "2", "99"])
async def test_version_1_has_a_token_besides_the_connection_id(service: Any, version: str) -> None:
    reply = await service.negotiate(f"hub=chat&negotiateVersion={version}")
    answer = reply.json()
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("application/json")
    assert list(answer) == ["negotiateVersion", "connectionId", "connectionToken", "availableTransports"]
    assert answer["negotiateVersion"] == 1
    assert answer["connectionId"] != answer["connectionToken"]
    assert answer["availableTransports"] == TRANSPORTS


async def test_the_answer_is_written_as_net_writes_it(service: Any) -> None:
    reply = await service.negotiate()
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.text.startswith('{"negotiateVersion":1,"connectionId":"')
    assert reply.text.endswith(
        '{"transport":"ServerSentEvents","transferFormats":["Text"]},'
        '{"transport":"LongPolling","transferFormats":["Text","Binary"]}]}'
    )


@pytest.mark.parametrize(
    ("bits", "names"),
    [
        ("0", []),
        ("1", ["WebSockets"]),
        ("6", ["ServerSentEvents", "LongPolling"]),
        ("7", ["WebSockets", "ServerSentEvents", "LongPolling"]),
        ("8", ["WebSockets", "ServerSentEvents", "LongPolling"]),
        ("none", ["WebSockets", "ServerSentEvents", "LongPolling"]),
    ],
)
async def test_a_token_may_restrict_the_transports(service: Any, bits: str, names: list[str]) -> None:
    answer = (await service.negotiate(token=service.client_token(claims={"asrs.s.htt": bits}))).json()
    assert [transport["transport"] for transport in answer["availableTransports"]] == names


@pytest.mark.parametrize("query", ["hub=chat", "hub=chat&negotiateVersion=0"])
async def test_version_0_has_the_connection_id_only(service: Any, query: str) -> None:
    answer = (await service.negotiate(query)).json()
    assert list(answer) == ["negotiateVersion", "connectionId", "availableTransports"]
    assert answer["negotiateVersion"] == 0


async def test_names_in_the_query_have_no_case(service: Any) -> None:
    assert (await service.negotiate("HUB=chat&NegotiateVersion=1")).json()["negotiateVersion"] == 1


async def test_stateful_reconnect_is_not_confirmed(service: Any) -> None:
    answer = (await service.negotiate("hub=chat&negotiateVersion=1&useStatefulReconnect=true")).json()
    assert "useStatefulReconnect" not in answer


@pytest.mark.parametrize(
    ("version", "error"),
    [
        ("one", "The client requested a non-integer protocol version."),
        ("-1", "The client requested version '-1', but the server does not support this version."),
    ],
)
async def test_a_version_that_is_none_is_an_error_that_the_client_shows(
    service: Any, version: str, error: str
) -> None:
    reply = await service.negotiate(f"hub=chat&negotiateVersion={version}")
    assert (reply.status, reply.json()) == (200, {"error": error})


async def test_every_client_gets_ids_of_its_own_that_a_url_can_carry(service: Any) -> None:
    answers = [(await service.negotiate()).json() for _ in range(20)]
    ids = {answer[name] for answer in answers for name in ("connectionId", "connectionToken")}
    assert len(ids) == 40
    assert all(len(id) == 22 and id.replace("-", "").replace("_", "").isalnum() for id in ids)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tickets(clock: Clock) -> Tickets:
    return Tickets(Timing(), clock)


def test_a_ticket_is_found_for_its_hub_only(tickets: Tickets) -> None:
    ticket = tickets.issue("chat", 1)
    assert tickets.find(ticket.token, "chat") is ticket
    assert tickets.find(ticket.token, "other") is None
    assert tickets.find(ticket.connection_id, "chat") is None


def test_a_ticket_that_nobody_used_is_gone_after_15_seconds(tickets: Tickets, clock: Clock) -> None:
    early = tickets.issue("chat", 1)
    clock.now = 10
    late = tickets.issue("chat", 1)
    clock.now = 15.1
    assert tickets.find(early.token, "chat") is None
    assert tickets.find(late.token, "chat") is late


def test_a_ticket_in_use_stays_until_it_is_given_back(tickets: Tickets, clock: Clock) -> None:
    ticket = tickets.issue("chat", 0)
    tickets.take(ticket)
    clock.now = 1000
    assert tickets.find(ticket.token, "chat") is ticket
    with pytest.raises(TicketTakenError):
        tickets.take(ticket)
    tickets.give_back(ticket)
    assert tickets.find(ticket.token, "chat") is None


@pytest.mark.parametrize(("seconds", "is_warned"), [(5.0, False), (5.1, True)])
def test_a_client_that_would_be_too_late_for_azure_is_logged(
    tickets: Tickets, clock: Clock, caplog: pytest.LogCaptureFixture, seconds: float, is_warned: bool
) -> None:
    ticket = tickets.issue("chat", 1)
    clock.now = seconds
    with caplog.at_level(logging.WARNING):
        tickets.take(ticket)
    assert ("5.1 seconds after it negotiated. Azure answers 404 after 5 seconds" in caplog.text) is is_warned
