"""The operations as data: which responses are valid."""

import pytest

from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.responses import Response


def response(status: int, code: str | None = None) -> Response:
    return Response(status, {} if code is None else {"x-ms-error-code": code}, b"", "1")


@pytest.mark.parametrize(
    ("status", "is_valid"),
    [(200, True), (202, True), (299, True), (300, False), (307, False), (404, False), (500, False)],
)
def test_success_is_the_only_valid_response(status: int, is_valid: bool) -> None:
    assert Operation("GET", "/groups/g").accepts(response(status)) is is_valid


@pytest.mark.parametrize(
    ("code", "is_valid"),
    [("Warning.Group.NotExisted", True), ("Warning.User.NotExisted", False), (None, False)],
)
def test_404_is_valid_only_with_the_code_of_an_absent_target(code: str | None, is_valid: bool) -> None:
    operation = Operation("HEAD", "/groups/g", absent="Warning.Group.NotExisted")
    assert operation.accepts(response(404, code)) is is_valid


def test_operation_is_for_every_instance_and_repeatable_unless_it_says_otherwise() -> None:
    operation = Operation("DELETE", "/groups/g/connections/c")
    assert (operation.reach.value, operation.is_repeatable, operation.body) == ("every", True, None)
