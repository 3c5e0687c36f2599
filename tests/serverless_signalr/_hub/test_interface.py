"""The client interface that a hub class names."""

from typing import Protocol

import pytest

from serverless_signalr import AnyClient, ServerlessHub
from serverless_signalr._hub.interface import interface_of


class Client(Protocol):
    async def said(self, text: str) -> None: ...


class Typed(ServerlessHub[Client], hub="typed"):
    pass


class Untyped(ServerlessHub, hub="untyped"):
    pass


class _Generic[C](ServerlessHub[C]):
    pass


class Derived(_Generic[Client], hub="derived"):
    pass


@pytest.mark.parametrize(
    ("hub", "interface"), [(Typed, Client), (Untyped, AnyClient), (_Generic, AnyClient), (Derived, Client)]
)
def test_interface_is_the_class_that_the_hub_names(hub: type, interface: type) -> None:
    assert interface_of(hub, ServerlessHub) is interface


def test_interface_that_is_no_class_is_refused() -> None:
    with pytest.raises(TypeError, match=r"the client interface of Wrong is list\[str\], expected a class"):

        class Wrong(ServerlessHub[list[str]], hub="wrong"):
            pass
