"""The host names that requests may be sent to."""

import pytest

from signalr_local.emulator.hostnames import HostNames


@pytest.mark.parametrize(
    "host",
    [
        None,
        "localhost",
        "LOCALHOST:8888",
        "127.0.0.1:8888",
        "[::1]:8888",
        "192.168.1.5",
        "[fe80::1]:1",
        "app.localhost:8888",
        "emulator:8888",
        "host.docker.internal:8888",
        "Host.Docker.Internal",
        "localhost.",
    ],
)
def test_names_that_no_stranger_can_have_are_allowed_and_those_that_were_given(host: str | None) -> None:
    assert HostNames(("host.docker.internal",)).allows(host)


@pytest.mark.parametrize(
    "host",
    [
        "rebound.evil.example:8888",
        "localhost.evil.example",
        "evil.example.",
        "127.0.0.1.evil.example",
        "notlocalhost.com",
        "localhost:none",
        "",
        ":8888",
        "[::1",
        "127.0.0.1@evil.example",
    ],
)
def test_every_other_name_is_refused(host: str) -> None:
    names = HostNames(("host.docker.internal",))
    assert not names.allows(host)
    assert names.refusal(host).status == 403
