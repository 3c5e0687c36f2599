"""The responses of HTTP functions: 202, or a problem description (RFC 9457)."""

import inspect
import json
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

import azure.functions as func

__all__ = ["ProblemError", "accepted", "answering_problems"]


def accepted() -> func.HttpResponse:
    """Return 202: the service was asked to send, but does not report whom it reached."""
    return func.HttpResponse(status_code=HTTPStatus.ACCEPTED)


class ProblemError(Exception):
    """A field of a request is invalid. ``field`` is its name in the request."""

    def __init__(self, field: str, detail: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(f"{field}: {detail}")
        self.field = field
        self.detail = detail
        self.status = status

    def response(self) -> func.HttpResponse:
        """Return the response for the caller."""
        body = {
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
            "field": self.field,
        }
        return func.HttpResponse(
            json.dumps(body), status_code=self.status.value, mimetype="application/problem+json"
        )


def answering_problems[**P](
    function: Callable[P, Any],
) -> Callable[P, Any]:
    """Respond with the problem that an HTTP function raises. Nothing in its outbox is sent then."""
    if inspect.iscoroutinefunction(function):

        @wraps(function)
        async def answered_async(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                return await function(*args, **kwargs)
            except ProblemError as problem:
                return problem.response()

        return answered_async

    @wraps(function)
    def answered(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return function(*args, **kwargs)
        except ProblemError as problem:
            return problem.response()

    return answered
