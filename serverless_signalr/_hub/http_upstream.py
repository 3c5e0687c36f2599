"""A hub's events through one HTTP function, for where the host's own webhook cannot be used.

The service calls the function as it would call the webhook of the SignalR extension; the answers are the
extension's, but for errors, which are exactly the sentences that the hub chose. Source:
https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import azure.functions as func

from serverless_signalr._functions.answers import answering_client
from serverless_signalr._hub.methods import HubMethod
from serverless_signalr.bindings import Blueprint
from serverless_signalr.connection import service_connection
from serverless_signalr.errors import HubException
from serverless_signalr.models import SignalRInvocationContext
from serverless_signalr.protocol.bodies import BODY_FORMATS, BodyFormat
from serverless_signalr.protocol.messages import Completion, Invocation, ProtocolError
from serverless_signalr.protocol.upstream import SIGNATURE_HEADER, Category, UpstreamEvent
from serverless_signalr.protocol.values import to_builtins

if TYPE_CHECKING:
    from serverless_signalr.hub import ServerlessHub

__all__ = ["add_upstream"]

_log = logging.getLogger("serverless_signalr")


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def add_upstream(blueprint: Blueprint, hub: "ServerlessHub[Any]", name: str, route: str) -> None:
    """Add the HTTP function that receives a hub's events.

    It is anonymous: what protects it is the signature, made with the access key. Over an identity-based
    connection the service signs with nothing the app knows, and every event is refused.
    """
    endpoint = _Endpoint(hub)

    async def upstream(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return await endpoint.answer(req)
        except _RefusedError as refused:
            _log.warning("an upstream request for the hub %s was refused: %s", hub.hub_name, refused)
            return func.HttpResponse(status_code=refused.status.value)

    upstream.__name__ = upstream.__qualname__ = name
    upstream.__doc__ = f"Receive the events of the hub {hub.hub_name}."
    decorate = blueprint.route(route=route, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    decorate(upstream)


class _Endpoint:
    def __init__(self, hub: "ServerlessHub[Any]") -> None:
        self._hub = hub
        self._methods = {(method.category, method.event.lower()): method for method in hub._methods}

    async def answer(self, request: func.HttpRequest) -> func.HttpResponse:
        content_type = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        protocol = BODY_FORMATS.get(content_type)
        if protocol is None:
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"its content type is {content_type!r}")
        try:
            event = UpstreamEvent.from_headers(request.headers)
        except ValueError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
        method = self._method(event)
        await self._check_signature(event, request.headers)
        if method.category is Category.CONNECTIONS:
            return await self._connection(method, event, request)
        return await self._message(method, event, request, protocol)

    def _method(self, event: UpstreamEvent) -> HubMethod:
        if event.hub.lower() == self._hub.hub_name.lower():
            for (category, name), method in self._methods.items():
                if (category, name) == (event.category.lower(), event.event.lower()):
                    return method
        known = ", ".join(f"{category}/{name}" for category, name in self._methods) or "none"
        raise _RefusedError(
            HTTPStatus.NOT_FOUND,
            f"nothing listens to hub {event.hub!r}, category {event.category!r}, event {event.event!r}; "
            f"there are {known}",
        )

    async def _check_signature(self, event: UpstreamEvent, headers: Mapping[str, str]) -> None:
        setting = self._hub.connection_setting
        connection = service_connection(setting)
        if not await connection.is_signed(event.connection_id, headers.get(SIGNATURE_HEADER) or ""):
            raise _RefusedError(
                HTTPStatus.UNAUTHORIZED,
                f"its {SIGNATURE_HEADER} fits no access key of the setting {setting}",
            )

    async def _connection(
        self, method: HubMethod, event: UpstreamEvent, request: func.HttpRequest
    ) -> func.HttpResponse:
        invocation = _invocation(event, request, error=_close_error(request.get_body()))
        try:
            await self._hub._dispatch(method, invocation)
        except HubException as error:
            _log.warning("%s of connection %s: %s", method.event, event.connection_id, error)
            return func.HttpResponse(status_code=HTTPStatus.FORBIDDEN.value)
        except Exception:  # noqa: BLE001 - the answer is the extension's, whatever it was
            _log.exception("%s failed", method.event)
            return func.HttpResponse(status_code=HTTPStatus.FORBIDDEN.value)
        return func.HttpResponse(status_code=HTTPStatus.OK.value)

    async def _message(
        self, method: HubMethod, event: UpstreamEvent, request: func.HttpRequest, protocol: BodyFormat
    ) -> func.HttpResponse:
        try:
            message = protocol.parse(request.get_body())
        except ProtocolError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
        if not isinstance(message, Invocation) or message.target.lower() != method.event.lower():
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"its body is no invocation of {method.event}")
        invocation = _invocation(event, request, arguments=message.arguments)
        id = message.invocation_id
        try:
            result = await self._hub._dispatch(method, invocation)
            # What a method returns may be nothing that the protocol can carry.
            with answering_client(method.event):
                value = to_builtins(result, binary=protocol.has_binary)
                body = protocol.encode(Completion(id or "", value))
        except HubException as error:
            body = protocol.encode(Completion(id or "", error=str(error)))
        if id is None:
            return func.HttpResponse(status_code=HTTPStatus.OK.value)
        return func.HttpResponse(body, mimetype="application/octet-stream")


def _invocation(
    event: UpstreamEvent,
    request: func.HttpRequest,
    *,
    arguments: list[Any] | None = None,
    error: str | None = None,
) -> SignalRInvocationContext:
    query: dict[str, str] = {}
    for name, value in parse_qsl(event.query.lstrip("?"), keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    return SignalRInvocationContext(
        hub=event.hub,
        category=event.category,
        event=event.event,
        connection_id=event.connection_id,
        user_id=event.user_id,
        arguments=arguments or [],
        error=error,
        headers=dict(request.headers),
        query=query,
        claims=event.claims,
    )


def _close_error(body: bytes) -> str | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    members = {name.lower(): item for name, item in value.items()} if isinstance(value, dict) else {}
    error = members.get("error")
    return error if isinstance(error, str) and error else None
