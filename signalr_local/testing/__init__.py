"""Test a whole app: emulator, host and clients in a test, with faults and a clock.

::

    async with SignalRTest(app) as env:
        alice, bob = await env.connect("alice"), await env.connect("bob")
        await alice.invoke("broadcast", "hi")
        await bob.expect("newMessage", text="hi")
"""

from signalr_local.emulator.faults import Faults
from signalr_local.testing.blocking import BlockingClient, BlockingSignalRTest
from signalr_local.testing.client import Client
from signalr_local.testing.environment import SignalRTest
from signalr_local.testing.errors import ConnectionRefused, ExpectationError
from signalr_local.testing.responses import Response

__all__ = [
    "BlockingClient",
    "BlockingSignalRTest",
    "Client",
    "ConnectionRefused",
    "ExpectationError",
    "Faults",
    "Response",
    "SignalRTest",
]
