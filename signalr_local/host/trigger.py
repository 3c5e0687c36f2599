"""The webhook of the SignalR trigger: where the service delivers its events.

Source: the SignalR extension's SignalRTriggerDispatcher, whose status codes are kept.
"""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from serverless_signalr.errors import ServiceError
from serverless_signalr.protocol.bodies import BODY_FORMATS, BodyFormat
from serverless_signalr.protocol.messages import Completion, Invocation, ProtocolError
from serverless_signalr.protocol.upstream import CONNECTED, SIGNATURE_HEADER, Category, UpstreamEvent
from serverless_signalr.protocol.values import to_builtins
from signalr_local.host import binding_data
from signalr_local.host.functions import Function, FunctionTable, connection_setting
from signalr_local.host.invocation import Invoker
from signalr_local.host.service import Service
from signalr_local.host.worker import Failure, FunctionFailedError

__all__ = ["PATH", "Webhook"]

PATH = "/runtime/webhooks/signalr"

_GENERAL_ERROR = "{event} failed on the server."

_log = logging.getLogger("signalr_local.host")


class Webhook:
    """Run the function that listens to an event, and answer the service."""

    def __init__(self, table: FunctionTable, service: Service, invoker: Invoker) -> None:
        self._table = table
        self._service = service
        self._invoker = invoker

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request of the service, whichever is wrong with it."""
        body_format = BODY_FORMATS.get(request.content_type)
        if body_format is None:
            _log.warning(
                "An upstream request came as %s, expected %s.",
                request.content_type,
                " or ".join(BODY_FORMATS),
            )
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            event = UpstreamEvent.from_headers(request.headers)
        except ValueError as error:
            _log.warning("An upstream request was refused: %s.", error)
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        function = self._table.by_event(event.hub, event.category, event.event)
        if function is None:
            self._log_unknown(event)
            return web.Response(status=HTTPStatus.NOT_FOUND)
        body = await request.read()
        try:
            is_signed = await self._is_signed(function, event, request.headers)
        except (ValueError, ServiceError) as error:
            _log.error("An upstream request was refused, its signature cannot be checked: %s.", error)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        if not is_signed:
            return web.Response(
                status=HTTPStatus.UNAUTHORIZED,
                reason="The request is unauthorized, please check the Signature.",
            )
        if event.category.lower() == Category.MESSAGES:
            return await self._message(function, event, request.headers, body_format, body)
        return await self._connection(function, event, request.headers, body)

    async def _connection(
        self, function: Function, event: UpstreamEvent, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        context = _context(event, headers, error=_close_error(body))
        try:
            await self._invoke(function, context)
        except FunctionFailedError:
            if event.event.lower() == CONNECTED:
                return web.Response(status=HTTPStatus.FORBIDDEN)
        return web.Response()

    async def _message(
        self,
        function: Function,
        event: UpstreamEvent,
        headers: Mapping[str, str],
        body_format: BodyFormat,
        body: bytes,
    ) -> web.Response:
        try:
            message = body_format.parse(body)
        except ProtocolError as error:
            _log.warning("An upstream request was refused: %s.", error)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="Parsing message failed")
        if not isinstance(message, Invocation) or message.target.lower() != event.event.lower():
            _log.warning("An upstream request was refused: its body is no invocation of %s.", event.event)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="Parsing message failed")
        # The function gets JSON text: what JSON has no form for becomes base64, or ISO 8601.
        try:
            arguments = to_builtins(message.arguments) if body_format.has_binary else message.arguments
        except (TypeError, ValueError) as error:
            _log.warning("An upstream request was refused: %s.", error)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="Parsing message failed")
        context = _context(event, headers, arguments=arguments)
        result: object = None
        error_text: str | None = None
        try:
            result = await self._invoke(function, context)
        except FunctionFailedError as error:
            error_text = _client_error(event, error.failure)
        if message.invocation_id is None:
            return web.Response()
        completion = Completion(message.invocation_id, result, error_text)
        try:
            body = body_format.encode(completion)
        except ProtocolError as error:
            _log.error("The result of %s cannot be sent: %s.", event.event, error)
            error_text = _GENERAL_ERROR.format(event=event.event)
            body = body_format.encode(Completion(message.invocation_id, error=error_text))
        return web.Response(body=body)

    async def _invoke(self, function: Function, context: dict[str, Any]) -> object:
        try:
            data = binding_data.of_event(context, function.trigger.get("parameterNames") or ())
        except ValueError as error:
            failure = Failure("SignalRTriggerParametersNotMatchException", str(error), clean=True)
            _log.error("Functions.%s was not run. %s", function.name, error)
            raise FunctionFailedError(failure) from None
        trigger = {"type": "string", "value": json.dumps(context, separators=(",", ":"))}
        result = await self._invoker.invoke(function, trigger, data, reason="(null)")
        return None if result.returned is None else result.returned["value"]

    async def _is_signed(self, function: Function, event: UpstreamEvent, headers: Mapping[str, str]) -> bool:
        signature = headers.get(SIGNATURE_HEADER, "")
        if await self._service.is_signed(function.trigger, event.connection_id, signature):
            return True
        _log.warning(
            "An upstream request was refused: its %s fits no access key of the setting %s. The service and "
            "the app must hold the same connection string.",
            SIGNATURE_HEADER,
            connection_setting(function.trigger),
        )
        return False

    def _log_unknown(self, event: UpstreamEvent) -> None:
        known = ", ".join("/".join(item) for item in self._table.events) or "none"
        # Not to care who comes and goes is no mistake.
        level = logging.DEBUG if event.category.lower() == Category.CONNECTIONS else logging.WARNING
        _log.log(
            level,
            "No function listens to hub '%s', category '%s', event '%s'. Events with a function: %s.",
            event.hub,
            event.category,
            event.event,
            known,
        )


def _context(
    event: UpstreamEvent,
    headers: Mapping[str, str],
    *,
    arguments: object = None,
    error: str | None = None,
) -> dict[str, Any]:
    """Return what the trigger's parameter receives: the extension's names, nulls included."""
    return {
        "Arguments": arguments,
        "Error": error,
        "Category": event.category,
        "Event": event.event,
        "Hub": event.hub,
        "ConnectionId": event.connection_id,
        "UserId": event.user_id,
        "Headers": {
            name: ",".join(headers.getall(name)) if hasattr(headers, "getall") else value
            for name, value in headers.items()
            if name.lower() not in ("content-type", "content-length")
        },
        "Query": binding_data.joined(parse_qsl(event.query.lstrip("?"), keep_blank_values=True)) or None,
        "Claims": {name: values[0] for name, values in event.claims.items()} or None,
    }


def _close_error(body: bytes) -> str | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    found = next((item for name, item in value.items() if name.lower() == "error"), None)
    return found if isinstance(found, str) and found else None


def _client_error(event: UpstreamEvent, failure: Failure) -> str:
    """Return what the caller of ``invoke`` is told: the sentence made for it, or a general one."""
    if failure.clean:
        return failure.message
    _log.warning(
        "The client was told only that %s failed. In Azure it would receive the exception and its traceback: "
        "raise serverless_signalr.HubException for an error that a client may see.",
        event.event,
    )
    return _GENERAL_ERROR.format(event=event.event)
