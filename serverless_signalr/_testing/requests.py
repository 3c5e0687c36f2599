"""Requests to HTTP functions, made as the host makes them."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import azure.functions as func

from serverless_signalr._testing.environment import local_environment
from serverless_signalr._testing.functions import App, functions_of
from serverless_signalr._testing.made import principal_headers
from serverless_signalr._testing.run import run_against
from serverless_signalr._testing.sent import Sent
from serverless_signalr._testing.service import FakeService, service_for, with_sent
from serverless_signalr.principal import Principal
from serverless_signalr.protocol.values import to_builtins

__all__ = ["Response", "request"]


class Response(Sent):
    """The response of an HTTP function, and what the function sent while it ran."""

    def __init__(self, response: func.HttpResponse, outputs: Mapping[str, Any]) -> None:
        super().__init__()
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.mimetype = response.mimetype
        self.body: bytes = response.get_body()
        self.outputs = outputs

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """Return the body parsed as JSON."""
        return json.loads(self.body)


async def request(
    app: App,
    method: str,
    path: str,
    *,
    json: object = None,
    body: bytes | str = b"",
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    principal: Principal | str | None = None,
    prefix: str = "api",
    service: FakeService | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Response:
    """Send a request to an HTTP function, and return the response and what was sent.

    ``path`` is the path of the URL and may have a query: ``/api/users/ann/messages``. ``prefix`` is the route
    prefix of host.json. ``json`` is a value to send as the body. ``principal`` is the caller that App Service
    Authentication verified. No function key is needed, because only the host checks keys. While the function
    runs, the settings that tell an app that it runs on a developer's machine are set, unless they have
    values.

    Raise LookupError if no route matches. An exception of the function is raised too; in Azure, the response
    would have the status 500.
    """
    functions, service = functions_of(app), service_for(service)
    url = urlsplit(path)
    below = url.path.rstrip("/")
    if prefix and below.lower().startswith(f"/{prefix.lower()}/"):
        below = below[len(prefix) + 1 :]
    elif prefix:
        raise LookupError(f"{path} is not below /{prefix}, where functions are: call /{prefix}{path}")
    function, route_params = functions.route(method, below)
    query = dict(parse_qsl(url.query, keep_blank_values=True)) | dict(params or {})
    sent = {"host": "localhost:7071", **{name.lower(): value for name, value in (headers or {}).items()}}
    if principal is not None:
        sent |= principal_headers(principal)
    content = body.encode() if isinstance(body, str) else body
    if json is not None:
        content = _encode(json)
        sent.setdefault("content-type", "application/json")
    target = f"http://localhost:7071{url.path}" + (f"?{urlencode(query)}" if query else "")
    made = func.HttpRequest(
        method.upper(), target, headers=sent, params=query, route_params=route_params, body=content
    )
    count = len(service.sent)
    with local_environment():
        done = await run_against(
            function, made, service, {"query": query, "headers": sent, **route_params}, inputs
        )
    return with_sent(Response(_http(done.result, done.outputs), done.outputs), service, count)


def _http(result: object, outputs: Mapping[str, Any]) -> func.HttpResponse:
    found = next((item for item in outputs.values() if isinstance(item, func.HttpResponse)), result)
    match found:
        case func.HttpResponse():
            return found
        case str() | bytes():
            return func.HttpResponse(found)
        case None:
            return func.HttpResponse(status_code=204)
        case _:
            raise TypeError(f"the HTTP function returned {type(found).__name__}, expected an HttpResponse")


def _encode(value: object) -> bytes:
    return json.dumps(to_builtins(value)).encode()
