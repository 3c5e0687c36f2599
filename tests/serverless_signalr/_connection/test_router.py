"""Which of several instances a client is sent to where the app does not say."""

from typing import Literal

import pytest

from serverless_signalr._connection.router import any_online
from serverless_signalr._models.negotiation import SignalREndpoint


def endpoint(name: str, kind: Literal["Primary", "Secondary"], *, online: bool = True) -> SignalREndpoint:
    return SignalREndpoint(kind, name, f"https://{name}.service.signalr.net", online)


def chosen(*endpoints: SignalREndpoint) -> set[str]:
    """Return the names of those that are chosen, asked often enough to see each."""
    return {any_online(endpoints).name for _ in range(200)}


@pytest.mark.parametrize(
    ("endpoints", "names"),
    [
        pytest.param([endpoint("a", "Primary"), endpoint("b", "Primary")], {"a", "b"}, id="any-primary"),
        pytest.param([endpoint("a", "Primary"), endpoint("b", "Secondary")], {"a"}, id="not-the-secondary"),
        pytest.param(
            [endpoint("a", "Primary", online=False), endpoint("b", "Primary")], {"b"}, id="not-the-one-down"
        ),
        pytest.param(
            [endpoint("a", "Primary", online=False), endpoint("b", "Secondary"), endpoint("c", "Secondary")],
            {"b", "c"},
            id="secondary-in-need",
        ),
        pytest.param(
            [endpoint("a", "Primary", online=False), endpoint("b", "Secondary", online=False)],
            {"a"},
            id="primary-where-all-are-down",
        ),
        pytest.param([endpoint("a", "Secondary", online=False)], {"a"}, id="the-only-one"),
    ],
)
def test_client_is_sent_to_one_that_is_up(endpoints: list[SignalREndpoint], names: set[str]) -> None:
    assert chosen(*endpoints) == names


def test_nothing_to_choose_from_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no endpoint to choose from"):
        any_online([])
