"""The webhook of the SignalR trigger: where the service delivers its events.

Source: the SignalR extension's SignalRTriggerDispatcher, whose status codes are kept.
"""

import base64
import difflib
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import hdrs, web

from serverless_signalr.errors import ServiceError
from serverless_signalr.protocol.bodies import BODY_FORMATS, BodyFormat
from serverless_signalr.protocol.messages import NO_RESULT, Completion
from serverless_signalr.protocol.upstream import CONNECTED, SIGNATURE_HEADER, Category, UpstreamEvent
from signalr_local.host import newtonsoft
from signalr_local.host.binding_data import event_data, joined
from signalr_local.host.calls import close_error, read_json, read_messagepack
from signalr_local.host.completions import big_integer, encode, is_big
from signalr_local.host.functions import Function, connection_setting
from signalr_local.host.invocation import Invoker
from signalr_local.host.notes import Notes
from signalr_local.host.service import Service
from signalr_local.host.table import FunctionTable
from signalr_local.host.worker import Failure, FunctionFailedError, Result

__all__ = ["PATH", "Webhook", "takes"]

PATH = "/runtime/webhooks/signalr"

_CONTENT_HEADERS = frozenset({"allow", "expires", "last-modified"})
"""What .NET counts among the headers of the content, beside ``Content-*``: the context lacks them."""

_GENERAL_ERROR = "{event} failed on the server."

_log = logging.getLogger("signalr_local.host")


def takes(path: str) -> bool:
    """Tell whether a path is the webhook's, whose case and whose end are free."""
    lowered = path.lower()
    return lowered == PATH or lowered.startswith(f"{PATH}/")


class Webhook:
    """Run the function that listens to an event, and answer the service."""

    def __init__(
        self,
        table: FunctionTable,
        service: Service,
        invoker: Invoker,
        notes: Notes,
        *,
        keep_values: bool = False,
    ) -> None:
        self._table = table
        self._service = service
        self._invoker = invoker
        self._notes = notes
        self._keep_values = keep_values

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer one request of the service, whatever is wrong with it."""
        body_format = BODY_FORMATS.get(request.content_type)
        if body_format is None or not request.headers.get(hdrs.CONTENT_TYPE, "").startswith(
            request.content_type
        ):
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
        is_connected = event.event.lower() == CONNECTED
        context = _context(event, headers, error=None if is_connected else close_error(body))
        try:
            await self._invoke(function, context)
        except FunctionFailedError:
            if is_connected:
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
        read = read_messagepack if body_format.has_binary else read_json
        try:
            call = read(body, self._notes, keep_values=self._keep_values)
            if call.target.lower() != event.event.lower():
                raise ValueError(f"its body is no invocation of {event.event}")
        except ValueError as error:
            _log.warning("An upstream request was refused: %s.", error)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, reason="Parsing message failed")
        context = _context(event, headers, arguments=call.arguments)
        result: object = NO_RESULT
        error_text: str | None = None
        try:
            result = self._result(function, await self._invoke(function, context), body_format)
        except FunctionFailedError as error:
            error_text = _client_error(event, error.failure)
        if not call.invocation_id:
            return web.Response()
        completion = Completion(call.invocation_id, result, error_text)
        return web.Response(body=encode(body_format, event.event, completion))

    async def _invoke(self, function: Function, context: dict[str, Any]) -> Result:
        try:
            data = event_data(function.name, context, function.trigger.get("parameterNames") or ())
        except ValueError as error:
            name = function.trigger["name"]
            failure = Failure(
                "SignalRTriggerParametersNotMatchException",
                f"Exception binding parameter '{name}'",
                clean=True,
            )
            _log.error("Functions.%s was not run. %s", function.name, error)
            raise FunctionFailedError(failure) from None
        trigger = {"type": "string", "value": newtonsoft.write(context)}
        return await self._invoker.invoke(function, trigger, data, reason="(null)")

    def _result(self, function: Function, result: Result, body_format: BodyFormat) -> object:
        returned = result.returned
        if returned is None:
            return None
        value = returned["value"]
        if body_format.has_binary:
            return base64.b64decode(value) if returned["type"] == "bytes" else value
        if self._keep_values or not is_big(value):
            return value
        self._notes.say(
            "big result",
            "A result was lost, as in Azure: Functions.%s returned an integer of more than 64 bits, and the "
            "client received an object without its digits. Return it as a text, or inside a list or a dict. "
            "--keep-values leaves it, here only.",
            function.name,
        )
        return big_integer(value)

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
        events = ["/".join(item) for item in self._table.events]
        asked = f"{event.hub}/{event.category}/{event.event}".lower()
        meant = difflib.get_close_matches(asked, events, 1)
        hint = f" Did you mean {self._shown(meant[0])}?" if meant else ""
        # Not to care who comes and goes is no mistake.
        level = logging.DEBUG if event.category.lower() == Category.CONNECTIONS else logging.WARNING
        _log.log(
            level,
            "No function listens to hub '%s', category '%s', event '%s'.%s Events with a function: %s.",
            event.hub,
            event.category,
            event.event,
            hint,
            ", ".join(events) or "none",
        )

    def _shown(self, event: str) -> str:
        """Return an event as its function spells it, without the case of the table."""
        hub, category, name = event.split("/", 2)
        function = self._table.by_event(hub, category, name)
        return event if function is None else f"{hub}/{category}/{function.trigger['event']}"


def _context(
    event: UpstreamEvent,
    headers: Mapping[str, str],
    *,
    arguments: list[Any] | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """Return what the trigger's parameter receives: the extension's names, nulls included."""
    pairs = parse_qsl(event.query.lstrip("?"), keep_blank_values=True)
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
            if name.lower() not in _CONTENT_HEADERS and not name.lower().startswith("content-")
        },
        "Query": joined(pairs) if event.query else None,
        "Claims": {name: values[0] for name, values in event.claims.items()} or None,
    }


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
