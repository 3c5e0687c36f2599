"""Tokens of identities, from the real credentials: one for all, renewed in time, kept in need."""

import asyncio
import gc
import logging
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessTokenInfo
from azure.core.exceptions import ClientAuthenticationError

from serverless_signalr._connection import credential
from serverless_signalr._connection.credential import Credential
from serverless_signalr._identity import Identity, IdentityKind
from tests.serverless_signalr.azure_fakes.certificates import Certificates
from tests.serverless_signalr.azure_fakes.clock import until
from tests.serverless_signalr.azure_fakes.cloud import CLIENT, TENANT, Cloud

SCOPE = "https://signalr.azure.com/.default"
SECRET = "s3cret~of.the-application_that-nobody-may-see"
APPLICATION = Identity(IdentityKind.APPLICATION, CLIENT, TENANT, SECRET)
MANAGED = Identity(IdentityKind.MANAGED)
HOUR = 3600.0


# Tokens.


def on_a_virtual_machine(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IDENTITY_HEADER")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", cloud.identity_url)


@pytest.mark.parametrize(
    ("found", "request_line"),
    [
        (Identity(IdentityKind.MANAGED), ""),
        (Identity(IdentityKind.MANAGED, CLIENT), f"&client_id={CLIENT}"),
        (Identity(IdentityKind.MANAGED, resource_id="r"), "&mi_res_id=r"),
        (Identity(), ""),
        (Identity(client_id=CLIENT), f"&client_id={CLIENT}"),
    ],
    ids=["system-assigned", "user-assigned", "resource-id", "default", "default-with-client-id"],
)
async def test_app_service_gives_the_token(cloud: Cloud, found: Identity, request_line: str) -> None:
    cloud.identity.known.add(CLIENT)
    await Credential(found).get_token_info(SCOPE)
    assert cloud.identity.requests == [
        f"GET /msi/token?api-version=2019-08-01&resource=https://signalr.azure.com{request_line}"
    ]


async def test_client_id_of_the_environment_is_used(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
    cloud.identity.known.add(CLIENT)
    await Credential(Identity()).get_token_info(SCOPE)
    assert cloud.identity.requests[0].endswith(f"&client_id={CLIENT}")


async def test_virtual_machine_gives_the_token(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    on_a_virtual_machine(cloud, monkeypatch)
    await Credential(MANAGED).get_token_info(SCOPE)
    assert cloud.identity.requests == [
        "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://signalr.azure.com"
    ]


async def test_application_gets_its_token_from_entra_id(cloud: Cloud) -> None:
    cloud.entra.client_secret = SECRET
    await Credential(APPLICATION).get_token_info(SCOPE)
    assert cloud.entra.requests == [f"POST /{TENANT}/oauth2/v2.0/token"]
    assert cloud.entra.forms[0]["scope"] == SCOPE
    assert (cloud.entra.forms[0]["client_id"], cloud.entra.forms[0]["client_secret"]) == (CLIENT, SECRET)


async def test_application_may_have_a_certificate(cloud: Cloud, certificates: Certificates) -> None:
    found = Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate=str(certificates.application))
    await Credential(found).get_token_info(SCOPE)
    assert cloud.entra.forms[0]["client_assertion"].startswith("eyJ")


async def test_tokens_are_asked_for_once(cloud: Cloud) -> None:
    found = Identity(IdentityKind.MANAGED)
    tokens = [await Credential(found).get_token_info(SCOPE) for _ in range(5)]
    assert len({token.token for token in tokens}) == 1
    assert len(cloud.identity.requests) == 1


async def test_holder_who_asks_again_gets_a_fresh_token(cloud: Cloud) -> None:
    holder = Credential(MANAGED)
    first, second = [await holder.get_token_info(SCOPE) for _ in range(2)]
    assert first.token != second.token
    assert len(cloud.identity.requests) == 2


async def test_fresh_token_is_that_of_every_holder(cloud: Cloud) -> None:
    found = Identity(IdentityKind.MANAGED)
    refused, other = Credential(found), Credential(found)
    await refused.get_token_info(SCOPE)
    fresh = await refused.get_token_info(SCOPE)
    assert (await other.get_token_info(SCOPE)).token == fresh.token


async def test_holder_keeps_a_good_token_while_there_is_no_fresh_one(
    cloud: Cloud, pauses: list[float]
) -> None:
    holder = Credential(MANAGED)
    token = await holder.get_token_info(SCOPE)
    cloud.identity.fail(500)
    assert (await holder.get_token_info(SCOPE)).token == token.token


async def test_tokens_for_different_resources_are_no_repetition(cloud: Cloud) -> None:
    holder = Credential(MANAGED)
    for _ in range(2):
        await Credential(MANAGED).get_token_info(SCOPE)
    await holder.get_token_info(SCOPE)
    await holder.get_token_info("https://vault.azure.net/.default")
    assert len(cloud.identity.requests) == 2


async def test_credential_has_the_older_interface_too(cloud: Cloud) -> None:
    async with Credential(MANAGED) as holder:
        token = await holder.get_token(SCOPE, tenant_id=TENANT, enable_cae=True)
    await holder.close()
    assert token.token == (await Credential(MANAGED).get_token_info(SCOPE)).token


# Faults.


@pytest.mark.parametrize(
    ("found", "message"),
    [
        pytest.param(
            Identity(IdentityKind.MANAGED, TENANT),
            f"the managed identity {TENANT} could not get one: No User Assigned or Delegated",
            id="not-assigned",
        ),
        pytest.param(
            APPLICATION,
            rf"the application {CLIENT} of the tenant {TENANT} could not get one: .*AADSTS7000215: Invalid",
            id="wrong-secret",
        ),
        pytest.param(
            Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate="/nowhere.pem"),
            rf"the application {CLIENT} of the tenant {TENANT} could not get one: .*/nowhere\.pem",
            id="no-certificate",
        ),
    ],
)
async def test_error_names_the_identity_and_why(cloud: Cloud, found: Identity, message: str) -> None:
    with pytest.raises(ClientAuthenticationError, match=message) as raised:
        await Credential(found).get_token_info(SCOPE)
    assert SECRET not in str(raised.value)
    assert raised.value.status_code is None


async def test_identity_that_is_nowhere_is_told_in_one_line(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    with pytest.raises(
        ClientAuthenticationError,
        match=r"^the identity that DefaultAzureCredential finds could not get one: ",
    ) as raised:
        await Credential(Identity()).get_token_info(SCOPE)
    assert "\n" not in str(raised.value)


async def test_endpoint_that_does_not_answer_is_given_up(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential, "_PATIENCE", 0.05)
    released = cloud.identity.hang()
    with pytest.raises(ClientAuthenticationError, match="could not get one: no response within 0 seconds"):
        await Credential(MANAGED).get_token_info(SCOPE)
    released.set()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_failure_that_passes_is_waited_out(cloud: Cloud, pauses: list[float], status: int) -> None:
    cloud.identity.fail(status, times=2)
    await Credential(MANAGED).get_token_info(SCOPE)
    assert len(cloud.identity.requests) == 3


class Time:
    """Let time pass, for azure-identity too."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.later = 0.0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.later)
        monkeypatch.setattr(credential, "monotonic", lambda: time.monotonic() + self.later)


@pytest.fixture
def clockwork(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


@pytest.fixture
async def due(cloud: Cloud, clockwork: Time) -> str:
    """Return a token that is good for half a day more, and due for another."""
    token = (await Credential(MANAGED).get_token_info(SCOPE)).token
    clockwork.later = 13 * HOUR
    return token


async def test_token_that_is_due_is_replaced(cloud: Cloud, due: str) -> None:
    assert (await Credential(MANAGED).get_token_info(SCOPE)).token != due
    assert len(cloud.identity.requests) == 2


@pytest.mark.parametrize(
    "break_it",
    [
        lambda cloud: cloud.identity.fail(500),
        lambda cloud: cloud.identity.fail(400, {"message": "none"}),
        lambda cloud: cloud.identity.break_off(),
    ],
    ids=["fails", "refuses", "breaks off"],
)
async def test_token_that_is_good_serves_on_while_there_is_no_other(
    cloud: Cloud,
    due: str,
    pauses: list[float],
    caplog: pytest.LogCaptureFixture,
    break_it: Callable[[Cloud], Any],
) -> None:
    break_it(cloud)
    for _ in range(3):
        assert (await Credential(MANAGED).get_token_info(SCOPE)).token == due
    assert caplog.text.count("the current token stays in use") == 1


async def test_nobody_waits_long_for_another_token_while_one_is_good(
    cloud: Cloud, due: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential, "_BRIEFLY", 0.01)
    released = cloud.identity.hang()
    for _ in range(3):
        assert (await Credential(MANAGED).get_token_info(SCOPE)).token == due
    assert len(cloud.identity.requests) == 2
    released.set()

    async def is_replaced() -> bool:
        return (await Credential(MANAGED).get_token_info(SCOPE)).token != due

    await until(is_replaced)


async def test_token_that_has_expired_serves_no_more(
    cloud: Cloud, due: str, clockwork: Time, pauses: list[float]
) -> None:
    cloud.identity.fail(500)
    clockwork.later = 24 * HOUR - 30
    with pytest.raises(
        ClientAuthenticationError, match="the system-assigned managed identity could not get one: "
    ):
        await Credential(MANAGED).get_token_info(SCOPE)


async def test_all_who_wait_share_one_attempt_and_its_failure(
    cloud: Cloud, clockwork: Time, pauses: list[float]
) -> None:
    cloud.identity.fail(400, {"message": "none"})

    async def reason() -> str:
        with pytest.raises(ClientAuthenticationError) as raised:
            await Credential(MANAGED).get_token_info(SCOPE)
        return str(raised.value)

    reasons = await asyncio.gather(*(reason() for _ in range(10)))
    reasons.append(await reason())
    asked = len(cloud.identity.requests)
    assert (len(set(reasons)), asked) == (1, 1)
    clockwork.later = 5
    cloud.identity.recover()
    await Credential(MANAGED).get_token_info(SCOPE)
    assert len(cloud.identity.requests) == asked + 1


async def test_refused_token_is_replaced_however_long_that_takes(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential, "_BRIEFLY", 0.0)
    holder = Credential(MANAGED)
    refused = await holder.get_token_info(SCOPE)
    released = cloud.identity.hang()
    asking = asyncio.create_task(holder.get_token_info(SCOPE))

    async def is_asked() -> bool:
        return len(cloud.identity.requests) == 2

    await until(is_asked)
    released.set()
    assert (await asking).token != refused.token


async def test_token_for_an_hour_is_replaced_when_half_of_it_is_over(cloud: Cloud, clockwork: Time) -> None:
    cloud.entra.client_secret = SECRET
    first = await Credential(APPLICATION).get_token_info(SCOPE)
    clockwork.later = HOUR / 2 + 10
    second = await Credential(APPLICATION).get_token_info(SCOPE)
    assert first.token != second.token
    assert second.refresh_on is not None
    assert abs(second.refresh_on - time.time() - HOUR / 2) < 60


async def test_token_that_turns_out_the_same_is_not_asked_for_again_at_once(
    cloud: Cloud, clockwork: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud.tokens, "issue", lambda resource: "always-the-same")
    holder = Credential(MANAGED)
    for _ in range(5):
        await holder.get_token_info(SCOPE)
    assert len(cloud.identity.requests) == 2


async def test_clock_that_is_set_back_makes_nobody_wait(
    cloud: Cloud, clockwork: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential, "_PAUSE", 0.0)
    cloud.identity.fail(400, {"message": "none"})
    with pytest.raises(ClientAuthenticationError):
        await Credential(MANAGED).get_token_info(SCOPE)
    cloud.identity.recover()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - HOUR)
    await Credential(MANAGED).get_token_info(SCOPE)


async def test_fault_of_any_kind_is_told(cloud: Cloud, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    found = Identity(IdentityKind.APPLICATION, CLIENT, TENANT, certificate=str(broken))
    with pytest.raises(ClientAuthenticationError, match=rf"of the tenant {TENANT} could not get one: \w+"):
        await Credential(found).get_token_info(SCOPE)


def test_event_loops_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    class Source:
        async def get_token_info(self, *scopes: str, options: object = None) -> AccessTokenInfo:
            return AccessTokenInfo("token", int(time.time()) + 3600)

    monkeypatch.setattr(credential, "_open", lambda identity: Source())
    holder, loops = Credential(MANAGED), []

    async def use() -> None:
        await holder.get_token_info(SCOPE)
        loops.append(weakref.ref(asyncio.get_running_loop()))

    for _ in range(3):
        asyncio.run(use())
    gc.collect()
    assert [loop() for loop in loops] == [None] * 3


async def test_secrets_and_tokens_are_in_no_log(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cloud.entra.client_secret = SECRET
    tokens: list[Any] = [
        await Credential(found).get_token_info(SCOPE)
        for found in (APPLICATION, Identity(IdentityKind.MANAGED), Identity())
    ]
    assert "login.microsoftonline.com" in caplog.text
    for hidden in (SECRET, cloud.identity.secret, *(token.token for token in tokens)):
        assert hidden not in caplog.text


async def test_nothing_is_left_open(cloud: Cloud) -> None:
    """Leave no session behind that would have to be closed: warnings are errors here."""
    cloud.entra.client_secret = SECRET
    credentials: list[Credential] = [Credential(APPLICATION), Credential(MANAGED)]
    await asyncio.gather(*(credential.get_token_info(SCOPE) for credential in credentials))
