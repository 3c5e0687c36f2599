"""The app as its users meet it: over real connections, on the local runtime."""

from urllib.request import urlopen

import pytest
from signalr_local.testing import SignalRTest


async def test_two_clients_chat(signalr_env: SignalRTest) -> None:
    ann = await signalr_env.connect("ann")
    bob = await signalr_env.connect("bob")
    await ann.expect("newConnection", userId="bob")
    await bob.invoke("broadcast", "hello")
    await ann.expect("newMessage", sender="bob", text="hello")
    await bob.close()
    await ann.expect("connectionClosed", userId="bob")


@pytest.mark.parametrize(
    ("path", "expected"), [("index", b"<title>app</title>"), ("signalr.min.js", b"signalR")]
)
def test_page_is_served(signalr_env: SignalRTest, path: str, expected: bytes) -> None:
    with urlopen(f"{signalr_env.url}/{path}") as response:
        assert expected in response.read()
