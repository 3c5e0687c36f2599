"""The SignalR bindings and the trigger, held to what Microsoft's extension did."""

import base64
import hashlib
import hmac
import importlib.util
import json
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
import pytest_asyncio
from aiohttp import web

from signalr_local.emulator import DEFAULT_ACCESS_KEY
from tests.signalr_local.host.conftest import FakeService, ServiceRequest
from tests.signalr_local.host.recorded.apps import Replayed, running
from tests.signalr_local.host.recorded.cases import DATA, Case, check, load, parameters
from tests.signalr_local.host.recorded.outcomes import Outcome, compare
from tests.signalr_local.host.recorded.wire import exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

_APP = DATA / "extension" / "app"
_WEBHOOK = "/runtime/webhooks/signalr"
_FILL = "@FILL@"
_PLAIN = [["Host", "localhost"], ["Connection", "close"]]


def _names() -> ModuleType:
    """Import the app's module that names its functions after their bindings."""
    spec = importlib.util.spec_from_file_location("recorded_names", _APP / "names.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_NAMES = _names()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(
    shared_service: FakeService, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Replayed]:
    folder = tmp_path_factory.mktemp("extension") / "app"
    folder.mkdir()
    for file in _APP.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    values = {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "AzureWebJobsStorage": "",
        "SETTING_USER": "set-user",
        "HUBSET": "seth",
        "GOLDEN_DATA": str(DATA / "extension"),
        "AzureSignalRConnectionString": f"Endpoint=http://localhost;Port={shared_service.port};"
        f"AccessKey={DEFAULT_ACCESS_KEY};Version=1.0;",
    }
    (folder / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    async with running(folder) as replayed:
        assert replayed.error == ""
        yield replayed


async def _send(
    app: Replayed, method: str, target: str, headers: list[list[str]], body: bytes | None
) -> tuple[int, bytes]:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    answer = await exchange(app.port, "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
    assert isinstance(answer.status, int), answer
    return answer.status, answer.body


async def _seen(app: Replayed) -> list[str]:
    texts: list[str] = json.loads((await _send(app, "GET", "/api/seen", _PLAIN, None))[1])
    return texts


@pytest.mark.parametrize("case", parameters(load("extension/trigger")))
async def test_the_trigger_does_as_recorded(app: Replayed, case: Case) -> None:
    fill = "x" * (case.get("fill") or 0)
    body = None if case["body_base64"] is None else base64.b64decode(case["body_base64"])
    if fill and body is not None:
        body = body.replace(_FILL.encode(), fill.encode())
    await _seen(app)
    status, answer = await _send(app, case["method"], case.get("path", _WEBHOOK), case["headers"], body)
    texts = await _seen(app)
    if fill:
        answer = answer.replace(fill.encode(), _FILL.encode())
        texts = [text.replace(fill, _FILL) for text in texts]
    found = {
        "status": status,
        "body_base64": base64.b64encode(answer if status == 200 else b"").decode(),
        "seen": json.loads(texts[0]) if len(texts) == 1 else texts or None,
    }
    check(case, compare("trigger", case, found, ""))


@pytest.mark.parametrize("case", parameters(load("extension/trigger-expressions")))
async def test_expressions_of_an_event_do_as_recorded(
    app: Replayed, service: FakeService, case: Case
) -> None:
    event: str = _NAMES.expression_name(case["binding"], case["parameterNames"])
    signature = hmac.new(DEFAULT_ACCESS_KEY.encode(), b"conn-1", hashlib.sha256).hexdigest()
    headers = [
        *_PLAIN,
        ["Content-Type", "application/json"],
        ["X-ASRS-Connection-Id", "conn-1"],
        ["X-ASRS-Hub", "h"],
        ["X-ASRS-Category", "messages"],
        ["X-ASRS-Event", event],
        ["X-ASRS-Signature", f"sha256={signature}"],
        *case["headers"],
    ]
    message = {"type": 1, "invocationId": "1", "target": event, "arguments": case["arguments"]}
    status, answer = await _send(app, "POST", _WEBHOOK, headers, json.dumps(message).encode())
    completion = json.loads(answer.rstrip(b"\x1e")) if status == 200 else {}
    found: Outcome = {"ok": "result" in completion and "error" not in completion}
    if found["ok"] and case["binding"]["type"] == "signalR":
        found["requests"] = [_request(request) for request in service.requests]
    elif found["ok"]:
        token = json.loads(completion["result"])["accessToken"]
        found["userId"] = _decoded(token)["claims"].get("asrs.s.uid")
    check(case, compare("trigger-expressions", case, found, event))


@pytest.mark.parametrize("case", parameters(load("extension/output")))
async def test_an_output_sends_as_recorded(app: Replayed, service: FakeService, case: Case) -> None:
    found = await _output(app, service, case)
    check(case, compare("output", case, found, ""))


@pytest.mark.parametrize("case", parameters(load("extension/output-answers")))
async def test_an_output_takes_answers_as_recorded(app: Replayed, service: FakeService, case: Case) -> None:
    status, headers = case["answer"]["status"], case["answer"].get("headers", [])
    service.answers.extend(web.Response(status=status, headers=dict(headers)) for _ in range(8))
    found = await _output(app, service, case)
    found["requests"] = len(found["requests"])
    check(case, compare("output-answers", case, found, ""))


async def _output(app: Replayed, service: FakeService, case: Case) -> Outcome:
    fill, value = "x" * (case.get("fill") or 0), case["value"]
    if fill:
        value = {**value, "value": value["value"].replace(_FILL, fill)}
    target = f"/api/output/{_NAMES.binding_name(case['binding'])}"
    headers = [*_PLAIN, ["Content-Type", "application/json"]]
    status, answer = await _send(app, "POST", target, headers, json.dumps(value).encode())
    requests = [_request(request) for request in service.requests if "/health" not in request.path]
    if fill:
        requests = json.loads(json.dumps(requests).replace(fill, _FILL))
    return {"ok": status == 200, "error": answer.decode(), "requests": requests}


@pytest.mark.parametrize("case", parameters(load("extension/input")))
async def test_an_input_gives_as_recorded(app: Replayed, service: FakeService, case: Case) -> None:
    request, name = case["request"], _NAMES.binding_name(case["binding"])
    target = f"/api/input/{name}" + (f"?{request['query']}" if request["query"] else "")
    body = None if request["body"] is None else request["body"].encode()
    status, answer = await _send(app, request["method"], target, request["headers"], body)
    found: Outcome = {"ok": status == 200}
    if status == 200:
        found["value"] = json.loads(
            json.dumps(_with_decoded(json.loads(answer))).replace(f":{service.port}", ":<port>")
        )
    else:
        found["error"] = answer.decode()
    check(case, compare("input", case, found, name))


def _request(request: ServiceRequest) -> Outcome:
    content = json.loads(request.body) if request.body else None
    if isinstance(content, dict):
        content = {name[:1].lower() + name[1:]: value for name, value in content.items()}
    return {
        "method": request.method,
        "path": [unquote(part) for part in request.path.lstrip("/").split("/")],
        "query": dict(parse_qsl(request.query)),
        "body": content,
    }


def _with_decoded(value: Any) -> Any:
    """Return a value whose access tokens are read."""
    if isinstance(value, dict):
        return {
            name: _decoded(part) if name.lower() == "accesstoken" and part else _with_decoded(part)
            for name, part in value.items()
        }
    return [_with_decoded(part) for part in value] if isinstance(value, list) else value


def _decoded(token: str) -> Outcome:
    header, claims, _ = token.split(".")
    head, body = (
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, claims)
    )
    start = body.get("iat", body.get("nbf", 0))
    return {
        "header": head,
        "claims": {name: value for name, value in body.items() if name not in ("nbf", "exp", "iat")},
        "lifetime": body.get("exp", 0) - start,
    }
