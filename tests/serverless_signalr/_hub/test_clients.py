"""Clients as objects: what a call on one of them sends, and which calls are refused."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from serverless_signalr._hub.clients import AnyClient, ClientInterface, target
from serverless_signalr._rest.addressees import EVERYBODY, Addressee, Addressees, connection


@dataclass
class Person:
    name: str


class Base(Protocol):
    async def inherited(self) -> None: ...


class ChatClient(Base, Protocol):
    title: str

    async def new_message(self, text: str, to: str = "all", *more: int) -> None: ...

    async def ping(self) -> None: ...

    async def by_name(self, *, first: str, second: str = "2") -> None: ...

    @target("Exactly-This")
    async def named(self, text: str) -> None: ...

    async def unannotated(self, value):  # type: ignore[no-untyped-def]
        ...

    async def ask_age(self, name: str) -> int: ...

    async def ask_person(self) -> Person: ...

    async def ask_anything(self) -> Any: ...

    async def ask_maybe(self) -> str | None: ...

    def _private(self) -> None: ...


type Sent = list[tuple[str, Sequence[object]]]
"""What was sent: targets and their arguments."""

INTERFACE = ClientInterface[ChatClient](ChatClient)


@pytest.fixture
def sent() -> Sent:
    return []


class Service:
    """Keep what is sent, and answer whatever is asked with one value."""

    def __init__(self, sent: Sent, answer: object = None) -> None:
        self._sent = sent
        self._answer = answer

    async def send(self, addressee: Addressee | Addressees, target: str, *arguments: object) -> None:
        assert addressee in (EVERYBODY, ONE), "it is sent to whom it was meant for"
        self._sent.append((target, arguments))

    async def ask(self, addressee: Addressee, target: str, *arguments: object) -> object:
        assert addressee == ONE, "only one can be asked"
        self._sent.append((target, arguments))
        return self._answer


ONE = connection("c1")


@pytest.fixture
def client(sent: Sent) -> ChatClient:
    """Return clients whose messages are kept."""
    return INTERFACE.proxy(Service(sent), EVERYBODY)


def answering(value: object, sent: Sent | None = None) -> ChatClient:
    """Return a client that answers whatever it is asked with this value."""
    return INTERFACE.proxy(Service([] if sent is None else sent, value), ONE, can_answer=True)


type Use = Callable[[Any], Awaitable[object]]


@pytest.mark.parametrize(
    ("use", "target", "arguments"),
    [
        pytest.param(lambda it: it.ping(), "ping", [], id="no-arguments"),
        pytest.param(lambda it: it.new_message("hi", "bob"), "newMessage", ["hi", "bob"], id="by-position"),
        pytest.param(
            lambda it: it.new_message(to="bob", text="hi"), "newMessage", ["hi", "bob"], id="by-name"
        ),
        pytest.param(lambda it: it.new_message("hi", to="bob"), "newMessage", ["hi", "bob"], id="both"),
        pytest.param(lambda it: it.new_message("hi"), "newMessage", ["hi", "all"], id="default"),
        pytest.param(
            lambda it: it.new_message("hi", "bob", 1, 2), "newMessage", ["hi", "bob", 1, 2], id="rest"
        ),
        pytest.param(lambda it: it.by_name(second="b", first="a"), "byName", ["a", "b"], id="keyword-only"),
        pytest.param(lambda it: it.by_name(first="a"), "byName", ["a", "2"], id="keyword-only-default"),
        pytest.param(lambda it: it.named("hi"), "Exactly-This", ["hi"], id="target"),
        pytest.param(lambda it: it.inherited(), "inherited", [], id="of-a-base-class"),
        pytest.param(lambda it: it.unannotated(None), "unannotated", [None], id="unannotated"),
    ],
)
async def test_call_sends_its_arguments_by_position(
    client: ChatClient, sent: Sent, use: Use, target: str, arguments: list[object]
) -> None:
    await use(client)
    assert [(name, list(values)) for name, values in sent] == [(target, arguments)]


async def test_call_that_sends_returns_nothing(client: ChatClient) -> None:
    use: Any = client
    assert await use.new_message("hi") is None


async def test_nothing_is_sent_before_it_is_awaited(client: ChatClient, sent: Sent) -> None:
    calling = client.ping()
    before = list(sent)
    await calling
    assert (before, len(sent)) == ([], 1)


async def test_method_may_be_kept_and_called_several_times(client: ChatClient, sent: Sent) -> None:
    ping = client.ping
    await ping()
    await ping()
    assert [name for name, _ in sent] == ["ping", "ping"]


# What is refused.


@pytest.mark.parametrize(
    ("use", "message"),
    [
        pytest.param(
            lambda it: it.new_message(),
            "new_message(text: str, to: str = 'all', *more: int): missing a required argument: 'text'",
            id="missing",
        ),
        pytest.param(lambda it: it.ping(1), "ping(): too many positional arguments", id="too-many"),
        pytest.param(
            lambda it: it.new_message("hi", loud=True),
            "new_message(text: str, to: str = 'all', *more: int): got an unexpected keyword argument 'loud'",
            id="unknown-name",
        ),
        pytest.param(
            lambda it: it.new_message("hi", text="hi"),
            "new_message(text: str, to: str = 'all', *more: int): multiple values for argument 'text'",
            id="twice",
        ),
        pytest.param(
            lambda it: it.by_name("a"),
            "by_name(*, first: str, second: str = '2'): too many positional arguments",
            id="position-of-a-keyword",
        ),
    ],
)
async def test_wrong_call_is_told_what_fits(client: ChatClient, use: Use, message: str) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        await use(client)


async def test_wrong_call_sends_nothing(client: ChatClient, sent: Sent) -> None:
    use: Any = client
    with pytest.raises(TypeError):
        await use.ping(1)
    assert sent == []


@pytest.mark.parametrize("name", ["newMessage", "send", "title", "_private", "__len__"])
def test_unknown_method_is_told_which_there_are(client: ChatClient, name: str) -> None:
    known = "ask_age, ask_anything, ask_maybe, ask_person, by_name, inherited, named, new_message, ping, "
    with pytest.raises(AttributeError, match=f"^ChatClient has no method {name}; it has {known}unannotated$"):
        getattr(client, name)


def test_interface_without_methods_says_so() -> None:
    class Silent(Protocol):
        pass

    silent: Any = ClientInterface[Silent](Silent).proxy(Service([]), EVERYBODY)
    with pytest.raises(AttributeError, match=r"^Silent has no method hear; it has none$"):
        _ = silent.hear


def sync_method() -> type:
    class Sync(Protocol):
        async def fine(self) -> None: ...
        def new_message(self) -> None: ...

    return Sync


def generator_method() -> type:
    class Stream(Protocol):
        async def items(self) -> Any:
            yield 1

    return Stream


def inherited_sync_method() -> type:
    class Sub(sync_method()):  # type: ignore[misc]
        pass

    return Sub


def static_method() -> type:
    class Static(Protocol):
        @staticmethod
        async def new_message(text: str) -> None: ...

    return Static


def class_method() -> type:
    class OfTheClass(Protocol):
        @classmethod
        async def new_message(cls, text: str) -> None: ...

    return OfTheClass


def any_keywords() -> type:
    class Keywords(Protocol):
        async def new_message(self, text: str, **more: int) -> None: ...

    return Keywords


def unknown_annotation() -> type:
    class Unknown(Protocol):
        async def new_message(self, text: "Later") -> None: ...  # type: ignore[name-defined] # noqa: F821

    return Unknown


@pytest.mark.parametrize(
    ("define", "message"),
    [
        pytest.param(static_method, "Static.new_message must be a plain method with self", id="static"),
        pytest.param(class_method, "OfTheClass.new_message must be a plain method with self", id="class"),
        pytest.param(
            any_keywords,
            "Keywords.new_message cannot be called on clients: arguments are sent by position, and those of "
            "**more have none",
            id="keywords",
        ),
        pytest.param(
            unknown_annotation,
            "Unknown.new_message cannot be called on clients: name 'Later' is not defined",
            id="annotation",
        ),
        pytest.param(sync_method, "Sync.new_message must be a coroutine function: use async def", id="sync"),
        pytest.param(
            generator_method,
            "Stream.items must be a coroutine function: use async def",
            id="generator",
        ),
        pytest.param(inherited_sync_method, "Sub.new_message must be a coroutine function", id="inherited"),
    ],
)
def test_interface_with_a_method_that_cannot_be_called_is_refused(
    define: Callable[[], type], message: str
) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}"):
        ClientInterface(define())


def test_empty_target_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the target of a client method must not be empty$"):
        target("")


# Results.


@pytest.mark.parametrize(
    ("use", "answer", "result"),
    [
        pytest.param(lambda it: it.ask_age("ann"), 42, 42, id="int"),
        pytest.param(lambda it: it.ask_person(), {"name": "Ann"}, Person("Ann"), id="dataclass"),
        pytest.param(lambda it: it.ask_anything(), {"a": [1]}, {"a": [1]}, id="any"),
        pytest.param(lambda it: it.ask_maybe(), None, None, id="null"),
    ],
)
async def test_result_is_converted_by_its_annotation(use: Use, answer: object, result: object) -> None:
    assert await use(answering(answer)) == result


async def test_client_is_asked_with_the_arguments(sent: Sent) -> None:
    await answering(42, sent).ask_age("ann")
    assert [(name, list(values)) for name, values in sent] == [("askAge", ["ann"])]


async def test_result_of_another_type_is_refused() -> None:
    message = "the client returned an invalid result of askAge: expected integer, got string"
    with pytest.raises(ValueError, match=f"^{message}$"):
        await answering("42").ask_age("ann")


async def test_several_clients_cannot_be_asked(client: ChatClient) -> None:
    message = r"ask_age returns a result, which only a single client can do: call it on clients\.client\(…\)"
    with pytest.raises(TypeError, match=f"^{message}$"):
        await client.ask_age("ann")


async def test_several_clients_that_are_asked_receive_nothing(client: ChatClient, sent: Sent) -> None:
    with pytest.raises(TypeError):
        await client.ask_age("ann")
    assert sent == []


# A hub that declares no interface.


async def test_client_without_an_interface_takes_any_target(sent: Sent) -> None:
    await ClientInterface[AnyClient](AnyClient).proxy(Service(sent), EVERYBODY).send("new_message", "hi", 1)
    assert [(name, list(values)) for name, values in sent] == [("new_message", ["hi", 1])]


async def test_client_without_an_interface_answers_as_it_likes(sent: Sent) -> None:
    client = ClientInterface[AnyClient](AnyClient).proxy(Service(sent, {"a": [1]}), ONE, can_answer=True)
    assert await client.ask("Any_Target", "hi") == {"a": [1]}
    assert [(name, list(values)) for name, values in sent] == [("Any_Target", ["hi"])]


async def test_several_clients_without_an_interface_cannot_be_asked(sent: Sent) -> None:
    message = (
        r"^Any_Target returns a result, which only a single client can do: call it on clients\.client\(…\)$"
    )
    with pytest.raises(TypeError, match=message):
        await ClientInterface[AnyClient](AnyClient).proxy(Service(sent), EVERYBODY).ask("Any_Target")
    assert sent == []


def test_methods_of_a_proxy_are_made_once_for_an_interface() -> None:
    first, second = (INTERFACE.proxy(Service([]), EVERYBODY) for _ in range(2))
    assert type(first) is type(second)
    assert type(first).ping is type(second).ping
