"""The REST API beside the service's own descriptions: each operation, parameter and answer in them."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgpack
import pytest

from serverless_signalr.protocol.messages import Invocation
from signalr_local.emulator.operations import OPERATIONS
from signalr_local.emulator.protocols import JSON, PROTOCOLS
from signalr_local.emulator.versions import API_VERSIONS

FOLDER = Path(__file__).parent / "openapi"

DESCRIBED = ("1.0", "2022-06-01", "2024-12-01")
"""The versions whose descriptions these are; parameters are checked in these alone."""

DERIVED = [version for version in API_VERSIONS if version != "2022-06-01"]
"""The versions that are described by the operations of 2024-12-01, as far as they had come by then."""

SINCE = {"HubProxyV20221101": "2022-11-01", "HubProxyV20230701": "2023-07-01", "Auth": "2023-07-01"}
SINCE |= {"HubProxyV20241201": "2024-12-01"}

JSON_TYPE = "application/json"

STRICTER = {
    # A group of this name cannot have members: no description lets a connection or a user into it.
    ("post", "groups/{group}/:send"),
    ("delete", "groups/{group}/connections/{connectionId}"),
}
"""Operations whose description allows a blank group that the emulator refuses."""

NOT_404 = {("2022-06-01", "delete", "groups/{group}/connections/{connectionId}")}
"""Where a description has a 404 that the service does not give, as the tests of Microsoft's SDK show."""

BEYOND = {
    ("POST", "connections/:refreshAuth"),
    ("QUERY", "connections/claims"),
    ("POST", "connections/claims"),
    # What the official emulator and the SDKs use beside the descriptions.
    ("GET", "users/{user}/groups/{group}"),
    ("PUT", "connections/{connection}/groups/{group}"),
    ("DELETE", "connections/{connection}/groups/{group}"),
}
"""Operations of the emulator that no description has."""


@dataclass(frozen=True)
class Described:
    """One operation of a description, for one version of the API."""

    version: str
    method: str
    path: str
    parameters: tuple[Mapping[str, Any], ...]
    has_body: bool
    consumes: tuple[str, ...]
    responses: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.version} {self.method.upper()} {self.below_hub or self.path}"

    @property
    def below_hub(self) -> str:
        return self.path.partition("{hub}/")[2]

    @property
    def is_for_everybody(self) -> bool:
        return self.path.endswith("/health")

    @property
    def successes(self) -> set[int]:
        return {int(status) for status in self.responses if status.startswith("2")}

    @property
    def body(self) -> object:
        if self.path.endswith(":execute"):
            return [{"type": "SendMessage", "message": {"target": "m", "arguments": [1]}}]
        return {"target": "m", "arguments": [1]}


def described() -> Iterator[Described]:
    for version in ("1.0", "2022-06-01"):
        description = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
        for path, operations in description["paths"].items():
            for method, operation in operations.items():
                parameters = operation.get("parameters", ())
                body = "requestBody" in operation or any(one["in"] == "body" for one in parameters)
                consumes = operation.get("consumes") or operation.get("requestBody", {}).get("content", ())
                yield Described(
                    version,
                    method,
                    path,
                    tuple({**one, **one.get("schema", {})} for one in parameters if one["in"] != "body"),
                    body,
                    tuple(consumes),
                    operation["responses"],
                )
    for operation in json.loads((FOLDER / "2024-12-01.json").read_text(encoding="utf-8")):
        is_stream = operation["path"].endswith("/streams/{streamId}/:send")
        for version in DERIVED:
            if version >= SINCE.get(operation["operationId"].partition("_")[0], ""):
                yield Described(
                    version,
                    operation["method"],
                    operation["path"],
                    tuple(operation["parameters"]),
                    operation["body"] is not None or is_stream,
                    tuple(operation["consumes"]) or ((JSON_TYPE,) if is_stream else ()),
                    operation["responses"],
                )


ALL = list(described())
WITH_TOKEN = [one for one in ALL if not one.is_for_everybody]
WITH_BODY = [one for one in ALL if one.has_body]


@dataclass
class Asked:
    """A request for a described operation that is valid until something in it is replaced."""

    operation: Described
    names: dict[str, str]
    query: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    content_type: str | None = None

    def replace(self, parameter: Mapping[str, Any], value: str) -> None:
        if parameter["in"] == "path":
            self.names[parameter["name"]] = value
        else:
            self.query = [(name, old) for name, old in self.query if name != parameter["name"]]
            self.query.append((parameter["name"], value))

    async def send(self, service: Any, *, has_token: bool = True, method: str | None = None) -> Any:
        path = self.operation.path
        for name, value in self.names.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        headers = {"Authorization": f"Bearer {service.server_token(path)}"} if has_token else {}
        if self.content_type is not None:
            headers["Content-Type"] = self.content_type
        method = (method or self.operation.method).upper()
        query = f"?{urlencode(self.query)}" if self.query else ""
        return await service.request(method, path + query, headers=headers, data=self.body, bare=True)


@dataclass
class Scene:
    """A hub with one connection, of the user ann, who is in the group g; it answers when it is asked."""

    service: Any
    connection_id: str

    def ask(self, operation: Described, *, somebody: bool = True) -> Asked:
        user, group = ("ann", "g") if somebody else ("nobody", "none")
        names = {"hub": "chat", "group": group, "user": user, "id": user, "streamId": "s"}
        names["connectionId"] = self.connection_id if somebody else "gone"
        query = [] if operation.version == "1.0" else [("api-version", operation.version)]
        if not operation.has_body:
            return Asked(operation, names, query)
        return Asked(operation, names, query, json.dumps(operation.body).encode(), JSON_TYPE)


@pytest.fixture
async def scene(service: Any) -> Any:
    client = await service.connect("ann")
    service.emulator._hubs["chat"].add_user_to_group("ann", "g")
    # An application's hub has the same people.
    service.emulator._hubs["app_chat"].add(service.emulator._hubs["chat"].connections[client.connection_id])

    async def answer() -> None:
        while True:
            message = json.loads(await client.next_frame())
            if "invocationId" in message and message["type"] == 1:
                await client.send({"type": 3, "invocationId": message["invocationId"], "result": 1})

    answering = asyncio.create_task(answer())
    yield Scene(service, client.connection_id)
    answering.cancel()
    await asyncio.gather(answering, return_exceptions=True)


def is_error_detail(reply: Any, operation: Described) -> bool:
    if operation.method == "head" or operation.version == "1.0":
        return True
    detail: dict[str, object] = reply.json()
    return {"code", "message"} <= detail.keys() <= {"code", "message", "target", "details", "inner"}


@pytest.mark.parametrize("operation", ALL, ids=str)
async def test_a_valid_request_is_answered_as_described(scene: Any, operation: Described) -> None:
    reply = await scene.ask(operation).send(scene.service)
    assert reply.status in operation.successes
    match operation.responses[str(reply.status)]:
        case "ClientTokenResponse":
            assert reply.json()["token"].count(".") == 2
        case "AccessKeyResponse":
            assert reply.json().keys() == {"AccessKey", "KeyId"}
        case "GroupMemberPagedValues":
            assert reply.json() == {"value": [{"connectionId": scene.connection_id, "userId": "ann"}]}
        case "ClientInvocationResponse":
            assert reply.json() == {"result": 1}
        case _:
            assert reply.body == b""


@pytest.mark.parametrize("operation", ALL, ids=str)
async def test_what_is_not_there_is_404_where_that_is_described(scene: Any, operation: Described) -> None:
    reply = await scene.ask(operation, somebody=False).send(scene.service)
    key = (operation.version, operation.method, operation.below_hub)
    if "404" in operation.responses and key not in NOT_404:
        assert reply.status == 404
        level, scope, kind = reply.headers["x-ms-error-code"].split(".")
        assert level in ("Info", "Warning", "Error")
        assert scope in ("Connection", "User", "Group")
        assert kind in ("NotExisted", "NotInGroup")
    elif reply.status not in operation.successes:
        assert "default" in operation.responses
        assert (reply.status, reply.headers["x-ms-error-code"].split(".")[1]) == (404, "Connection")


@pytest.mark.parametrize("operation", WITH_TOKEN, ids=str)
async def test_a_request_without_a_token_is_401(scene: Any, operation: Described) -> None:
    assert (await scene.ask(operation).send(scene.service, has_token=False)).status == 401


@pytest.mark.parametrize("value", [None, "", "2021-01-01", "x"])
@pytest.mark.parametrize("operation", [one for one in WITH_TOKEN if one.version in DESCRIBED[1:]], ids=str)
async def test_a_version_is_required(scene: Any, operation: Described, value: str | None) -> None:
    asked = scene.ask(operation)
    asked.query = [] if value is None else [("api-version", value)]
    reply = await asked.send(scene.service)
    assert reply.status == 400
    assert is_error_detail(reply, operation)
    assert reply.headers["x-ms-error-code"] == "Error.Request.Invalid"


def values(parameter: Mapping[str, Any], operation: Described) -> Iterator[tuple[str, bool]]:
    """Return values of a parameter, each with whether it is valid."""
    name, kind, pattern = parameter["name"], parameter["type"], parameter.get("pattern") or ""
    if name in ("hub", "application"):
        yield from (
            ("1x", False),
            ("a b", False),
            ("x" * 129, False),
            ("ü", False),
            ("x" + "`,.[]_9" * 18, True),
        )
    elif pattern.startswith("^(?!") or name == "group":
        longest = 100 if name == "streamId" else 1024
        is_stricter = (operation.method, operation.below_hub) in STRICTER or operation.version == "1.0"
        assert pattern or is_stricter, "a description without a pattern is an exception that is listed"
        yield from ((" ", False), ("a\nb", False), ("x" * (longest + 1), False), ("x" * longest, True))
    elif name == "user" and operation.below_hub.endswith(":closeConnections"):
        yield from (("x" * 1025, False), ("x" * 1024, True))
    elif kind == "integer":
        least = parameter.get("minimum") or 0
        most = parameter.get("maximum") or 2**31 - 1
        yield from (
            (str(least - 1), False),
            ("x", False),
            ("1.5", False),
            ("", False),
            (str(most + 1), False),
        )
        yield from ((str(least), True), (str(most), True))
    elif kind == "boolean":
        yield from (("x", False), ("1", False), ("true", True), ("True", True), ("false", True))
    elif name == "filter":
        yield from (("startswith(userId, 'a')", True), ("", True), ("((", False))
    elif name != "api-version":
        # A text of which nothing is said may be anything.
        yield from (("ü b/c?&#%", True), (" ", True))


VALUES = [
    pytest.param(operation, parameter, value, is_valid, id=f"{operation} {parameter['name']}={value[:9]!r}")
    for operation in ALL
    if operation.version in DESCRIBED
    for parameter in operation.parameters
    for value, is_valid in values(parameter, operation)
]


@pytest.mark.parametrize(("operation", "parameter", "value", "is_valid"), VALUES)
async def test_a_parameter_is_checked_as_described(
    scene: Any, operation: Described, parameter: Mapping[str, Any], value: str, is_valid: bool
) -> None:
    asked = scene.ask(operation)
    asked.replace(parameter, value)
    reply = await asked.send(scene.service)
    if is_valid:
        assert reply.status in operation.successes | {404}
        assert reply.status != 404 or reply.headers["x-ms-error-code"]
    else:
        assert reply.status == 400
        assert is_error_detail(reply, operation)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_each_content_type_that_is_described_is_understood_and_no_other(
    scene: Any, operation: Described
) -> None:
    frames = {name: protocol.encode(Invocation("m", [1])) for name, protocol in PROTOCOLS.items()}
    bodies: dict[str, bytes] = {
        JSON_TYPE: json.dumps(operation.body).encode(),
        "application/x-msgpack": msgpack.packb(operation.body),
        "application/octet-stream": msgpack.packb(frames),
    }
    assert operation.consumes
    for content_type in operation.consumes:
        asked = scene.ask(operation)
        asked.content_type, asked.body = f"{content_type}; charset=utf-8", bodies[content_type]
        assert (await asked.send(scene.service)).status in operation.successes
    for other in (None, "text/plain", "application/x-www-form-urlencoded", "application/xml"):
        asked = scene.ask(operation)
        asked.content_type = other
        reply = await asked.send(scene.service)
        assert reply.status == 415
        assert is_error_detail(reply, operation)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"1", b'{"target":null}', b'{"target":5}', b"[{}]"])
@pytest.mark.parametrize(
    "operation", [one for one in WITH_BODY if "stream" not in one.path and one.version in DESCRIBED], ids=str
)
async def test_a_body_is_checked(scene: Any, operation: Described, body: bytes) -> None:
    asked = scene.ask(operation)
    asked.body = body
    reply = await asked.send(scene.service)
    assert reply.status == 400
    assert is_error_detail(reply, operation)


@pytest.mark.parametrize("operation", WITH_TOKEN, ids=str)
async def test_other_methods_are_405_with_those_that_are_described(scene: Any, operation: Described) -> None:
    reply = await scene.ask(operation).send(scene.service, method="PATCH")
    assert reply.status == 405
    allowed = {method.strip() for method in reply.headers["Allow"].split(",")}
    assert operation.method.upper() in allowed


def test_every_operation_of_the_emulator_is_described() -> None:
    known = {
        (one.method.upper(), one.below_hub.replace("{connectionId}", "{connection}"))
        for one in ALL
        if "{hub}" in one.path
    }
    known = {
        (method, path.replace("{streamId}", "{stream}").replace("{id}", "{user}")) for method, path in known
    }
    ours = {(method, "/".join(one.path)) for one in OPERATIONS for method in one.methods}
    assert ours - known == BEYOND
    assert known - ours == set()


def test_the_newest_description_is_that_of_its_version() -> None:
    assert JSON.name == "json"
    newest = {str(one).partition(" ")[2] for one in ALL if one.version == "2024-12-01"}
    assert {str(one).partition(" ")[2] for one in ALL if one.version == "2026-07-01"} == newest
    assert len(newest) == 26
