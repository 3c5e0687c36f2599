"""HTTP requests that send: what is sent, and what is refused in words."""

from typing import Any

import pytest

from serverless_signalr import FunctionApp
from serverless_signalr.protocol.names import MAX_BODY
from serverless_signalr.testing import Message, Recipient, request

SENDS: list[Any] = [
    pytest.param("messages", Recipient("all"), id="all"),
    pytest.param("users/ann/messages", Recipient("user", "ann"), id="user"),
    pytest.param("groups/g/messages", Recipient("group", "g"), id="group"),
    pytest.param("connections/c/messages", Recipient("connection", "c"), id="connection"),
]
"""Each route that sends, and whom the message is for."""

EACH_SEND = pytest.mark.parametrize(("route", "to"), SENDS)


@EACH_SEND
async def test_target_and_arguments_are_sent(app: FunctionApp, route: str, to: Recipient) -> None:
    body = {"target": "news", "arguments": ["a", {"b": None}]}
    response = await request(app, "POST", f"/api/{route}", json=body)
    assert (response.status, response.body) == (202, b"")
    assert response.everything == [Message("news", "a", {"b": None})]
    assert response.messages[0].to == to


async def test_half_an_emoji_is_sent_as_a_replacement_character(app: FunctionApp) -> None:
    body = b'{"target": "news", "arguments": ["cut \\ud83d"]}'
    response = await request(app, "POST", "/api/messages", body=body)
    assert response.to_all == [Message("news", "cut \N{REPLACEMENT CHARACTER}")]


@EACH_SEND
async def test_object_without_a_target_is_a_new_message(app: FunctionApp, route: str, to: Recipient) -> None:
    response = await request(app, "POST", f"/api/{route}", json={"sender": "ann", "text": "hi"})
    assert response.status == 202
    assert response.everything == [Message("newMessage", {"sender": "ann", "text": "hi"})]
    assert response.messages[0].to == to


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
async def test_arguments_are_sent_as_they_came(
    app: FunctionApp, body: bytes, arguments: list[object]
) -> None:
    response = await request(app, "POST", "/api/messages", body=body)
    assert response.to_all == [Message("news", *arguments)]


ROUTES = [send.values[0] for send in SENDS]

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


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("body", "field", "detail"), BAD)
async def test_wrong_body_is_answered_with_the_field_and_nothing_is_sent(
    app: FunctionApp, route: str, body: bytes, field: str, detail: str
) -> None:
    response = await request(app, "POST", f"/api/{route}", body=body)
    assert response.status == 400
    assert response.mimetype == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["title"], problem["field"]) == (400, "Bad Request", field)
    assert problem["detail"].startswith(detail)
    assert response.everything == []


def text_of(size: int) -> bytes:
    """Return a body of so many bytes."""
    body = b'{"target":"news","arguments":["%s"]}'
    return body % (b"x" * (size - len(body) + 2))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(text_of(MAX_BODY + 1), id="one-byte-over"),
        pytest.param(text_of(10 * MAX_BODY), id="far-over"),
        pytest.param(b" " * MAX_BODY + b'{"target": "news"}', id="blanks"),
        pytest.param(b'{"text": "' + b"x" * (MAX_BODY - 12) + b'"}', id="with-target-over"),
    ],
)
async def test_message_over_the_limit_of_the_service_is_answered_413(
    app: FunctionApp, route: str, body: bytes
) -> None:
    response = await request(app, "POST", f"/api/{route}", body=body)
    assert response.status == 413
    assert response.mimetype == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["field"]) == (413, "body")
    assert problem["detail"].endswith("bytes, the service accepts 1,048,576")
    assert response.everything == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(text_of(MAX_BODY), id="one-text"),
        pytest.param(b'{"target":"news","arguments":[%s]}' % b",".join([b"1"] * 500_000), id="many-numbers"),
        pytest.param(b'{"target":"news","arguments":["%s"]}' % ("é" * 500_000).encode(), id="utf-8"),
    ],
)
async def test_message_within_the_limit_is_sent(app: FunctionApp, body: bytes) -> None:
    response = await request(app, "POST", "/api/messages", body=body)
    assert response.status == 202
    assert len(response.to_all) == 1


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("x" * 1025, "a group name has at most 1,024 characters, this one has 1,025"),
        ("%20", "a group name must not be empty or blank"),
    ],
    ids=["too-long", "blank"],
)
async def test_group_that_cannot_exist_is_refused(app: FunctionApp, name: str, detail: str) -> None:
    response = await request(app, "POST", f"/api/groups/{name}/messages", json={"target": "news"})
    assert response.status == 400
    problem = response.json()
    assert (problem["field"], problem["detail"]) == ("groupName", detail)
    assert response.everything == []
