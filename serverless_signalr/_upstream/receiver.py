"""HTTP functions that receive the events of the service, for apps that cannot use the host's own webhook.

The service calls the function as it calls the webhook of the SignalR extension. The responses are those of
the extension, except for errors: a client receives exactly the message that was chosen for it. Source:
https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl

import azure.functions as func

from serverless_signalr._functions.answers import answering_client, hub_exception
from serverless_signalr._invocation import current_invocation, running_as
from serverless_signalr._models.invocation import SignalRInvocationContext
from serverless_signalr.connection import ServiceConnection, service_connection
from serverless_signalr.errors import HubException
from serverless_signalr.protocol.bodies import BODY_FORMATS, BodyFormat
from serverless_signalr.protocol.mappings import CaseInsensitiveMapping
from serverless_signalr.protocol.messages import Completion, Invocation, ProtocolError
from serverless_signalr.protocol.upstream import (
    CONNECTED,
    CONNECTION_ID_HEADER,
    HUB_HEADER,
    SIGNATURE_HEADER,
    Category,
    UpstreamEvent,
)
from serverless_signalr.protocol.values import to_builtins

__all__ = ["Listener", "Receiver", "add_receiver"]

_log = logging.getLogger("serverless_signalr")


@dataclass(frozen=True, slots=True)
class Listener:
    """The handler of one event of a hub. ``connection`` is the setting of the service that may send it."""

    hub: str
    category: str
    event: str
    connection: str
    run: Callable[[SignalRInvocationContext], Awaitable[object]]


class HasRoutes(Protocol):
    """A function app or a blueprint, to which HTTP functions can be added."""

    @property
    def route(self) -> Callable[..., Callable[..., Any]]:
        """Return the decorator of HTTP functions."""


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def add_receiver(app: HasRoutes, receiver: "Receiver", name: str, route: str) -> Callable[..., Any]:
    """Add the HTTP function that passes events to a receiver, and return it.

    Its authorization level is anonymous: the signature that the service makes with the access key protects
    it. On an identity-based connection, the service signs with keys that the app does not know, so every
    event is refused.
    """

    async def upstream(req: func.HttpRequest) -> func.HttpResponse:
        try:
            with running_as(current_invocation()):
                return await receiver.answer(req)
        except _RefusedError as refused:
            _log.warning("an upstream request for %s was refused: %s", receiver.label, refused)
            return func.HttpResponse(status_code=refused.status.value)

    upstream.__name__ = upstream.__qualname__ = name
    upstream.__doc__ = f"Receive the events of {receiver.label}."
    app.route(route=route, methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)(upstream)
    return upstream


class Receiver:
    """The dispatcher of events from one or several services to their listeners.

    ``label`` names the owner of the events in messages.
    """

    def __init__(self, label: str, listeners: Iterable[Listener]) -> None:
        self.label = label
        self._services: dict[str, ServiceConnection] = {}
        self._listeners: dict[tuple[str, str, str], Listener] = {}
        self.listen(listeners)

    def listen(self, listeners: Iterable[Listener]) -> None:
        """Replace the listeners."""
        self._listeners = {
            (item.hub.lower(), item.category.lower(), item.event.lower()): item for item in listeners
        }

    async def answer(self, request: func.HttpRequest) -> func.HttpResponse:
        """Run the listener for the event of a request, and respond as the SignalR extension does."""
        # The signature is checked first, so that unsigned requests reveal neither hubs nor methods.
        signed_by = await self._check_signature(request.headers)
        protocol = self._protocol(request.headers)
        try:
            event = UpstreamEvent.from_headers(request.headers)
        except ValueError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
        listener = self._listener(event, signed_by)
        if listener.category.lower() == Category.CONNECTIONS:
            return await self._connection(listener, event, request)
        return await self._message(listener, event, request, protocol)

    async def _check_signature(self, headers: Mapping[str, str]) -> set[str]:
        """Return the connections whose service signed a request. A service may only send its own events."""
        connection_id, signature = headers.get(CONNECTION_ID_HEADER), headers.get(SIGNATURE_HEADER)
        if not connection_id or not signature:
            raise _RefusedError(
                HTTPStatus.UNAUTHORIZED,
                f"it has no {SIGNATURE_HEADER if connection_id else CONNECTION_ID_HEADER} header",
            )
        hub = (headers.get(HUB_HEADER) or "").lower()
        every = sorted({item.connection for item in self._listeners.values()})
        of_hub = sorted({item.connection for item in self._listeners.values() if item.hub.lower() == hub})
        signed_by = set()
        for setting in of_hub or every:
            if await self._service(setting).is_signed(connection_id, signature):
                signed_by.add(setting)
        if not signed_by:
            raise _RefusedError(
                HTTPStatus.UNAUTHORIZED,
                f"its {SIGNATURE_HEADER} fits no access key of the setting {' or '.join(of_hub or every)}",
            )
        return signed_by

    def _service(self, setting: str) -> ServiceConnection:
        if setting not in self._services:
            self._services[setting] = service_connection(setting)
        return self._services[setting]

    def _protocol(self, headers: Mapping[str, str]) -> BodyFormat:
        content_type = (headers.get("content-type") or "").partition(";")[0].strip().lower()
        protocol = BODY_FORMATS.get(content_type)
        if protocol is None:
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"its content type is {content_type!r}")
        return protocol

    def _listener(self, event: UpstreamEvent, signed_by: set[str]) -> Listener:
        found = self._listeners.get((event.hub.lower(), event.category.lower(), event.event.lower()))
        if found is not None and found.connection in signed_by:
            return found
        hubs = {hub for hub, _, _ in self._listeners}
        known = ", ".join(
            f"{category}/{name}" if len(hubs) == 1 else f"{hub}/{category}/{name}"
            for hub, category, name in self._listeners
        )
        raise _RefusedError(
            HTTPStatus.NOT_FOUND,
            f"nothing listens to hub {event.hub!r}, category {event.category!r}, event {event.event!r}; "
            f"there are {known or 'none'}",
        )

    async def _connection(
        self, listener: Listener, event: UpstreamEvent, request: func.HttpRequest
    ) -> func.HttpResponse:
        invocation = _invocation(event, request, error=_close_error(request.get_body()))
        try:
            await listener.run(invocation)
        except Exception as error:  # noqa: BLE001 - the response does not depend on the error
            if (refusal := hub_exception(error)) is None:
                _log.exception("%s failed", listener.event)
            else:
                _log.warning("%s of connection %s: %s", listener.event, event.connection_id, refusal)
        else:
            return func.HttpResponse(status_code=HTTPStatus.OK.value)
        # A connection that has ended cannot be refused.
        status = HTTPStatus.FORBIDDEN if listener.event.lower() == CONNECTED else HTTPStatus.OK
        return func.HttpResponse(status_code=status.value)

    async def _message(
        self, listener: Listener, event: UpstreamEvent, request: func.HttpRequest, protocol: BodyFormat
    ) -> func.HttpResponse:
        try:
            message = protocol.parse(request.get_body())
        except ProtocolError as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None
        if not isinstance(message, Invocation) or message.target.lower() != listener.event.lower():
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"its body is no invocation of {listener.event}")
        invocation = _invocation(event, request, arguments=message.arguments)
        id = message.invocation_id
        try:
            # The return value may be impossible to encode, so encoding is part of the call.
            with answering_client(listener.event):
                result = await listener.run(invocation)
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
