"""Events for a hub behind an HTTP function."""

import pytest

from serverless_signalr import HubException, ServerlessHub, SignalRInvocationContext
from serverless_signalr.testing import call, connect, disconnect


class Desk(ServerlessHub, hub="desk"):
    async def connected(self, caller: SignalRInvocationContext) -> None:
        if caller.query.get("ticket") != "valid":
            raise HubException("No ticket.")

    async def describe(self, caller: SignalRInvocationContext) -> list[object]:
        return [caller.user_id, dict(caller.claims), caller.headers["X-Custom"]]

    async def refuse(self) -> None:
        raise HubException("Not today.")


@pytest.fixture
def desk() -> Desk:
    return Desk(upstream_route="events")


async def test_event_is_signed_and_carries_who_calls(desk: Desk) -> None:
    done = await call(desk, "describe", user_id="ann", claims={"role": ["a", "b"]}, headers={"X-Custom": "1"})
    assert done.result == ["ann", {"role": ["a", "b"]}, "1"]


async def test_client_sees_the_message_of_a_hub_exception(desk: Desk) -> None:
    with pytest.raises(HubException, match=r"^Not today\.$"):
        await call(desk, "refuse")


async def test_connection_that_is_refused_raises(desk: Desk) -> None:
    with pytest.raises(HubException, match="connected was refused with the status 403"):
        await connect(desk)
    assert (await connect(desk, query={"ticket": "valid"})).everything == []


async def test_event_of_a_connection_that_nothing_listens_to_is_no_error(desk: Desk) -> None:
    assert (await disconnect(desk, user_id="ann")).everything == []


async def test_call_that_nothing_listens_to_is_an_error(desk: Desk) -> None:
    with pytest.raises(LookupError, match="no method handles the event sya of the hub desk"):
        await call(desk, "sya")
