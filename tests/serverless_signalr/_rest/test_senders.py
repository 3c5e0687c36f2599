"""How operations reach one instance: what is checked when a sender is made, and a secret that changes."""

from typing import Any

import pytest

from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.options import Options
from serverless_signalr._rest.senders import MAX_URL, Direct, Renewing, url_of
from serverless_signalr.connection import service_connection
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import PayloadTooLargeError, UnauthorizedError
from serverless_signalr.rest import ServiceClient
from tests.serverless_signalr.rest_service import KEY, Service

BASE = "https://chat.service.signalr.net/api/hubs/chat"
VERSION = "api-version=2024-12-01"

SEND = Operation("POST", "/:send", body=b"{}", is_repeatable=False)
ONE = {"Mine": f"Endpoint=https://a.service.signalr.net;AccessKey={KEY}"}
SEVERAL = ONE | {"Azure__SignalR__Endpoints__b": f"Endpoint=https://b.service.signalr.net;AccessKey={KEY}"}
REFERENCE = {"Mine": "@Microsoft.KeyVault(VaultName=main;SecretName=signalr)"}


def test_url_ends_in_the_version() -> None:
    assert url_of(Operation("POST", "/:send"), BASE, VERSION) == f"{BASE}/:send?{VERSION}"


def test_query_is_escaped_and_may_repeat_a_name() -> None:
    operation = Operation("POST", "/:send", [("excluded", "a b"), ("excluded", "c&d=e+f")])
    assert url_of(operation, BASE, VERSION) == f"{BASE}/:send?excluded=a%20b&excluded=c%26d%3De%2Bf&{VERSION}"


def test_url_longer_than_any_that_the_service_accepts_is_refused_with_its_length() -> None:
    operation = Operation("POST", "/:send", [("excluded", "c" * 22)] * 1000)
    with pytest.raises(
        PayloadTooLargeError, match=r"the URL has 32,\d{3} characters, .* accepts 16,384"
    ) as raised:
        url_of(operation, BASE, VERSION)
    assert raised.value.status is None
    assert len(url_of(Operation("POST", f"/{'x' * (MAX_URL - 100)}"), BASE, VERSION)) <= MAX_URL


def test_half_of_an_emoji_in_a_query_is_replaced() -> None:
    operation = Operation("DELETE", "/connections/c1", [("reason", "x\ud83d"), ("filter", "\ud83d\ude00")])
    url = url_of(operation, BASE, VERSION)
    assert url == f"{BASE}/connections/c1?reason=x%EF%BF%BD&filter=%F0%9F%98%80&{VERSION}"


@pytest.mark.parametrize(
    "make",
    [
        lambda options: service_connection("Mine", ONE).client("chat", **options),
        lambda options: service_connection("Mine", SEVERAL).client("chat", **options),
        lambda options: service_connection("Mine", REFERENCE).client("chat", **options),
        lambda options: ServiceClient(ONE["Mine"], "chat", **options),
    ],
    ids=["one", "several", "reference", "client"],
)
def test_option_that_there_is_not_is_refused_where_it_is_written(make: Any) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'retrys'"):
        make({"retrys": 3})


def test_client_has_no_subclasses() -> None:
    clients = [service_connection("Mine", each).client("chat") for each in (ONE, SEVERAL, REFERENCE)]
    assert {type(client) for client in clients} == {ServiceClient}


class Instance:
    """Have one key until it is refused, and then the next."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.left = list(endpoints)

    async def endpoint(self) -> Endpoint:
        return self.left[0]

    async def renew(self, refused: Endpoint) -> Endpoint:
        if len(self.left) > 1 and self.left[0] == refused:
            self.left.pop(0)
        return self.left[0]


@pytest.fixture
async def instance(service: Service) -> Instance:
    return Instance(Endpoint.parse(f"Endpoint={service.url};AccessKey=old"))


def sender(instance: Instance) -> Renewing:
    return Renewing(instance, lambda endpoint: Direct(endpoint, "chat", None, Options(retries=0)))


async def test_refused_operation_is_repeated_with_a_renewed_secret(
    service: Service, instance: Instance
) -> None:
    instance.left.append(Endpoint.parse(service.connection_string))
    renewing = sender(instance)
    assert (await renewing.run(SEND)).status == 202
    assert (await renewing.run(SEND)).status == 202
    assert (service.refused, len(service.requests)) == (1, 3)
    await renewing.aclose()


async def test_secret_that_has_not_changed_is_no_reason_to_repeat(
    service: Service, instance: Instance
) -> None:
    renewing = sender(instance)
    with pytest.raises(UnauthorizedError):
        await renewing.run(SEND)
    assert len(service.requests) == 1
    await renewing.aclose()


async def test_forbidden_operation_is_not_repeated(service: Service, instance: Instance) -> None:
    instance.left = [Endpoint.parse(service.connection_string), Endpoint.parse(service.connection_string)]
    service.answer(403)
    renewing = sender(instance)
    with pytest.raises(UnauthorizedError):
        await renewing.run(SEND)
    assert (len(service.requests), len(instance.left)) == (1, 2)
    await renewing.aclose()
