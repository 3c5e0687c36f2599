"""Generic hub classes: what their type parameters stand for in a subclass."""

from typing import Any, Generic, Protocol, TypeVar

import pytest

from serverless_signalr import HubException, ServerlessHub
from serverless_signalr._hub.clients import AnyClient
from serverless_signalr._hub.generics import client_interface, replaced, type_arguments
from serverless_signalr.testing import call

OldStyle = TypeVar("OldStyle")


class ChatClient(Protocol):
    async def new_message(self, text: str) -> None: ...


class Store[Client, Item](ServerlessHub[Client]):
    async def put(self, items: list[Item]) -> str:
        return repr(items)


class Middle[Item](Store[ChatClient, Item]):
    pass


class Numbers(Middle[int], hub="numbers"):
    pass


class Texts(Store[ChatClient, str], hub="texts"):
    pass


class OfAnything(Store, hub="anything"):  # type: ignore[type-arg]
    pass


class Old(ServerlessHub[ChatClient], Generic[OldStyle], hub="old"):  # noqa: UP046 - as before 3.12
    async def put(self, item: OldStyle) -> str:
        return repr(item)


class OldNumbers(Old[int], hub="oldnumbers"):
    pass


class Function(ServerlessHub, hub="function"):
    async def put[T](self, item: T) -> str:
        return repr(item)


@pytest.mark.parametrize(
    ("hub", "argument", "result"),
    [
        (Numbers, [1], "[1]"),
        (Texts, ["a"], "['a']"),
        (OfAnything, [1, "a"], "[1, 'a']"),
        (OldNumbers, 1, "1"),
        (Old, "a", "'a'"),
        (Function, "a", "'a'"),
    ],
)
async def test_argument_of_the_type_is_accepted(hub: Any, argument: object, result: str) -> None:
    assert (await call(hub(), "put", argument)).result == result


@pytest.mark.parametrize(
    ("hub", "argument", "expected"),
    [
        (Numbers, ["a"], "expected integer, got string"),
        (Texts, [1], "expected string, got integer"),
        (OldNumbers, "a", "expected integer, got string"),
    ],
)
async def test_argument_of_another_type_is_refused(hub: Any, argument: object, expected: str) -> None:
    with pytest.raises(HubException, match=expected):
        await call(hub(), "put", argument)


@pytest.mark.parametrize(
    ("hub", "interface"),
    [
        (Numbers, ChatClient),
        (Texts, ChatClient),
        (Store, AnyClient),
        (OfAnything, AnyClient),
        (Function, AnyClient),
    ],
)
def test_client_interface_is_the_argument_of_the_hub(hub: type, interface: type) -> None:
    assert client_interface(hub, ServerlessHub) is interface


def test_client_interface_that_is_no_class_is_refused() -> None:
    with pytest.raises(TypeError, match=r"the client interface of Odd is list\[int\], expected a class"):

        class Odd(ServerlessHub[list[int]]): ...


def test_type_arguments_are_found_through_every_class_between() -> None:
    assert list(type_arguments(Numbers, Store).values()) == [ChatClient, int]
    assert type_arguments(Numbers, Numbers) == {}


def test_class_is_no_annotation_to_replace_something_in() -> None:
    item: Any = Store.__parameters__[1]  # type: ignore[attr-defined]
    assert replaced(Store, {item: int}) is Store
    assert replaced(dict.__class_getitem__((str, item)), {item: int}) == dict[str, int]
    assert replaced(list[int], {item: int}) == list[int]
