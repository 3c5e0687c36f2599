"""Calls of functions and hub methods, made as the service and the host make them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import azure.functions as func
from azure.functions.decorators.function_app import Function

from serverless_signalr._testing.functions import App, Functions, functions_of, hub_of
from serverless_signalr._testing.hub import FakeConnection, as_claims
from serverless_signalr._testing.run import run_against
from serverless_signalr._testing.sent import Sent
from serverless_signalr._testing.service import FakeService, service_for, with_sent
from serverless_signalr._testing.upstream import deliver_upstream
from serverless_signalr.protocol.claims import format_claims
from serverless_signalr.protocol.upstream import (
    CONNECTED,
    DISCONNECTED,
    USER_CLAIMS_HEADER,
    Category,
    UpstreamEvent,
)
from serverless_signalr.protocol.values import to_builtins

__all__ = ["Called", "call", "connect", "disconnect", "fire"]

type Claims = Mapping[str, str | Sequence[str]]


class Called(Sent):
    """The result of a function, and what the function sent while it ran."""

    def __init__(self, result: Any, outputs: Mapping[str, Any], connection: FakeConnection | None) -> None:
        super().__init__()
        self.result = result
        """The result of the client's ``invoke``, or the return value of a timer function."""
        self.outputs = outputs
        """The values of output bindings other than SignalR's, by name."""
        self._connection = connection

    @property
    def connection(self) -> FakeConnection:
        """Return the client connection that the call came from."""
        if self._connection is None:
            raise LookupError("a timer function is not called by a connection")
        return self._connection


async def call(
    app: App,
    event: str,
    *arguments: object,
    connection: FakeConnection | None = None,
    user_id: str | None = None,
    connection_id: str | None = None,
    claims: Claims | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    hub: str | None = None,
    service: FakeService | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Called:
    """Call a hub method as a client does with ``invoke``, and return the result and what was sent.

    ``app`` is a FunctionApp, a Blueprint or a hub. The call runs the same code as in production: arguments
    are bound and converted, ``@requires`` and filters apply, and outputs are sent. Raise HubException with
    the message that the client would receive, and LookupError if no function handles the event.

    The call comes from ``connection``. Without it, the call comes from the connection with the given id, else
    from the latest connection of the given user, else from a new connection. ``claims`` replace the claims of
    the connection. Calls share connections and groups inside ``with FakeService():``, or if you pass them the
    same ``service``.
    """
    functions, service = functions_of(app), service_for(service)
    function, hub_name = _listener(functions, event, hub, Category.MESSAGES)
    if connection is None:
        connection = _connection(service, hub_name, connection_id, user_id, claims)
    return await _deliver(
        functions,
        function,
        hub_name,
        event,
        Category.MESSAGES,
        connection,
        service,
        arguments=[to_builtins(argument) for argument in arguments],
        claims=claims,
        headers=headers,
        query=query,
        inputs=inputs,
    )


async def connect(
    app: App,
    *,
    user_id: str | None = None,
    connection_id: str | None = None,
    claims: Claims | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    hub: str | None = None,
    service: FakeService | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Called:
    """Connect a client and run ``connected`` if the app handles it, see ``call``.

    The result has the connection. Raise HubException if the app refuses it.
    """
    functions, service = functions_of(app), service_for(service)
    hub_name = _only_hub(functions, hub)
    connection = service.connect(hub_name, user_id=user_id, connection_id=connection_id, claims=claims)
    function = functions.event(CONNECTED, hub_name, Category.CONNECTIONS) or functions.upstream_of(hub_name)
    try:
        return await _deliver(
            functions,
            function,
            hub_name,
            CONNECTED,
            Category.CONNECTIONS,
            connection,
            service,
            headers=headers,
            query=query,
            inputs=inputs,
        )
    except Exception:
        service.hub(hub_name).disconnect(connection.id)
        raise


async def disconnect(
    app: App,
    connection: FakeConnection | None = None,
    *,
    error: str | None = None,
    user_id: str | None = None,
    connection_id: str | None = None,
    claims: Claims | None = None,
    hub: str | None = None,
    service: FakeService | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Called:
    """End a connection and run ``disconnected`` if the app handles it, see ``call``.

    ``error`` is the reason for the end, or None for a clean one. The connection is already gone when the
    function runs.
    """
    functions, service = functions_of(app), service_for(service)
    hub_name = connection.hub if connection is not None else _only_hub(functions, hub)
    if connection is None:
        connection = _connection(service, hub_name, connection_id, user_id, claims)
    service.hub(hub_name).disconnect(connection.id)
    function = functions.event(DISCONNECTED, hub_name, Category.CONNECTIONS)
    return await _deliver(
        functions,
        function or functions.upstream_of(hub_name),
        hub_name,
        DISCONNECTED,
        Category.CONNECTIONS,
        connection,
        service,
        error=error,
        claims=claims,
        inputs=inputs,
    )


async def fire(
    app: App,
    name: str,
    *,
    past_due: bool = False,
    service: FakeService | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Called:
    """Run a timer function by its name, and return its result and what it sent."""
    function, _ = functions_of(app).timer(name)
    service = service_for(service)
    count = len(service.sent)
    done = await run_against(function, _Timer(past_due), service, {}, inputs)
    return with_sent(Called(done.result, done.outputs, None), service, count)


class _Timer(func.TimerRequest):
    def __init__(self, past_due: bool) -> None:
        self.schedule_status: dict[str, Any] = {}
        self.schedule: dict[str, Any] = {}
        self._past_due = past_due

    @property
    def past_due(self) -> bool:
        return self._past_due


async def _deliver(
    functions: Functions,
    function: Function | None,
    hub: str,
    event: str,
    category: Category,
    connection: FakeConnection,
    service: FakeService,
    *,
    arguments: Sequence[object] = (),
    error: str | None = None,
    claims: Claims | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Called:
    count = len(service.sent)
    known = as_claims(claims) if claims is not None else dict(connection.claims)
    if function is None:
        return with_sent(Called(None, {}, connection), service, count)
    if function is functions.upstream_of(hub):
        upstream = UpstreamEvent(
            hub, category.value, event, connection.id, connection.user_id, known, urlencode(query or {})
        )
        result = await deliver_upstream(function, upstream, arguments, error, service, headers or {})
        return with_sent(Called(result, {}, connection), service, count)
    trigger: Any = function.get_trigger()
    context = {
        "Hub": hub,
        "Category": category.value,
        "Event": str(trigger.event),
        "ConnectionId": connection.id,
        "UserId": connection.user_id,
        "Arguments": list(arguments),
        "Error": error,
        "Query": dict(query or {}),
        "Headers": {**(headers or {}), **({USER_CLAIMS_HEADER: format_claims(known)} if known else {})},
        "Claims": {name: values[0] for name, values in known.items() if values},
    }
    data = {**context, "query": context["Query"], "headers": context["Headers"]}
    done = await run_against(function, json.dumps(context), service, data, inputs)
    return with_sent(Called(done.result, done.outputs, connection), service, count)


def _listener(functions: Functions, event: str, hub: str | None, category: str) -> tuple[Function, str]:
    found = functions.event(event, hub, category)
    if found is not None:
        return found, hub_of(found.get_trigger())
    if (upstream := functions.upstream) is not None and hub in (None, upstream[1]):
        return upstream
    known = ", ".join(functions.events) or "none"
    of_hub = f" of the hub {hub}" if hub else ""
    raise LookupError(f"no function handles the event {event}{of_hub}; the app handles {known}")


def _only_hub(functions: Functions, hub: str | None) -> str:
    if hub is not None:
        return hub
    known = functions.hubs or ([functions.upstream[1]] if functions.upstream else [])
    if len(known) != 1:
        raise LookupError(f"choose a hub with hub=…; the app has {', '.join(known) or 'none'}")
    return known[0]


def _connection(
    service: FakeService,
    hub: str,
    connection_id: str | None,
    user_id: str | None,
    claims: Claims | None,
) -> FakeConnection:
    for connection in reversed(service.connections(hub)):
        if connection_id == connection.id or (
            connection_id is None and user_id is not None and user_id == connection.user_id
        ):
            if connection_id is not None and user_id not in (None, connection.user_id):
                raise ValueError(f"{connection_id} is a connection of {connection.user_id}, not of {user_id}")
            return connection
    return service.connect(hub, user_id=user_id, connection_id=connection_id, claims=claims)
