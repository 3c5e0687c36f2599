"""The hub methods and HTTP routes that clients use to resume and cancel answers."""

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Protocol, runtime_checkable

import azure.functions as func

from serverless_signalr._answers.resuming import MayResume, cancel_answer, resume_answer
from serverless_signalr._answers.stores import AnswerStore
from serverless_signalr._hub.events import HubEvent
from serverless_signalr._hub.methods import HubMethod
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr._negotiation.users import Authenticate, authenticated, platform_user
from serverless_signalr.bindings import Blueprint, FunctionApp
from serverless_signalr.errors import HubException

__all__ = ["add_answers"]

_log = logging.getLogger("serverless_signalr.answers")


@runtime_checkable
class _Hub(Protocol):
    hub_name: str

    @property
    def blueprint(self) -> Blueprint: ...

    def _add_methods(self, methods: Sequence[HubMethod]) -> None: ...

    def _function_name(self, name: str) -> str: ...


class _Purgeable(Protocol):
    async def purge(self) -> int: ...


def add_answers(
    functions: Any,
    store: AnswerStore,
    *,
    user: Authenticate = platform_user,
    may_resume: MayResume | None = None,
    route: str | None = "answers",
    purge: str | None = "0 17 * * * *",
) -> None:
    """Let clients resume and cancel the answers of a store: ``add_answers(hub, store)``.

    ``functions`` is a hub, or a blueprint or function app with ``hub=…``. It gets the methods
    ``resumeAnswer(id, since)`` and ``cancelAnswer(id)``. It also gets the HTTP functions
    ``GET <route>/{id}?since=`` and ``POST <route>/{id}/cancel``, for pages that are not connected. Pass
    ``route=None`` to leave these out. ``user`` identifies the sender of an HTTP request, as it does for
    ``add_negotiate``.

    Only the owner of an answer can resume or cancel it. ``may_resume`` lets other users resume it. If the
    store has a ``purge`` method, as TableAnswerStore does, a timer deletes expired answers. ``purge`` is the
    schedule of the timer, or None for no timer.

    Raise TypeError for a hub class, or if the hub already has these methods.
    """
    if isinstance(functions, type):
        raise TypeError(f"add_answers takes a hub, not its class: pass {functions.__name__}()")

    methods = [HubMethod.of(each) for each in _events(store, may_resume)]
    blueprint: Blueprint | FunctionApp
    name: Callable[[str], str]
    if isinstance(functions, Blueprint | FunctionApp):
        blueprint, name = functions, str
        for method in methods:
            trigger = _trigger(method)
            blueprint.signalr_trigger(event=method.event)(trigger)
    elif isinstance(functions, _Hub):
        blueprint, name = functions.blueprint, functions._function_name
        functions._add_methods(methods)
    else:
        raise TypeError(
            f"add_answers takes a hub, or a Blueprint or FunctionApp of serverless_signalr, not {functions!r}"
        )

    if route is not None:
        _add_routes(blueprint, store, user, may_resume, route.strip("/"), name)
    if purge is not None and hasattr(store, "purge"):
        _add_purge(blueprint, store, purge, name)


def _events(store: AnswerStore, may_resume: MayResume | None) -> list[HubEvent]:
    async def resume(
        _: object, caller: SignalRInvocationContext, answer_id: str, since: int = 0
    ) -> dict[str, Any]:
        """Return the pieces of an answer that the caller has missed."""
        return await resume_answer(store, answer_id, caller.user_id, since, may_resume)

    async def cancel(_: object, caller: SignalRInvocationContext, answer_id: str) -> bool:
        """Cancel an answer."""
        return await cancel_answer(store, answer_id, caller.user_id)

    return [
        HubEvent("resume_answer", "resumeAnswer", resume, ()),
        HubEvent("cancel_answer", "cancelAnswer", cancel, ()),
    ]


def _trigger(method: HubMethod) -> Callable[[SignalRInvocationContext], Awaitable[object]]:
    async def trigger(invocation: SignalRInvocationContext) -> object:
        return await method.run(None, invocation, ())

    trigger.__name__ = trigger.__qualname__ = method.name
    trigger.__doc__ = method.function.__doc__
    return trigger


def _add_routes(
    blueprint: Blueprint | FunctionApp,
    store: AnswerStore,
    user: Authenticate,
    may_resume: MayResume | None,
    route: str,
    name: Callable[[str], str],
) -> None:
    async def caller(req: func.HttpRequest) -> str | None:
        try:
            return (await authenticated(user, req)).id or None
        except PermissionError as error:
            _log.warning("a request for an answer was refused: %s", error)
            return None

    async def resume(req: func.HttpRequest) -> func.HttpResponse:
        """Return the pieces of an answer that the caller has missed."""
        if (user_id := await caller(req)) is None:
            return _problem(HTTPStatus.UNAUTHORIZED, "Sign in first.")
        since = req.params.get("since", "0")
        try:
            if not (since.isascii() and since.isdigit() and len(since) < 10):
                raise HubException("since must be the number of a piece, or 0.")
            found = await resume_answer(store, req.route_params["id"], user_id, int(since), may_resume)
        except HubException as error:
            return _problem(HTTPStatus.BAD_REQUEST, str(error))
        if found["state"] == "unknown":
            return _problem(HTTPStatus.NOT_FOUND, "There is no such answer.")
        return _response(HTTPStatus.OK, found, "application/json")

    async def cancel(req: func.HttpRequest) -> func.HttpResponse:
        """Cancel an answer."""
        if (user_id := await caller(req)) is None:
            return _problem(HTTPStatus.UNAUTHORIZED, "Sign in first.")
        try:
            is_there = await cancel_answer(store, req.route_params["id"], user_id)
        except HubException as error:
            return _problem(HTTPStatus.BAD_REQUEST, str(error))
        if not is_there:
            return _problem(HTTPStatus.NOT_FOUND, "There is no such answer.")
        return func.HttpResponse(status_code=HTTPStatus.ACCEPTED.value, headers=_NOT_CACHED)

    for function, path, method in ((resume, "{id}", "GET"), (cancel, "{id}/cancel", "POST")):
        function.__name__ = function.__qualname__ = name(f"answers_http_{function.__name__}")
        decorate = blueprint.route(
            route=f"{route}/{path}", methods=[method], auth_level=func.AuthLevel.ANONYMOUS
        )
        decorate(function)


def _add_purge(
    blueprint: Blueprint | FunctionApp, store: Any, schedule: str, name: Callable[[str], str]
) -> None:
    purgeable: _Purgeable = store

    async def purge(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the binding's name
        """Delete the answers that have expired."""
        _log.info("%d expired answers were deleted", await purgeable.purge())

    purge.__name__ = purge.__qualname__ = name("answers_purge")
    blueprint.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False)(purge)


_NOT_CACHED = {"Cache-Control": "no-store"}


def _problem(status: HTTPStatus, detail: str) -> func.HttpResponse:
    value = {"title": status.phrase, "status": status.value, "detail": detail}
    return _response(status, value, "application/problem+json")


def _response(status: HTTPStatus, value: object, mimetype: str) -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(value), status_code=status.value, mimetype=mimetype, headers=_NOT_CACHED
    )
