"""Authentication refresh in tests without a service."""

import azure.functions as func
import pytest

from serverless_signalr import ServerlessHub, SignalRUser, service_connection
from serverless_signalr.testing import FakeService, request

ROLES = {"ann": ["author"], "bob": ["admin"]}


class Chat(ServerlessHub, hub="chat"):
    pass


def user(req: func.HttpRequest) -> SignalRUser | None:
    name = req.params.get("user")
    return SignalRUser(name, {"role": ROLES[name]}) if name else None


@pytest.fixture
def chat() -> Chat:
    chat = Chat()
    chat.add_negotiate(user=user, anonymous=True, refresh=True)
    return chat


async def test_connection_gets_the_claims_of_its_user(chat: Chat) -> None:
    with FakeService() as service:
        ann = service.connect("chat", user_id="ann", claims={"role": "reader"})
        headers = {"X-SignalR-Connection-Token": ann.connection_token}
        done = await request(chat, "POST", "/api/refresh?user=ann", headers=headers)
    assert done.status == 200
    assert ann.claims["role"] == ("author",)


@pytest.mark.parametrize("query", ["", "?user=bob"])
async def test_connection_of_another_user_is_left_alone(chat: Chat, query: str) -> None:
    with FakeService() as service:
        ann = service.connect("chat", user_id="ann", claims={"role": "reader"})
        headers = {"X-SignalR-Connection-Token": ann.connection_token}
        done = await request(chat, "POST", f"/api/refresh{query}", headers=headers)
    assert done.status == 403
    assert ann.claims == {"role": ("reader",)}


async def test_anonymous_connection_is_refreshed(chat: Chat) -> None:
    with FakeService() as service:
        one = service.connect("chat")
        headers = {"X-SignalR-Connection-Token": one.connection_token}
        assert (await request(chat, "POST", "/api/refresh", headers=headers)).status == 200


async def test_connection_that_is_gone_is_not_found(chat: Chat) -> None:
    with FakeService():
        headers = {"X-SignalR-Connection-Token": "token-of-c1"}
        assert (await request(chat, "POST", "/api/refresh?user=ann", headers=headers)).status == 404


async def test_claims_of_a_connection_are_read() -> None:
    with FakeService() as service:
        ann = service.connect("chat", user_id="ann", claims={"role": ["author", "editor"]})
        claims = await service_connection().client("chat").connection_claims(ann.connection_token)
    assert claims == {"role": ("author", "editor"), "asrs.s.uid": ("ann",)}
