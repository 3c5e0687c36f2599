"""The run of a function: its inputs from the worker, and its outputs, which the host sends."""

import asyncio
import inspect
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.decorators.function_app import Function

from serverless_signalr._models.negotiation import SignalRConnectionInfo
from serverless_signalr._rest.substitute import substituted
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr._testing.functions import bindings, hub_of
from serverless_signalr._testing.service import FakeService
from serverless_signalr.rest import ServiceClient

__all__ = ["Run", "run_against"]

_EXPRESSION = re.compile(r"\{([^{}]+)\}|%([^%]+)%")


class _Out(func.Out[Any]):
    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


@dataclass(frozen=True, slots=True)
class Run:
    """The return value of a function, and the values of outputs other than SignalR's, by name."""

    result: Any
    outputs: Mapping[str, Any]


async def _run(
    function: Function,
    trigger: object,
    service: FakeService,
    *,
    data: Mapping[str, object],
    inputs: Mapping[str, object],
) -> Run:
    """Run a function as the worker does, and send its SignalR outputs as the host does.

    ``data`` has the values of binding expressions. ``inputs`` has the values of other input bindings.
    """
    values: dict[str, Any] = {_name(function.get_trigger()): trigger}
    outs: dict[str, tuple[Any, _Out]] = {}
    for binding in bindings(function):
        name, kind = _name(binding), str(binding.type).lower()
        if name == "$return" or kind == "http":
            continue
        if kind in ("signalrconnectioninfo", "signalrnegotiation", "signalrendpoints"):
            values[name] = _input(kind, binding, service, data)
        elif _is_output(binding):
            outs[name] = binding, _Out()
            values[name] = outs[name][1]
        elif name in inputs:
            values[name] = inputs[name]
        else:
            raise LookupError(
                f"the function {function.get_function_name()} reads the binding {name} ({binding.type}): "
                f"pass its value with inputs={{{name!r}: …}}"
            )
    called: Any = function.get_user_function()
    if inspect.iscoroutinefunction(called):
        result = await called(**values)
    else:
        result = await asyncio.to_thread(called, **values)
    outputs: dict[str, Any] = {}
    for name, (binding, out) in outs.items():
        if str(binding.type).lower() == "signalr":
            await _send(out.get(), hub_of(binding), service)
        else:
            outputs[name] = out.get()
    for binding in bindings(function):
        if _name(binding) == "$return" and str(binding.type).lower() == "signalr":
            await _send(result, hub_of(binding), service)
            result = None
    return Run(result, outputs)


async def run_against(
    function: Function,
    trigger: object,
    service: FakeService,
    data: Mapping[str, object],
    inputs: Mapping[str, object] | None,
) -> Run:
    """Run a function with a FakeService instead of the service."""
    with substituted(service):
        return await _run(function, trigger, service, data=data, inputs=inputs or {})


def _name(binding: Any) -> str:
    return str(binding.name)


def _is_output(binding: Any) -> bool:
    # azure-functions numbers the directions: IN 0, OUT 1, INOUT 2.
    return int(getattr(binding.direction, "value", binding.direction)) > 0


def _input(kind: str, binding: Any, service: FakeService, data: Mapping[str, object]) -> str:
    endpoint = service.endpoint
    shown = {
        "endpointType": endpoint.type,
        "name": endpoint.name,
        "endpoint": endpoint.url,
        "online": True,
    }
    if kind == "signalrendpoints":
        return json.dumps([shown])
    hub = hub_of(binding)
    found = getattr(binding, "user_id", None) or getattr(binding, "userId", None)
    user_id = None if found is None else _evaluate(str(found), data)
    info = SignalRConnectionInfo(
        endpoint.client_hub_url(hub), sign_client_token(endpoint, hub, user_id=user_id or None)
    )
    if kind == "signalrconnectioninfo":
        return info.to_json()
    return json.dumps({"endpoints": [{**shown, "connectionInfo": json.loads(info.to_json())}]})


def _evaluate(text: str, data: Mapping[str, object]) -> str:
    def value(found: re.Match[str]) -> str:
        if found[2] is not None:
            return os.environ.get(found[2], "")
        here: Any = data
        for part in found[1].split("."):
            members = {name.lower(): item for name, item in here.items()} if isinstance(here, Mapping) else {}
            if part.lower() not in members:
                raise LookupError(
                    f"the binding expression {found[0]} names a value that is missing, so the host would "
                    "fail the invocation"
                )
            here = members[part.lower()]
        return str(here)

    return _EXPRESSION.sub(value, text)


async def _send(value: Any, hub: str, service: FakeService) -> None:
    """Send the items of a SignalR output one by one."""
    if value is None:
        return
    items = json.loads(value) if isinstance(value, str | bytes) else value
    client = ServiceClient.over(service.sender(hub), max_parallel=1)
    for item in [items] if isinstance(items, dict) else items:
        await _send_one(client, {name.lower(): found for name, found in item.items()})


async def _send_one(client: ServiceClient, item: dict[str, Any]) -> None:
    connection_id, user_id, group_name = (
        item.get(name) or None for name in ("connectionid", "userid", "groupname")
    )
    match str(item["action"]).lower() if item.get("action") is not None else None:
        case None:
            target, arguments = item["target"], item.get("arguments") or []
            if connection_id is not None:
                await client.send_to_connection(connection_id, target, *arguments)
            elif user_id is not None:
                await client.send_to_user(user_id, target, *arguments)
            elif group_name is not None:
                await client.send_to_group(group_name, target, *arguments)
            else:
                await client.send_to_all(target, *arguments)
        case "add" if connection_id is not None:
            await client.add_connection_to_group(group_name or "", connection_id=connection_id)
        case "add":
            await client.add_user_to_group(group_name or "", user_id=user_id or "")
        case "remove" if connection_id is not None:
            await client.remove_connection_from_group(group_name or "", connection_id=connection_id)
        case "remove":
            await client.remove_user_from_group(group_name or "", user_id=user_id or "")
        case "removeall":
            await client.remove_user_from_all_groups(user_id=user_id or "")
        case other:
            raise ValueError(f"the group action is {other!r}, expected add, remove or removeAll")
