"""HTTP requests that send: what is sent, and what is refused in words."""

import json
from collections.abc import Callable
from typing import Any

import azure.functions as func
import pytest

from serverless_signalr.protocol.names import MAX_BODY

type Request = Callable[..., tuple[func.HttpResponse, list[dict[str, Any]] | None]]

SENDS: list[Any] = [
    pytest.param("messages", {}, {}, id="all"),
    pytest.param("users/{userId}/messages", {"userId": "ann"}, {"userId": "ann"}, id="user"),
    pytest.param("groups/{groupName}/messages", {"groupName": "g"}, {"groupName": "g"}, id="group"),
    pytest.param(
        "connections/{connectionId}/messages",
        {"connectionId": "c"},
        {"connectionId": "c"},
        id="connection",
    ),
]
"""Each route that sends, its parameters, and whom the message is for."""


@pytest.mark.parametrize(("route", "params", "addressee"), SENDS)
def test_target_and_arguments_are_sent(
    ask: Request, route: str, params: dict[str, str], addressee: dict[str, str]
) -> None:
    response, sent = ask("POST", route, b'{"target": "news", "arguments": ["a", {"b": null}]}', **params)
    assert (response.status_code, response.get_body()) == (202, b"")
    assert sent == [{"target": "news", "arguments": ["a", {"b": None}], **addressee}]


def test_half_an_emoji_is_sent_as_a_replacement_character(ask: Request) -> None:
    _, sent = ask("POST", "messages", b'{"target": "news", "arguments": ["cut \\ud83d"]}')
    assert sent == [{"target": "news", "arguments": ["cut \N{REPLACEMENT CHARACTER}"]}]


@pytest.mark.parametrize(("route", "params", "addressee"), SENDS)
def test_object_without_a_target_is_a_new_message(
    ask: Request, route: str, params: dict[str, str], addressee: dict[str, str]
) -> None:
    response, sent = ask("POST", route, b'{"sender": "ann", "text": "hi"}', **params)
    assert response.status_code == 202
    assert sent == [{"target": "newMessage", "arguments": [{"sender": "ann", "text": "hi"}], **addressee}]


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        pytest.param(b'{"target": "news"}', [], id="no-arguments"),
        pytest.param('{"target": "news", "arguments": ["é😀"]}'.encode(), ["é😀"], id="not-ascii"),
        pytest.param(
            b'{"target": "news", "arguments": ["2026-02-03T04:05:06.7Z"]}',
            ["2026-02-03T04:05:06.7Z"],
            id="date",
        ),
        pytest.param(b'\xef\xbb\xbf{"target": "news"}', [], id="byte-order-mark"),
    ],
)
def test_arguments_are_sent_as_they_came(ask: Request, body: bytes, arguments: list[object]) -> None:
    _, sent = ask("POST", "messages", body)
    assert sent == [{"target": "news", "arguments": arguments}]


BAD = [
    pytest.param(b"", "body", "the body is not JSON", id="empty"),
    pytest.param(b"hello", "body", "the body is not JSON", id="not-json"),
    pytest.param(b'{"target": "news"', "body", "the body is not JSON", id="cut-short"),
    pytest.param(b"\xff\xfe\xfd", "body", "the body is not JSON", id="not-text"),
    pytest.param(b"[" * 100_000, "body", "the body is not JSON", id="deep"),
    pytest.param(b'{"target": "news", "arguments": [NaN]}', "body", "", id="nan"),
    pytest.param(b'{"target": "news", "arguments": [1e999]}', "body", "", id="infinity"),
    pytest.param(
        b'{"target": "news", "arguments": ' + b"[" * 2000 + b"]" * 2000 + b"}", "body", "", id="nested"
    ),
    pytest.param(b"null", "body", "the body is null, expected an object", id="null"),
    pytest.param(b"true", "body", "the body is a boolean, expected an object", id="boolean"),
    pytest.param(b"5", "body", "the body is a number, expected an object", id="number"),
    pytest.param(b'"hi"', "body", "the body is a string, expected an object", id="string"),
    pytest.param(b'[{"target": "news"}]', "body", "the body is a list, expected an object", id="list"),
    pytest.param(
        b'{"target": ""}',
        "target",
        "target is an empty string, expected a name that is not empty",
        id="empty-target",
    ),
    pytest.param(
        b'{"target": " \\t"}',
        "target",
        "target is an empty string, expected a name that is not empty",
        id="blank-target",
    ),
    pytest.param(
        b'{"target": null}', "target", "target is null, expected a name that is not empty", id="null-target"
    ),
    pytest.param(
        b'{"target": 5}',
        "target",
        "target is a number, expected a name that is not empty",
        id="number-target",
    ),
    pytest.param(
        b'{"target": "news", "arguments": "hi"}',
        "arguments",
        "arguments is a string, expected a list",
        id="text-as-arguments",
    ),
    pytest.param(
        b'{"target": "news", "arguments": {}}',
        "arguments",
        "arguments is an object, expected a list",
        id="object-as-arguments",
    ),
    pytest.param(
        b'{"target": "news", "arguments": null}',
        "arguments",
        "arguments is null, expected a list",
        id="null-as-arguments",
    ),
]


@pytest.mark.parametrize(("route", "params", "addressee"), SENDS)
@pytest.mark.parametrize(("body", "field", "detail"), BAD)
def test_wrong_body_is_answered_with_the_field_and_nothing_is_sent(
    ask: Request,
    route: str,
    params: dict[str, str],
    addressee: dict[str, str],
    body: bytes,
    field: str,
    detail: str,
) -> None:
    response, sent = ask("POST", route, body, **params)
    assert response.status_code == 400
    assert response.mimetype == "application/problem+json"
    problem = json.loads(response.get_body())
    assert (problem["status"], problem["title"], problem["field"]) == (400, "Bad Request", field)
    assert problem["detail"].startswith(detail)
    assert sent is None


def text_of(size: int) -> bytes:
    """Return a body of so many bytes."""
    body = b'{"target":"news","arguments":["%s"]}'
    return body % (b"x" * (size - len(body) + 2))


@pytest.mark.parametrize(("route", "params", "addressee"), SENDS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(text_of(MAX_BODY + 1), id="one-byte-over"),
        pytest.param(text_of(10 * MAX_BODY), id="far-over"),
        pytest.param(b" " * MAX_BODY + b'{"target": "news"}', id="blanks"),
        pytest.param(b'{"text": "' + b"x" * (MAX_BODY - 12) + b'"}', id="with-target-over"),
    ],
)
def test_message_over_the_limit_of_the_service_is_answered_413(
    ask: Request, route: str, params: dict[str, str], addressee: dict[str, str], body: bytes
) -> None:
    response, sent = ask("POST", route, body, **params)
    assert response.status_code == 413
    assert response.mimetype == "application/problem+json"
    problem = json.loads(response.get_body())
    assert (problem["status"], problem["field"]) == (413, "body")
    assert problem["detail"].endswith("bytes, the service accepts 1,048,576")
    assert sent is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(text_of(MAX_BODY), id="one-text"),
        pytest.param(b'{"target":"news","arguments":[%s]}' % b",".join([b"1"] * 500_000), id="many-numbers"),
        pytest.param(b'{"target":"news","arguments":["%s"]}' % ("é" * 500_000).encode(), id="utf-8"),
    ],
)
def test_message_within_the_limit_is_sent(ask: Request, body: bytes) -> None:
    response, sent = ask("POST", "messages", body)
    assert response.status_code == 202
    assert sent is not None


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("x" * 1025, "a group name has at most 1,024 characters, this one has 1,025"),
        (" ", "a group name must not be empty or blank"),
    ],
    ids=["too-long", "blank"],
)
def test_group_that_cannot_exist_is_refused(ask: Request, name: str, detail: str) -> None:
    response, sent = ask("POST", "groups/{groupName}/messages", b'{"target": "news"}', groupName=name)
    assert response.status_code == 400
    problem = json.loads(response.get_body())
    assert (problem["field"], problem["detail"]) == ("groupName", detail)
    assert sent is None
