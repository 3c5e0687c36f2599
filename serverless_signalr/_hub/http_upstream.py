"""A hub's events through one HTTP function, for where the host's own webhook cannot be used.

The service calls the function as it would call the webhook of the SignalR extension. The answers are the
extension's, except for errors: a client receives exactly the sentence that the hub chose. Source:
https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import json
import logging
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import azure.functions as func

from serverless_signalr._functions.answers import answering_client, hub_exception
from serverless_signalr._hub.methods import HubMethod
from serverless_signalr._hub.served import ServedHub
from serverless_signalr._invocation import current_invocation, running_as
from serverless_signalr.bindings import Blueprint
from serverless_signalr.connection import ServiceConnection, service_connection
from serverless_signalr.errors import HubException
from serverless_signalr.models import SignalRInvocationContext
from serverless_signalr.protocol.bodies import BODY_FORMATS, BodyFormat
from serverless_signalr.protocol.mappings import CaseInsensitiveMapping
from serverless_signalr.protocol.messages import Completion, Invocation, ProtocolError
from serverless_signalr.protocol.upstream import (
    CONNECTED,
    CONNECTION_ID_HEADER,
    SIGNATURE_HEADER,
    Category,
    UpstreamEvent,
)
from serverless_signalr.protocol.values import to_builtins

__all__ = ["add_upstream"]

_log = logging.getLogger("serverless_signalr")


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def add_upstream(blueprint: Blueprint, hub: ServedHub, name: str, route: str) -> None:
    """Add the HTTP function that receives a hub's events.

    It is anonymous: the signature protects it, which the service makes with the access key. Where an identity
    opens the service, the service signs with keys that the app does not know, and every event is refused.
    """
    receiver = _Receiver(hub)

    async def upstream(req: func.HttpRequest) -> func.HttpResponse:
        try:
            with running_as(current_invocation()):
                return await receiver.answer(req)
        except _RefusedError as refused:
            _log.warning("an upstream request for the hub %s was refused: %s", hub.hub_name, refused)
            return func.HttpResponse(status_code=refused.status.value)

    upstream.__name__ = upstream.__qualname__ = name
    upstream.__doc__ = f"Receive the events of the hub {hub.hub_name}."
    # By this serverless_signalr.testing finds where the events of a hub go.
    vars(upstream)["signalr_upstream"] = hub.hub_name
    decorate = blueprint.route(route=route, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    decorate(upstream)


class _Receiver:
    def __init__(self, hub: ServedHub) -> None:
        self._hub = hub
        self._methods = {(method.category.value, method.event.lower()): method for method in hub._methods}

    @cached_property
    def _service(self) -> ServiceConnection:
        return service_connection(self._hub.connection_setting)

    async def answer(self, request: func.HttpRequest) -> func.HttpResponse:
        # Whoever cannot sign gets the same answer to everything, and learns of no hub and no method.
        await self._check_signature(request.headers)
        protocol = self._protocol(request.headers)
        try:
            event = UpstreamEvent.from_headers(request.headers)
        except ValueError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
        method = self._method(event)
        if method.category is Category.CONNECTIONS:
            return await self._connection(method, event, request)
        return await self._message(method, event, request, protocol)

    async def _check_signature(self, headers: Mapping[str, str]) -> None:
        connection_id, signature = headers.get(CONNECTION_ID_HEADER), headers.get(SIGNATURE_HEADER)
        if not connection_id or not signature:
            raise _RefusedError(
                HTTPStatus.UNAUTHORIZED,
                f"it has no {SIGNATURE_HEADER if connection_id else CONNECTION_ID_HEADER} header",
            )
        if not await self._service.is_signed(connection_id, signature):
            raise _RefusedError(
                HTTPStatus.UNAUTHORIZED,
                f"its {SIGNATURE_HEADER} fits no access key of the setting {self._hub.connection_setting}",
            )

    def _protocol(self, headers: Mapping[str, str]) -> BodyFormat:
        content_type = (headers.get("content-type") or "").partition(";")[0].strip().lower()
        protocol = BODY_FORMATS.get(content_type)
        if protocol is None:
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"its content type is {content_type!r}")
        return protocol

    def _method(self, event: UpstreamEvent) -> HubMethod:
        method = self._methods.get((event.category.lower(), event.event.lower()))
        if method is not None and event.hub.lower() == self._hub.hub_name.lower():
            return method
        known = ", ".join(f"{category}/{name}" for category, name in self._methods) or "none"
        raise _RefusedError(
            HTTPStatus.NOT_FOUND,
            f"nothing listens to hub {event.hub!r}, category {event.category!r}, event {event.event!r}; "
            f"there are {known}",
        )

    async def _connection(
        self, method: HubMethod, event: UpstreamEvent, request: func.HttpRequest
    ) -> func.HttpResponse:
        invocation = _invocation(event, request, error=_close_error(request.get_body()))
        try:
            await method.run(self._hub, invocation, self._hub.filters)
        except Exception as error:  # noqa: BLE001 - the answer is the extension's, whatever it was
            if (refusal := hub_exception(error)) is None:
                _log.exception("%s failed", method.event)
            else:
                _log.warning("%s of connection %s: %s", method.event, event.connection_id, refusal)
        else:
            return func.HttpResponse(status_code=HTTPStatus.OK.value)
        # There is nobody left to refuse once a connection has ended.
        status = HTTPStatus.FORBIDDEN if method.event == CONNECTED else HTTPStatus.OK
        return func.HttpResponse(status_code=status.value)

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
            # A method may return what the protocol cannot carry, so encoding is part of the call.
            with answering_client(method.event):
                result = await method.run(self._hub, invocation, self._hub.filters)
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
    query = parse_qsl(event.query.lstrip("?"), keep_blank_values=True)
    return SignalRInvocationContext(
        hub=event.hub,
        category=event.category,
        event=event.event,
        connection_id=event.connection_id,
        user_id=event.user_id,
        arguments=arguments or [],
        error=error,
        headers=request.headers,
        query=CaseInsensitiveMapping(query),
        claims=event.claims,
    )


def _close_error(body: bytes) -> str | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    members = {name.lower(): item for name, item in value.items()} if isinstance(value, dict) else {}
    error = members.get("error")
    return error if isinstance(error, str) and error else None
