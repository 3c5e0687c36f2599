"""The operations as data: what can be a path, how values become bodies, what a refusal says."""

import enum
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from yarl import URL

from serverless_signalr._rest import operations
from serverless_signalr._rest.operations import (
    MAX_URL,
    Answer,
    CloseConnection,
    Command,
    JoinGroup,
    LeaveGroup,
    Operation,
    SendMessage,
    refusal,
)
from serverless_signalr.errors import (
    InvalidArgumentError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    UnauthorizedError,
)
from serverless_signalr.protocol.names import MAX_BODY

BASE = "https://chat.service.signalr.net/api/hubs/chat"
VERSION = "api-version=2024-12-01"
WHAT = "POST /api/hubs/chat/:send"
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYmYiOjE3MDAwMDAwMDB9.aFMuhSXM-02fAqQaaJnCLLo4H2qZCqAH97"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ann", "ann"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("50%", "50%25"),
        ("a?b#c", "a%3Fb%23c"),
        ("Zoë 群", "Zo%C3%AB%20%E7%BE%A4"),
        ("a+b", "a%2Bb"),
        ("...", "..."),
        (" ", "%20"),
    ],
)
def test_name_is_one_segment_of_the_path(name: str, path: str) -> None:
    assert operations.user(name) == f"/users/{path}"


def test_path_is_sent_as_it_is_signed() -> None:
    names = [chr(code) for code in range(1, 0x250)] + ["%2F", "%41", "a\\b", "群", "👍"]
    changed = {
        name
        for name in names
        if name != "."
        for url in [Operation("GET", operations.user(name)).url(BASE, VERSION)]
        if str(URL(url)) != url
    }
    assert changed == set()


@pytest.mark.parametrize("name", [".", ".."])
@pytest.mark.parametrize("path", [operations.user, operations.group, operations.connection])
def test_name_that_walks_up_the_path_is_refused(path: Any, name: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be part of a URL"):
        path(name)


@pytest.mark.parametrize(
    ("path", "kind"), [(operations.user, "user id"), (operations.connection, "connection id")]
)
def test_empty_name_is_refused(path: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=f"the {kind} must not be empty"):
        path("")


def test_group_name_is_checked() -> None:
    with pytest.raises(ValueError, match="at most 1,024 characters"):
        operations.group("g" * 1025)


@pytest.mark.parametrize(
    ("stream_id", "rule"), [("", "must not be empty"), (" ", "must not be blank"), ("s" * 101, "accepts 100")]
)
def test_stream_id_is_checked(stream_id: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        operations.stream("c1", stream_id)


def test_url_ends_in_the_version() -> None:
    assert Operation("POST", "/:send").url(BASE, VERSION) == f"{BASE}/:send?{VERSION}"


def test_query_is_escaped_and_may_repeat_a_name() -> None:
    operation = Operation("POST", "/:send", [("excluded", "a b"), ("excluded", "c&d=e+f")])
    assert operation.url(BASE, VERSION) == f"{BASE}/:send?excluded=a%20b&excluded=c%26d%3De%2Bf&{VERSION}"


def test_url_longer_than_any_that_the_service_accepts_is_refused_with_its_length() -> None:
    operation = Operation("POST", "/:send", [("excluded", "c" * 22)] * 1000)
    with pytest.raises(
        PayloadTooLargeError, match=r"the URL has 32,\d{3} characters, .* accepts 16,384"
    ) as raised:
        operation.url(BASE, VERSION)
    assert raised.value.status is None
    assert len(Operation("POST", f"/{'x' * (MAX_URL - 100)}").url(BASE, VERSION)) <= MAX_URL


def test_text_is_no_list_of_names() -> None:
    with pytest.raises(TypeError, match="excluded are the text 'c1', expected a sequence of texts"):
        operations.names("excluded", "c1")


def test_message_is_the_body_of_the_service() -> None:
    assert json.loads(operations.message("m", ("a", 1, {"x": True}))) == {
        "target": "m",
        "arguments": ["a", 1, {"x": True}],
    }


def test_target_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match="the target of a message must not be empty"):
        operations.message("", ())


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: int


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        ("null", "null"),
        ([None, 1.5, "é"], [None, 1.5, "é"]),
        (2**70, 2**70),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Colour.RED, "red"),
        (Point(1, 2), {"x": 1, "y": 2}),
        (b"\x00\xff", "AP8="),
        ((1, 2), [1, 2]),
    ],
    ids=["none", "text null", "list", "large", "date", "uuid", "enum", "dataclass", "bytes", "tuple"],
)
def test_value_is_written_as_json(value: object, written: object) -> None:
    assert json.loads(operations.json_body(value)) == written


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_number_that_json_cannot_carry_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        operations.message("m", [{"x": [number]}])


def test_largest_body_is_accepted() -> None:
    assert len(operations.json_body("x" * (MAX_BODY - 2))) == MAX_BODY


def test_larger_body_is_refused_with_both_sizes() -> None:
    with pytest.raises(
        PayloadTooLargeError, match=r"the message has 1,048,577 bytes, .* accepts 1,048,576"
    ) as raised:
        operations.json_body("é" * ((MAX_BODY - 2) // 2) + "x")
    assert raised.value.status is None


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (
            SendMessage("m", [1]),
            {"type": "SendMessage", "message": {"target": "m", "arguments": [1]}},
        ),
        (JoinGroup("g"), {"type": "JoinGroup", "group": "g"}),
        (LeaveGroup("g"), {"type": "LeaveGroup", "group": "g"}),
        (CloseConnection(), {"type": "CloseConnection"}),
        (CloseConnection("bye"), {"type": "CloseConnection", "reason": "bye"}),
    ],
)
def test_command_has_the_form_of_the_service(command: Command, written: dict[str, object]) -> None:
    assert command.to_dict() == written


@pytest.mark.parametrize("command", [SendMessage(""), JoinGroup(" "), LeaveGroup("")])
def test_command_is_checked(command: Command) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        command.to_dict()


def answer(status: int, body: object = None, **headers: str) -> Answer:
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, text.encode(), "r1")


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, InvalidArgumentError, "does not accept a value"),
        (401, UnauthorizedError, "compare AccessKey of the connection string with the resource's keys"),
        (403, UnauthorizedError, "access keys disabled"),
        (404, NotFoundError, "or Endpoint is not the service's address"),
        (413, PayloadTooLargeError, "accepts 1,048,576 bytes"),
        (429, ThrottledError, "scale the resource"),
        (500, ServiceUnavailableError, "try again later"),
        (503, ServiceUnavailableError, "try again later"),
        (302, ServiceError, "Endpoint is the service's address"),
        (418, ServiceError, "no operation has this answer"),
    ],
)
def test_refusal_has_a_type_and_says_what_to_do(status: int, kind: type[ServiceError], advice: str) -> None:
    error = refusal(WHAT, answer(status), is_identity=False)
    assert type(error) is kind
    assert str(error).startswith(f"{WHAT} was answered {status}: ")
    assert advice in str(error)
    assert (error.status, error.request_id) == (status, "r1")


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_of_an_identity_names_the_role_to_grant(status: int) -> None:
    error = refusal(WHAT, answer(status), is_identity=True)
    assert "the role SignalR REST API Owner" in str(error)


def test_refusal_carries_the_error_code() -> None:
    error = refusal(WHAT, answer(404, x_ms_error_code="Warning.User.NotExisted"), is_identity=False)
    assert error.error_code == "Warning.User.NotExisted"
    assert "was answered 404 (Warning.User.NotExisted): " in str(error)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"code": "BadRequest", "message": "The Target field is required."}, "The Target field is required"),
        ({"error": {"code": "x", "message": "no such hub"}}, "no such hub"),
        ({"title": "One or more errors.", "errors": {"hub": ["Invalid hub name."]}}, "Invalid hub name"),
        ({"title": "Bad Request"}, "Bad Request"),
        ('"Invalid hub name"', "Invalid hub name"),
        ("Invalid\r\n  hub name", "Invalid hub name"),
        ("x" * 400, "x" * 300),
    ],
)
def test_refusal_repeats_what_the_service_says(body: object, said: str) -> None:
    assert f"was answered 400 ({said}): " in str(refusal(WHAT, answer(400, body), is_identity=False))


@pytest.mark.parametrize("body", ["<html>no</html>", {}, "[1]"])
def test_refusal_does_without_what_is_no_sentence(body: object) -> None:
    assert "was answered 502: " in str(refusal(WHAT, answer(502, body), is_identity=False))


def test_refusal_of_a_token_says_what_is_wrong_with_it() -> None:
    challenge = 'Bearer error="invalid_token", error_description="The audience is invalid"'
    error = refusal(WHAT, answer(401, WWW_Authenticate=challenge), is_identity=False)
    assert "was answered 401 (The audience is invalid): " in str(error)


def test_refusal_never_shows_a_token() -> None:
    error = refusal(WHAT, answer(400, {"message": f"bad header Bearer {TOKEN}"}), is_identity=False)
    assert "eyJ" not in str(error)
    assert "bad header Bearer <token>" in str(error)


def test_refusal_says_how_long_the_service_asks_to_wait() -> None:
    assert "asks to wait 120 seconds" in str(refusal(WHAT, answer(429, Retry_After="120"), is_identity=False))


def test_body_that_is_no_json_is_an_error_of_the_service() -> None:
    with pytest.raises(ServiceError, match="a body that is no JSON") as raised:
        answer(200, "<html>").json()
    assert (raised.value.status, raised.value.request_id) == (200, "r1")
