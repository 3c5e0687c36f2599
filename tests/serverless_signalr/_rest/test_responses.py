"""Responses: which error a refusal is, and what it says."""

import json

import pytest

from serverless_signalr._rest.responses import Response, refusal
from serverless_signalr.errors import (
    InvalidArgumentError,
    NotFoundError,
    PayloadTooLargeError,
    ServiceError,
    ServiceUnavailableError,
    ThrottledError,
    UnauthorizedError,
)

WHAT = "POST /api/hubs/chat/:send"
TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJuYmYiOjE3MDAwMDAwMDB9.aFMuhSXM-02fAqQaaJnCLLo4H2qZCqAH97"


def response(status: int, body: object = None, **headers: str) -> Response:
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, text.encode(), "r1")


@pytest.mark.parametrize(
    ("status", "kind", "advice"),
    [
        (400, InvalidArgumentError, "rejected a value"),
        (401, UnauthorizedError, "compare AccessKey of the connection string with the resource's keys"),
        (403, UnauthorizedError, "whether access keys are disabled"),
        (408, ServiceUnavailableError, "the operation may have been carried out"),
        (404, NotFoundError, "or Endpoint is not the address of the service"),
        (413, PayloadTooLargeError, "accepts 1,048,576 bytes"),
        (429, ThrottledError, "scale the resource"),
        (500, ServiceUnavailableError, "try again later"),
        (503, ServiceUnavailableError, "try again later"),
        (302, ServiceError, "Endpoint is the address of the service"),
        (418, ServiceError, "the service does not use this status"),
    ],
)
def test_refusal_has_a_type_and_says_what_to_do(status: int, kind: type[ServiceError], advice: str) -> None:
    error = refusal(WHAT, response(status), is_identity=False)
    assert type(error) is kind
    assert str(error).startswith(f"{WHAT} failed with {status}: ")
    assert advice in str(error)
    assert (error.status, error.request_id) == (status, "r1")


@pytest.mark.parametrize("status", [401, 403])
def test_refusal_of_an_identity_names_the_role_to_grant(status: int) -> None:
    error = refusal(WHAT, response(status), is_identity=True)
    assert "the role SignalR REST API Owner" in str(error)


def test_refusal_carries_the_error_code() -> None:
    error = refusal(WHAT, response(404, x_ms_error_code="Warning.User.NotExisted"), is_identity=False)
    assert error.error_code == "Warning.User.NotExisted"
    assert "failed with 404 (Warning.User.NotExisted): " in str(error)


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
    assert f"failed with 400 ({said}): " in str(refusal(WHAT, response(400, body), is_identity=False))


@pytest.mark.parametrize("body", ["<html>no</html>", {}, "[1]"])
def test_refusal_does_without_what_is_no_sentence(body: object) -> None:
    assert "failed with 502: " in str(refusal(WHAT, response(502, body), is_identity=False))


def test_refusal_of_a_token_says_what_is_wrong_with_it() -> None:
    challenge = 'Bearer error="invalid_token", error_description="The audience is invalid"'
    error = refusal(WHAT, response(401, WWW_Authenticate=challenge), is_identity=False)
    assert "failed with 401 (The audience is invalid): " in str(error)


def test_refusal_never_shows_a_token() -> None:
    error = refusal(WHAT, response(400, {"message": f"bad header Bearer {TOKEN}"}), is_identity=False)
    assert "eyJ" not in str(error)
    assert "bad header Bearer <token>" in str(error)


def test_refusal_says_how_long_the_service_asks_to_wait() -> None:
    assert "asks to wait 120 seconds" in str(
        refusal(WHAT, response(429, Retry_After="120"), is_identity=False)
    )


def test_body_that_is_no_json_is_an_error_of_the_service() -> None:
    with pytest.raises(ServiceError, match="a body that is not JSON") as raised:
        response(200, "<html>").json()
    assert (raised.value.status, raised.value.request_id) == (200, "r1")
