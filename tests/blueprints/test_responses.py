"""How requests are answered."""

import json
from http import HTTPStatus

import azure.functions as func
import pytest

from blueprints.responses import ProblemError, accepted, answering_problems


def test_accepted_has_no_body() -> None:
    assert (accepted().status_code, accepted().get_body()) == (202, b"")


def test_problem_is_answered_in_words() -> None:
    @answering_problems
    def function() -> func.HttpResponse:
        raise ProblemError("name", "name is too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    response = function()
    assert (response.status_code, response.mimetype) == (413, "application/problem+json")
    assert json.loads(response.get_body()) == {
        "title": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase,
        "status": 413,
        "detail": "name is too long",
        "field": "name",
    }


def test_problem_is_a_bad_request_unless_it_says_otherwise() -> None:
    assert ProblemError("name", "name is absent").response().status_code == 400


def test_problem_names_its_field() -> None:
    assert str(ProblemError("name", "expected a text")) == "name: expected a text"


def test_answer_of_a_function_is_left_as_it_is() -> None:
    answer = func.HttpResponse("hi")

    @answering_problems
    def function(text: str, *, number: int) -> func.HttpResponse:
        assert (text, number) == ("a", 1)
        return answer

    assert function("a", number=1) is answer


def test_other_exceptions_pass() -> None:
    @answering_problems
    def function() -> func.HttpResponse:
        raise KeyError("name")

    with pytest.raises(KeyError):
        function()
