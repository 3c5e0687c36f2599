"""The addresses that the emulator listens on."""

import errno
import socket
from typing import Any

import aiohttp
import pytest
from pytest_mock import MockerFixture

from signalr_local import sockets
from signalr_local.emulator import Emulator
from signalr_local.sockets import LOOPBACK


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


HERE = LOOPBACK if has_ipv6() else LOOPBACK[:1]
"""The loopback addresses of this machine."""


@pytest.mark.parametrize("host", HERE)
async def test_it_is_reached_at_both_loopback_addresses(service: Any, host: str) -> None:
    with socket.create_connection((host, service.emulator.port)):
        pass


async def test_a_client_may_use_either_address_with_a_token_for_localhost(service: Any) -> None:
    headers = {"Authorization": f"Bearer {service.client_token()}"}
    for host in ("localhost", *(f"[{host}]" if ":" in host else host for host in HERE)):
        url = f"http://{host}:{service.emulator.port}/client/negotiate?hub=chat"
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers) as response:
            assert response.status == 200


async def test_a_machine_without_ipv6_has_the_other_address(nothing_remains: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("signalr_local.emulator.server.LOOPBACK", ("127.0.0.1", "2001:db8::1"))
    emulator = Emulator()
    await emulator.start(port=0)
    with socket.create_connection(("127.0.0.1", emulator.port)):
        pass
    await emulator.stop()


async def test_one_address_may_be_chosen(nothing_remains: None) -> None:
    emulator = Emulator()
    await emulator.start("127.0.0.1", 0)
    with pytest.raises(OSError, match=r"."), socket.create_connection(("::1", emulator.port)):
        pass
    await emulator.stop()


async def test_an_address_that_the_machine_does_not_have_is_an_error(nothing_remains: None) -> None:
    with pytest.raises(OSError, match=r"."):
        await Emulator().start("192.0.2.1", 0)


@pytest.mark.parametrize("host", HERE)
async def test_a_port_that_is_in_use_on_one_of_the_addresses_is_in_use(
    nothing_remains: None, host: str
) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        emulator = Emulator()
        with pytest.raises(OSError, match="in use"):
            await emulator.start(port=port)
    await emulator.start(port=port)
    await emulator.stop()


def test_a_free_port_is_free_on_all_addresses(mocker: MockerFixture) -> None:
    tried: list[int] = []

    def create(address: tuple[str, int], **options: Any) -> socket.socket:
        tried.append(address[1])
        if len(tried) == 2:
            raise OSError(errno.EADDRINUSE, "somebody has this port on the second address")
        return real(address, **options)

    real = socket.create_server
    mocker.patch.object(socket, "create_server", side_effect=create)
    taken = sockets.listen(HERE, 0)
    assert tried[::2] == [0, 0]
    assert {one.getsockname()[1] for one in taken} == {tried[3]}
    for one in taken:
        one.close()
