"""What a function with a SignalR output may return."""

from typing import Any

import pytest

from serverless_signalr import SignalRGroupAction, SignalRMessage
from serverless_signalr._functions.adapter import Bound, adapt
from serverless_signalr._functions.outputs import output_items

MESSAGE = SignalRMessage(target="hi")
ACTION = SignalRGroupAction(action="removeAll", user_id="ann")


@pytest.mark.parametrize(
    ("result", "items"),
    [
        (MESSAGE, [MESSAGE]),
        (ACTION, [ACTION]),
        ([MESSAGE, ACTION], [MESSAGE, ACTION]),
        ((item for item in (MESSAGE,)), [MESSAGE]),
        ([], []),
    ],
    ids=["message", "action", "list", "generator", "nothing"],
)
def test_result_becomes_what_the_binding_takes(result: object, items: list[Any]) -> None:
    assert output_items("news", result) == [item.to_dict() for item in items]


@pytest.mark.parametrize(
    ("result", "returned"),
    [
        ({"target": "hi"}, "a dict"),
        ("hi", "a str"),
        (b"hi", "a bytes"),
        (5, "a int"),
        ([{"target": "hi"}], "a list with a dict in it"),
        (["hi"], "a list with a str in it"),
    ],
)
def test_anything_else_is_told_what_was_expected(result: object, returned: str) -> None:
    with pytest.raises(
        TypeError, match=f"^the function news returned {returned}, but its SignalR output takes"
    ):
        output_items("news", result)


def test_function_with_a_returned_output_says_so() -> None:
    def news() -> object:
        return {"target": "hi"}

    with pytest.raises(TypeError, match="the function news returned a dict"):
        adapt(news, "news", [Bound("$return", "signalR")], [])()
