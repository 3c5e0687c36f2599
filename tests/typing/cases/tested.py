# pyright: strict
"""A typed hub under test: the recorder knows what the client interface takes."""

from typing import Protocol, assert_type

from serverless_signalr import ServerlessHub
from serverless_signalr.testing import (
    Called,
    FakeConnection,
    FakeService,
    Message,
    Response,
    call,
    message,
    request,
)


class ScoreClient(Protocol):
    async def scored(self, points: int, *, by: str) -> None: ...


class Scores(ServerlessHub[ScoreClient], hub="scores"):
    async def score(self, points: int) -> None:
        await self.clients.all.scored(points, by="ann")


async def test_scores() -> None:
    hub = Scores()
    with FakeService() as service:
        bob: FakeConnection = service.connect("scores", user_id="bob")
        sent = await call(hub, "score", 3)
        assert_type(sent, Called)
        assert_type(sent.to_group("g"), list[Message])
        assert sent.to_all == bob.received == [message(ScoreClient.scored, 3, by="ann")]
        assert_type(await request(hub, "POST", "/api/scores", json={"points": 3}), Response)
