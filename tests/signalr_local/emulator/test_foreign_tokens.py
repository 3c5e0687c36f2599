"""A token of the app's own in place of the service's: the log says so, and how it came about."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.signalr_local.emulator.test_auth import payload, sign

OWN = sign({"sub": "me", "aud": "api://my-app", "exp": 4102444800}, "a key of the identity provider's")
ADVICE = "The client sets the header Authorization, which replaces the service's token"


async def test_the_apps_own_token_is_named_by_its_audience(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await service.negotiate(token=OWN)).status == 401
    assert (
        "the token is not the service's but the app's own, with the audience (aud) 'api://my-app'"
        in caplog.text
    )
    assert ADVICE in caplog.text
    assert "accessTokenFactory" in caplog.text
    assert OWN not in caplog.text


async def test_two_tokens_in_one_header_are_named(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    both = f"{OWN}, Bearer {sign(payload(service))}"
    assert (await service.negotiate(token=both)).status == 401
    assert "the header Authorization holds two tokens" in caplog.text
    assert ADVICE in caplog.text


async def test_a_token_without_an_audience_is_the_apps_own(
    service: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await service.negotiate(token=sign({"sub": "me", "exp": 4102444800}, "another key"))
    assert "the app's own, with no audience" in caplog.text


@pytest.mark.parametrize(
    "audience", ["http://localhost:8888/client/?hub=chat", "https://x.example/api/hubs/chat"]
)
async def test_a_token_for_a_service_is_only_signed_with_another_key(
    service: Any, caplog: pytest.LogCaptureFixture, audience: str
) -> None:
    await service.negotiate(token=sign({"aud": audience, "exp": 4102444800}, "another key"))
    assert "fits no access key of this emulator" in caplog.text
    assert ADVICE not in caplog.text


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("authorization", "the header Authorization holds two tokens"),
        ("Authorization", "the token is not the service's but the app's own"),
    ],
)
async def test_own_authorization_header_of_the_javascript_client_is_told(
    negotiate_url: str, caplog: pytest.LogCaptureFixture, name: str, seen: str
) -> None:
    script = Path(__file__).with_name("own_authorization_header.mjs")
    process = await asyncio.create_subprocess_exec("node", str(script), negotiate_url, name, OWN)
    assert await process.wait() == 0
    assert seen in caplog.text
    assert ADVICE in caplog.text
    assert OWN not in caplog.text
