"""What clients do, and what the others see of it: one function at a time, without a network."""

import pytest
from serverless_signalr import HubException
from serverless_signalr.testing import Message, call, connect, disconnect

from function_app import app


async def test_everybody_learns_who_came() -> None:
    sent = await connect(app, user_id="ann")
    assert sent.to_all == [Message("newConnection", {"userId": "ann"})]


async def test_everybody_learns_who_left() -> None:
    sent = await disconnect(app, user_id="ann")
    assert sent.to_all == [Message("connectionClosed", {"userId": "ann"})]


async def test_broadcast_goes_to_everybody() -> None:
    sent = await call(app, "broadcast", "hello", user_id="ann")
    assert sent.to_all == [Message("newMessage", {"sender": "ann", "text": "hello"})]


async def test_call_without_a_text_is_refused() -> None:
    with pytest.raises(HubException, match="broadcast"):
        await call(app, "broadcast", user_id="ann")
