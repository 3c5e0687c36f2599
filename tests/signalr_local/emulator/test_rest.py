"""The REST API as HTTP: paths, versions, bodies, and how a refusal looks."""

import asyncio
import gzip
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr.endpoint import Endpoint
from signalr_local.emulator import Emulator
from signalr_local.emulator.versions import API_VERSIONS

type Start = Callable[..., Any]

MESSAGE = {"target": "m", "arguments": [1]}
JSON = "application/json"


@pytest.mark.parametrize("path", ["/api/health", "/api/v1/health", "/api/health/?api-version=2022-06-01"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health_is_for_everybody(service: Any, method: str, path: str) -> None:
    assert (await service.request(method, path)).status == 200


@pytest.mark.parametrize("version", [*API_VERSIONS, None])
@pytest.mark.parametrize("path", ["", "/:send", "/%3Asend", "/"])
async def test_both_ways_of_sending_are_understood_in_every_version(
    service: Any, version: str | None, path: str
) -> None:
    client = await service.connect()
    assert (await service.rest("POST", path, version=version, message=MESSAGE)).status == 202
    assert await client.next() == {"type": 1, "target": "m", "arguments": [1]}


async def test_a_version_has_to_be_stated(service: Any) -> None:
    path = "/api/hubs/chat/:send"
    headers = {"Authorization": f"Bearer {service.server_token(path)}"}
    reply = await service.request("POST", path, headers=headers)
    assert reply.status == 400
    assert reply.json() == {
        "code": "BadRequest",
        "message": "The query parameter api-version is missing; "
        "known are 2022-06-01, 2022-11-01, 2023-07-01, 2024-12-01, 2026-07-01.",
        "target": "api-version",
    }
    assert reply.headers["x-ms-error-code"] == "Error.Request.Invalid"


async def test_a_version_has_to_be_known(service: Any) -> None:
    reply = await service.rest("POST", "/:send", version="2019-01-01", message=MESSAGE)
    assert reply.status == 400
    assert reply.json()["message"].startswith("The query parameter api-version '2019-01-01' is not known")


async def test_names_in_the_query_have_no_case(service: Any) -> None:
    client = await service.connect()
    reply = await service.rest(
        "HEAD", f"/connections/{client.connection_id}", "API-Version=2022-06-01", version=""
    )
    assert reply.status == 200


async def test_an_application_has_hubs_of_its_own(service: Any) -> None:
    client = await service.connect(hub="shop_chat")
    await service.rest("POST", "/:send", message=MESSAGE)
    reply = await service.rest("POST", "/:send", "application=Shop", message={"target": "to shop"})
    assert reply.status == 202
    assert await client.next() == {"type": 1, "target": "to shop", "arguments": []}


NAMES = ["a/b", "a%2Fb", "ä ö", "a+b&c=d?e#f", "🙂" * 512, ".", "..", ":send", "x" * 1024]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
async def test_names_may_hold_anything_and_be_very_long(service: Any, name: str) -> None:
    client = await service.connect(name if len(name) < 100 else "ann")
    encoded = quote(name, safe="").replace(".", "%2E")
    assert (await service.rest("PUT", f"/groups/{encoded}/connections/{client.connection_id}")).status == 200
    await service.send(f"/groups/{encoded}", "to the group")
    assert (await client.next())["arguments"] == ["to the group"]
    if len(name) < 100:
        await service.send(f"/users/{encoded}", "to the user")
        assert (await client.next())["arguments"] == ["to the user"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/hub", "/api/v2/hubs/chat", "/api/v1-preview/hub/chat", "/api/hubs"]
)
async def test_no_operation_is_404(service: Any, method: str, path: str) -> None:
    assert (await service.request(method, path)).status == 404


@pytest.mark.parametrize(
    "path", ["/groups", "/groups/g/members", "/groups//:send", "/users/u/groups/g/x", "/:close"]
)
async def test_an_unknown_operation_is_404_and_logged(
    service: Any, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    reply = await service.rest("POST", path, message=MESSAGE)
    assert reply.status == 404
    assert reply.json() == {"code": "NotFound", "message": "There is no such operation."}
    assert f"POST /api/hubs/chat{path} is refused (404)" in caplog.text


async def test_a_wrong_method_is_405_with_the_right_ones(service: Any) -> None:
    reply = await service.rest("PATCH", "/groups/g/connections/c")
    assert reply.status == 405
    assert reply.headers["Allow"] == "PUT, DELETE"
    assert "PATCH is not allowed here, but PUT, DELETE." in reply.text


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (JSON, 202),
        ("application/json; charset=utf-8", 202),
        ("text/plain", 415),
        ("application/xml", 415),
    ],
)
async def test_a_message_has_a_content_type_that_is_known(
    service: Any, content_type: str | None, status: int
) -> None:
    reply = await post(service, json.dumps(MESSAGE).encode(), content_type)
    assert reply.status == status
    if status == 415:
        assert reply.json()["code"] == "UnsupportedMediaType"
        assert "expected application/json or application/x-msgpack" in reply.json()["message"]


@pytest.mark.parametrize("path", ["/api/hubs/chat/:send", "/api/v1/hubs/chat"])
async def test_a_json_body_without_a_content_type_is_415_in_words(service: Any, path: str) -> None:
    reply = await post(service, json.dumps(MESSAGE).encode(), None, path)
    assert reply.status == 415
    assert (
        "The request has no content type, expected application/json or application/x-msgpack or "
        "application/octet-stream." in reply.text
    )


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/x-msgpack"])
async def test_a_json_body_that_is_called_binary_is_told_its_content_type(
    service: Any, content_type: str
) -> None:
    reply = await post(service, json.dumps(MESSAGE).encode(), content_type)
    assert reply.status == 400
    assert reply.json()["message"].endswith("A JSON body needs the content type application/json.")


async def test_a_compressed_body_is_415_and_not_decompressed(service: Any) -> None:
    body = gzip.compress(json.dumps(MESSAGE).encode())
    reply = await post(service, body, JSON, **{"Content-Encoding": "gzip"})
    assert (reply.status, reply.json()["target"]) == (415, "Content-Encoding")


@pytest.mark.parametrize(("levels", "status"), [(62, 202), (63, 400), (1000, 400)])
async def test_a_body_is_nested_no_deeper_than_net_clients_read(
    service: Any, levels: int, status: int
) -> None:
    body = b'{"target":"m","arguments":%b%b}' % (b"[" * (levels + 1), b"]" * (levels + 1))
    assert (await post(service, body, JSON)).status == status


@pytest.mark.parametrize(("levels", "status"), [(62, 202), (63, 400), (400, 400)])
async def test_a_body_in_messagepack_is_nested_no_deeper_either(
    service: Any, levels: int, status: int
) -> None:
    body = b"\x82\xa6target\xa1m\xa9arguments" + b"\x91" * levels + b"\x90"
    assert (await post(service, body, "application/x-msgpack")).status == status


async def test_a_wide_body_counts_as_flat(service: Any) -> None:
    body = json.dumps({"target": "m", "arguments": [[{}] * 500]}).encode()
    assert (await post(service, body, JSON)).status == 202


async def test_half_a_surrogate_pair_in_a_target_is_replaced(service: Any) -> None:
    client, packed = await service.connect(), await service.connect_packed()
    assert (await post(service, b'{"target":"a\\ud800"}', JSON)).status == 202
    assert (await client.next())["target"] == (await packed.next()).target == "a\ufffd"


async def test_commands_are_json_only(service: Any) -> None:
    reply = await post(service, b"[]", "application/x-msgpack", "/api/hubs/chat/:execute", "2023-07-01")
    assert (reply.status, reply.json()["target"]) == (415, "Content-Type")


@pytest.mark.parametrize(
    ("body", "message", "target"),
    [
        (b"", "Message in request body is required.", None),
        (b"  ", "Message in request body is required.", None),
        (b"{", "The request body is not valid JSON: ", None),
        (b"\xff", "The request body is not valid JSON: ", None),
        (b'{"target":"m","arguments":[NaN]}', "The request body is not valid JSON: NaN is no number", None),
        (
            b'{"target":"m","arguments":[1e999]}',
            "The request body is not valid JSON: 1e999 is no number",
            None,
        ),
        (b"[" * 100_000, "The request body is not valid JSON: ", None),
        (b"[]", "The request body must be a JSON object", None),
        (b"{}", "The Target field is required.", "target"),
        (b'{"target":""}', "The Target field is required.", "target"),
        (b'{"target":1}', "The Target field is required.", "target"),
        (b'{"target":"m","arguments":{}}', "The Arguments field must be a list.", "arguments"),
        (b'{"target":"m" /* a */}', "The request body is not valid JSON: Expecting ',' delimiter", None),
        (b"{'target':'m'}", "The request body is not valid JSON: Expecting property name", None),
        (b'{"target":"m",}', "The request body is not valid JSON: ", None),
    ],
)
async def test_a_body_that_is_no_message_is_400(
    service: Any, body: bytes, message: str, target: str | None
) -> None:
    reply = await post(service, body, JSON)
    assert reply.status == 400
    detail = reply.json()
    assert detail["code"] == "BadRequest"
    assert detail["message"].startswith(message)
    assert detail.get("target") == target
    in_v1 = await post(service, body, JSON, "/api/v1/hubs/chat")
    assert (in_v1.status, in_v1.text) == (400, detail["message"])
    assert in_v1.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(
    "body", ['{"Target":"m"}', '{"TARGET":"m","Arguments":null,"more":1}', '\ufeff{"target":"m"}']
)
async def test_a_message_may_be_spelled_in_several_ways(service: Any, body: str) -> None:
    client = await service.connect()
    assert (await post(service, body.encode(), JSON)).status == 202
    assert await client.next_frame() == '{"type":1,"target":"m","arguments":[]}'


async def test_arguments_stay_what_they_are(service: Any) -> None:
    client = await service.connect()
    arguments = ["ü🙂", 1, -1.5, 10**30, True, None, {"a": {"b": [[]]}}, "2020-01-01T00:00:00Z", "\x1e"]
    await service.send("", *arguments)
    assert (await client.next())["arguments"] == arguments


async def test_numbers_are_written_as_python_writes_them(service: Any) -> None:
    client = await service.connect()
    await post(service, b'{"target":"m","arguments":[1.10,1e3,1.0,0.12345678901234567890,-0]}', JSON)
    assert (await client.next_frame()).endswith('"arguments":[1.1,1000.0,1.0,0.12345678901234568,0]}')


async def test_a_request_line_or_header_over_32_kb_is_400(service: Any) -> None:
    long = "x" * 33 * 1024
    assert (await service.request("GET", f"/api/health?{long}")).status == 400
    assert (await service.request("GET", "/api/health", headers={"X": long})).status == 400
    assert (await service.request("GET", f"/api/health?{long[:30_000]}")).status == 200


async def test_a_body_of_1_mib_passes_and_a_larger_one_is_413(service: Any) -> None:
    client = await service.connect()
    frame = b'{"target":"m","arguments":["%s"]}'
    fill = 1024 * 1024 - len(frame) + 2
    assert (await post(service, frame % (b"x" * fill), JSON)).status == 202
    assert len((await client.next())["arguments"][0]) == fill
    reply = await post(service, frame % (b"x" * (fill + 1)), JSON)
    assert (reply.status, reply.json()["code"]) == (413, "ContentTooLarge")


async def test_a_body_without_a_length_is_413_too_when_it_is_too_large(service: Any) -> None:
    async def body() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    path = "/api/hubs/chat/:send"
    headers = {"Authorization": f"Bearer {service.server_token(path)}", "Content-Type": JSON}
    url = f"{service.url}{path}?api-version=2022-06-01"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body(), headers=headers) as response,
    ):
        assert response.status == 413


@pytest.mark.parametrize(
    ("hub", "query", "message"),
    [
        ("1chat", "", "Invalid hub name. Valid hub name should be in between 1 and 128 characters long."),
        ("a%20b", "", "Invalid hub name."),
        ("x" * 129, "", "Invalid hub name."),
        ("chat", "application=1", "Invalid value of 'application'. Valid application name should be in"),
    ],
)
async def test_names_of_hubs_and_applications_are_checked(
    service: Any, hub: str, query: str, message: str
) -> None:
    reply = await service.rest("POST", "/:send", query, hub=hub, message=MESSAGE)
    assert reply.status == 400
    assert reply.json()["message"].startswith(message)


@pytest.mark.parametrize("group", ["%20", "%20%09", "x" * 1025, "a%0Ab", "a%0A", quote("🙂" * 513)])
async def test_the_name_of_a_group_is_checked(service: Any, group: str) -> None:
    reply = await service.rest("POST", f"/groups/{group}/:send", message=MESSAGE)
    assert reply.status == 400
    assert reply.json()["message"] == (
        "Invalid group name. Valid group name should be in between 1 and 1024 characters long."
    )


async def test_a_hub_may_have_any_name_that_is_valid(service: Any) -> None:
    hub = "A_`,.[]9"
    client = await service.connect(hub=hub)
    reply = await service.rest("POST", "/:send", hub=quote(hub, safe=""), message=MESSAGE)
    assert reply.status == 202
    assert (await client.next())["target"] == "m"


async def test_a_request_without_a_token_is_401_whatever_else_is_wrong_with_it(service: Any) -> None:
    reply = await service.request("POST", "/api/hubs/1chat/:send")
    assert (reply.status, reply.text, reply.headers["WWW-Authenticate"]) == (401, "", "Bearer")


async def test_an_error_has_no_body_for_head(service: Any) -> None:
    reply = await service.rest("HEAD", "/users/ann", version="unknown")
    assert (reply.status, reply.text) == (400, "")


async def post(
    service: Any,
    body: bytes,
    content_type: str | None,
    path: str = "/api/hubs/chat/:send",
    version: str = "2022-06-01",
    **headers: str,
) -> Any:
    headers["Authorization"] = f"Bearer {service.server_token(path)}"
    if content_type is not None:
        headers["Content-Type"] = content_type
    return await service.request(
        "POST", f"{path}?api-version={version}", headers=headers, data=io.BytesIO(body), bare=True
    )


async def test_who_asks_whether_to_go_on_is_told_to(service: Any) -> None:
    path = "/api/v1/hubs/chat"
    headers = {"Authorization": f"Bearer {service.server_token(path)}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{service.url}{path}", json=MESSAGE, headers=headers, expect100=True) as response,
    ):
        assert response.status == 202


async def test_many_requests_at_once_are_all_answered(service: Any) -> None:
    client = await service.connect()
    replies = await asyncio.gather(*(service.send("", number) for number in range(200)))
    assert {reply.status for reply in replies} == {202}
    assert {(await client.next())["arguments"][0] for _ in range(200)} == set(range(200))


WORDS = ["api", "v1", "hubs", "auth", "health", "chat", "groups", "users", "connections", "streams", "claims"]
ACTIONS = [":send", ":invoke", ":execute", ":complete", ":closeConnections", ":generateToken", ":refreshAuth"]
SEGMENTS = st.sampled_from([*WORDS, *ACTIONS, "accessKey"]) | st.text(max_size=5)
PATHS = st.lists(SEGMENTS, max_size=8).map(lambda rest: ["api", "hubs", "chat", *rest]) | st.lists(SEGMENTS)
PARAMETERS = st.sampled_from(
    ["api-version", "ttl", "top", "maxpagesize", "filter", "minutesToExpire", "application"]
)
QUERIES = st.lists(
    st.tuples(PARAMETERS, st.sampled_from([*API_VERSIONS, "", "1", "-1"]) | st.text(max_size=9))
)
BODIES = st.binary(max_size=50) | st.sampled_from([b'{"target":"m"}', b"[]", b"{}", b"\x80", b"null"])
TYPES = st.sampled_from([JSON, "application/x-msgpack", "application/octet-stream", "text/plain", "", ";;"])
REQUESTS = st.tuples(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "QUERY", "OPTIONS"]),
    PATHS,
    QUERIES,
    TYPES,
    BODIES,
)

ANSWERS = {200, 202, 204, 400, 401, 404, 405, 413, 415, 501}


@settings(max_examples=15, deadline=None)
@given(requests=st.lists(REQUESTS, max_size=40))
def test_whatever_is_asked_for_is_answered(requests: list[Any], caplog_is_clean: Callable[[], bool]) -> None:
    async def ask() -> None:
        emulator = Emulator()
        await emulator.start(port=0)
        endpoint = Endpoint.parse(emulator.connection_string)
        async with aiohttp.ClientSession() as session:
            for method, segments, query, content_type, body in requests:
                path = "/" + "/".join(quote(segment, safe="") for segment in segments)
                url = URL(f"{endpoint.url}{path}", encoded=True).with_query(query)
                headers = {
                    "Authorization": f"Bearer {sign_server_token(endpoint, endpoint.url + path)}",
                    "Content-Type": content_type,
                }
                async with session.request(method, url, headers=headers, data=body) as response:
                    await response.read()
                    assert response.status in ANSWERS
        await emulator.stop()

    asyncio.run(ask())
    assert caplog_is_clean()


@pytest.fixture(scope="module")
def caplog_is_clean() -> Iterator[Callable[[], bool]]:
    """Tell whether no exception was logged."""
    seen: list[logging.LogRecord] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info or record.levelno >= logging.ERROR:
                seen.append(record)

    handler = Handler()
    logging.getLogger().addHandler(handler)
    yield lambda: not seen
    logging.getLogger().removeHandler(handler)
