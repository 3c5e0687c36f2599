"""The operations of the REST API, on a FakeHub."""

import inspect
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from serverless_signalr._rest.lists import list_items
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.responses import Response, refusal
from serverless_signalr._rest.tokens import sign_client_token
from serverless_signalr._testing.hub import FakeConnection, FakeHub
from serverless_signalr._testing.refreshing import connection_claims, refresh_authentication
from serverless_signalr._testing.sent import Closed, GroupAction, Message, Recipient, StreamItem
from serverless_signalr.endpoint import Endpoint

__all__ = ["FakeSender"]

_ADDRESSEES = {"connections": "connection", "users": "user", "groups": "group"}


class FakeSender:
    """A sender that carries out operations on a FakeHub, and responds as the service does."""

    def __init__(
        self, hub: FakeHub, endpoint: Endpoint, next_fault: Callable[[str], Response | None]
    ) -> None:
        """Take a hub, and a function that returns the next fault, or None if there is none."""
        self._hub = hub
        self._endpoint = endpoint
        self._next_fault = next_fault

    async def run(self, operation: Operation, timeout: timedelta | None = None) -> Response:  # noqa: ARG002
        """Return the response of the service. Raise the ServiceError for its status if it is not valid."""
        response = self._next_fault(self._hub.name) or await self._answer(operation)
        if response.status >= 300 and not operation.accepts(response):
            path = f"/api/hubs/{self._hub.name.lower()}{operation.path}"
            raise refusal(f"{operation.method} {path}", response, is_identity=False)
        return response

    async def is_healthy(self) -> bool:
        """Tell whether the service is healthy, which it is unless a fault is pending."""
        fault = self._next_fault(self._hub.name)
        return fault is None or fault.status < 500

    def items(self, path: str, top: int | None, page_size: int | None) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the items of a list."""
        return list_items(self.run, path, top, page_size)

    async def aclose(self) -> None:
        """Do nothing, because there is no socket."""

    async def _answer(self, operation: Operation) -> Response:
        hub = self._hub
        parts = [unquote(part) for part in operation.path.strip("/").split("/") if part]
        query = dict(operation.query)
        excluded = tuple(value for name, value in operation.query if name == "excluded")
        match operation.method, parts:
            case "POST", [*to, ":send"] if "streams" not in to:
                body = json.loads(operation.body or b"{}")
                hub.send(
                    Message(
                        body["target"],
                        *body["arguments"],
                        excluded=excluded,
                        to=_recipient(to),
                        hub=hub.name,
                    )
                )
            case "POST", [*to, ":closeConnections"]:
                hub.close(Closed(_recipient(to), query.get("reason"), excluded, hub.name))
            case "POST", ["connections", ":refreshAuth"]:
                return refresh_authentication(hub, json.loads(operation.body or b"{}"))
            case "QUERY", ["connections", "claims"]:
                return connection_claims(hub, json.loads(operation.body or b"{}"))
            case "POST", ["connections", id, ":invoke"]:
                return await self._invoke(id, json.loads(operation.body or b"{}"))
            case "POST", ["connections", id, "streams", stream, ":send"]:
                item = json.loads(operation.body or b"null")
                hub.stream(StreamItem(id, stream, item, hub=hub.name))
                if query.get("completed") == "true":
                    hub.stream(StreamItem(id, stream, is_end=True, hub=hub.name))
            case "POST", ["connections", id, "streams", stream, ":complete"]:
                hub.stream(StreamItem(id, stream, is_end=True, error=query.get("error"), hub=hub.name))
            case "POST", [":execute"]:
                self._execute(json.loads(operation.body or b"[]"), query.get("filter"))
            case "POST", [":generateToken"]:
                lifetime = timedelta(minutes=int(query["minutesToExpire"]))
                token = sign_client_token(
                    self._endpoint, hub.name, user_id=query.get("userId"), lifetime=lifetime
                )
                return _response(body={"token": token})
            case "DELETE", ["connections", id]:
                if id not in hub.connections:
                    return _response(404, "Warning.Connection.NotExisted")
                hub.close(Closed(Recipient("connection", id), query.get("reason"), hub=hub.name))
            case ("PUT" | "DELETE") as method, ["groups", group, "connections", id]:
                hub.change(
                    GroupAction("add" if method == "PUT" else "remove", group, connection_id=id, hub=hub.name)
                )
                if id not in hub.connections:
                    return _response(404, "Error.Connection.NotExisted")
            case ("PUT" | "DELETE") as method, ["users", user, "groups", group]:
                ttl = timedelta(seconds=int(query["ttl"])) if "ttl" in query else None
                hub.change(
                    GroupAction(
                        "add" if method == "PUT" else "remove", group, user_id=user, ttl=ttl, hub=hub.name
                    )
                )
            case "DELETE", ["users", user, "groups"]:
                hub.change(GroupAction("remove", None, user_id=user, hub=hub.name))
            case "DELETE", ["connections", id, "groups"]:
                hub.change(GroupAction("remove", None, connection_id=id, hub=hub.name))
            case "HEAD", ["users", user, "groups", group]:
                return _found(hub.has_user(user, group), "Info.User.NotInGroup")
            case "HEAD", [kind, _] if kind in _ADDRESSEES:
                name = _ADDRESSEES[kind].capitalize()
                return _found(bool(hub.members(_recipient(parts))), f"Warning.{name}.NotExisted")
            case "GET", ["groups", group, "connections"]:
                members = hub.members(Recipient("group", group))
                top = int(query.get("top", len(members)))
                return _response(body={"value": [_listed(each) for each in members[:top]]})
            case _:
                raise NotImplementedError(
                    f"FakeService does not support the operation {operation.method} {operation.path}"
                )
        return _response(202)

    async def _invoke(self, connection_id: str, body: dict[str, Any]) -> Response:
        hub, target, arguments = self._hub, body["target"], body["arguments"]
        connection = hub.connections.get(connection_id)
        if connection is None:
            return _response(404, "Error.Connection.NotExisted")
        to = Recipient("connection", connection_id)
        hub.send(Message(target, *arguments, to=to, hub=hub.name))
        if target not in connection.answers:
            raise LookupError(
                f"the connection {connection_id!r} was asked for {target}, but has no answer: set one with "
                f"connection.answer({target!r}, …)"
            )
        answer = connection.answers[target]
        try:
            value = answer(*arguments) if callable(answer) else answer
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:  # noqa: BLE001 - the client's error
            return _response(400, "Error.Client.Invocation", {"message": str(error)})
        return _response(body={"result": value})

    def _execute(self, commands: list[dict[str, Any]], filter: str | None) -> None:
        if filter is not None:
            raise NotImplementedError(
                "FakeService does not evaluate filters: test execute(…, filter=…) with signalr_local.testing"
            )
        hub = self._hub
        for command in commands:
            for id in list(hub.connections):
                to = Recipient("connection", id)
                match command["type"]:
                    case "SendMessage":
                        body = command["message"]
                        hub.send(Message(body["target"], *body["arguments"], to=to, hub=hub.name))
                    case "JoinGroup":
                        hub.change(GroupAction("add", command["group"], connection_id=id, hub=hub.name))
                    case "LeaveGroup":
                        hub.change(GroupAction("remove", command["group"], connection_id=id, hub=hub.name))
                    case "CloseConnection":
                        hub.close(Closed(to, command.get("reason"), hub=hub.name))


def _recipient(parts: list[str]) -> Recipient:
    match parts:
        case []:
            return Recipient("all")
        case ["connections", name]:
            return Recipient("connection", name)
        case ["users", name]:
            return Recipient("user", name)
        case ["groups", name]:
            return Recipient("group", name)
        case _:
            raise NotImplementedError(f"FakeService does not support the path /{'/'.join(parts)}")


def _listed(connection: FakeConnection) -> dict[str, str]:
    found = {"connectionId": connection.id}
    return found if connection.user_id is None else found | {"userId": connection.user_id}


def _found(is_there: bool, absent: str) -> Response:
    return _response(200) if is_there else _response(404, absent)


def _response(status: int = 200, error: str | None = None, body: object = None) -> Response:
    headers = {} if error is None else {"x-ms-error-code": error}
    # Errors show the request id; its form does not matter.
    id = re.sub("-", "", str(uuid4()))[:16] if error else ""
    return Response(status, headers, b"" if body is None else json.dumps(body).encode(), id)
