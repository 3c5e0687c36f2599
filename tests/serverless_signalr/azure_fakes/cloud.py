"""Azure on this machine, as far as the library asks it: its hosts under their own names, over HTTPS.

One server answers for all of them, each as its wire protocol has it; a resolver leads every name to it.
"""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import jwt
from aiohttp import abc, web

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
AUTHORITY = f"https://login.microsoftonline.com/{TENANT}"
VAULT_RESOURCE = "https://vault.azure.net"
SIGNALR_RESOURCE = "https://signalr.azure.com"

_KEY_NOT_FOUND = 'Bearer error="invalid_token", error_description="The signature key was not found"'

type Respond = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Host:
    """Answer requests to one host, or fail in the way that a test asks for."""

    requests: list[str] = field(default_factory=list)
    """Method, path and query of each request that was let through to the host."""

    _failures: list[Respond] = field(default_factory=list)
    _failure: Respond | None = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path_qs}")
        failure = self._failures.pop(0) if self._failures else self._failure
        return await (failure(request) if failure is not None else self.answer(request))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    def fail(
        self,
        status: int,
        body: object = None,
        *,
        times: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer the next requests so, or all from now on."""

        async def respond(request: web.BaseRequest) -> web.StreamResponse:
            return web.json_response(body, status=status, headers=headers)

        self._fail(respond, times)

    def always(self, respond: Respond) -> None:
        """Answer every request from now on so."""
        self._fail(respond, None)

    def hang(self) -> asyncio.Event:
        """Answer no request until the event that is returned is set."""
        released = asyncio.Event()

        async def respond(request: web.BaseRequest) -> web.StreamResponse:
            await released.wait()
            return await self.answer(request)

        self._fail(respond, None)
        return released

    def break_off(self) -> None:
        """End the connection in place of an answer."""
        self._fail(_break_off, None)

    def recover(self) -> None:
        """Answer as it should be from now on."""
        self._failures.clear()
        self._failure = None

    def _fail(self, respond: Respond, times: int | None) -> None:
        if times is None:
            self._failure = respond
        else:
            self._failures += [respond] * times


async def _break_off(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    await asyncio.Event().wait()
    raise AssertionError


class Tokens:
    """Issue the tokens of Entra ID, and know which are good for what."""

    def __init__(self) -> None:
        self._good: dict[str, str] = {}
        self._number = 0

    def issue(self, resource: str) -> str:
        self._number += 1
        token = f"eyJ0eXAiOiJKV1Qi.token-{self._number}.for-{resource.rpartition('/')[2]}"
        self._good[token] = resource
        return token

    def revoke(self) -> None:
        """Refuse every token that was issued up to now."""
        self._good.clear()

    def check(self, request: web.BaseRequest, resource: str) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and self._good.get(token) == resource


@dataclass
class Secret:
    """Hold one version of a secret."""

    value: str
    version: str
    is_enabled: bool = True


@dataclass
class Vault(Host):
    """Be a Key Vault: challenge first, then answer to who has a token."""

    tokens: Tokens = field(default_factory=Tokens)
    secrets: dict[str, list[Secret]] = field(default_factory=dict)
    resource: str = VAULT_RESOURCE

    def put(self, name: str, value: str) -> Secret:
        """Add a version."""
        versions = self.secrets.setdefault(name, [])
        versions.append(Secret(value, f"{len(versions) + 1:032x}"))
        return versions[-1]

    @property
    def reads(self) -> list[str]:
        """Return the paths that were asked for with a token."""
        return [line.partition(" ")[2].partition("?")[0] for line in self.requests]

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self.tokens.check(request, self.resource):
            challenge = f'Bearer authorization="{AUTHORITY}", resource="{self.resource}"'
            return web.json_response(
                _error("Unauthorized", "AKV10000: Request is missing a Bearer or PoP token."),
                status=401,
                headers={"WWW-Authenticate": challenge},
            )
        return await super().handle(request)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.path.strip("/").split("/"):
            case ["secrets", name, *rest] if "api-version" in request.query:
                return self._secret(name, rest[0] if rest else None)
            case _:
                return web.json_response(_error("BadParameter", "No such operation."), status=400)

    def _secret(self, name: str, version: str | None) -> web.Response:
        for secret in reversed(self.secrets.get(name, [])):
            if version in (None, secret.version):
                break
        else:
            text = f"A secret with (name/id) {name}/{version or ''} was not found in this key vault."
            return web.json_response(_error("SecretNotFound", text), status=404)
        if not secret.is_enabled:
            text = "Operation get is not allowed on a disabled secret."
            return web.json_response(_error("Forbidden", text, "SecretDisabled"), status=403)
        return web.json_response(
            {
                "value": secret.value,
                "id": f"https://main.vault.azure.net/secrets/{name}/{secret.version}",
                "attributes": {"enabled": True, "created": 1, "updated": 1, "recoveryLevel": "Recoverable"},
            }
        )


def forbidden(inner: str) -> dict[str, object]:
    """Return the body with which a vault refuses, and why."""
    return _error("Forbidden", "Caller is not authorized to perform action on resource.", inner)


def _error(code: str, message: str, inner: str | None = None) -> dict[str, object]:
    error: dict[str, object] = {"code": code, "message": message}
    return {"error": error | ({"innererror": {"code": inner}} if inner else {})}


@dataclass
class Entra(Host):
    """Be the token endpoint of Entra ID for applications."""

    tokens: Tokens = field(default_factory=Tokens)
    client_secret: str = ""
    forms: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        self.forms.append(form)
        if "client_secret" in form and form["client_secret"] != self.client_secret:
            text = f"AADSTS7000215: Invalid client secret provided for app '{form['client_id']}'."
            return web.json_response({"error": "invalid_client", "error_description": text}, status=401)
        resource = form["scope"].removesuffix("/.default")
        return web.json_response(
            {"token_type": "Bearer", "expires_in": 3599, "access_token": self.tokens.issue(resource)}
        )


@dataclass
class ManagedIdentity(Host):
    """Be the endpoints from which an app gets its managed identity's tokens: App Service's and a VM's."""

    tokens: Tokens = field(default_factory=Tokens)
    secret: str = "header-that-only-the-platform-knows"
    known: set[str] = field(default_factory=set)
    """Client ids of the user-assigned identities that the app has."""

    lifetime: int = 86_400

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        query = request.query
        if request.path.startswith("/metadata/"):
            is_asked_right = request.headers.get("Metadata") == "true"
        else:
            is_asked_right = request.headers.get("X-IDENTITY-HEADER") == self.secret
        if not is_asked_right:
            return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
        client_id = query.get("client_id")
        if client_id is not None and client_id not in self.known:
            text = "No User Assigned or Delegated Managed Identity found for specified ClientId"
            return web.json_response({"statusCode": 400, "message": text}, status=400)
        return web.json_response(
            {
                "access_token": self.tokens.issue(query["resource"]),
                "expires_on": str(int(time.time()) + self.lifetime),
                "resource": query["resource"],
                "token_type": "Bearer",
                "client_id": client_id or "",
            }
        )


@dataclass
class Service(Host):
    """Be one instance of SignalR Service: keys, temporary keys, health, and whatever is sent."""

    tokens: Tokens = field(default_factory=Tokens)
    keys: set[str] = field(default_factory=set)
    temporary: dict[str, str] = field(default_factory=dict)
    """The keys that identities were given, by their ids."""

    may_sign: bool = True
    """Whether the identity's role lets it ask for a key."""

    takes_keys: bool = True
    """Whether requests may be signed with a key."""

    connections: set[str] = field(default_factory=set)
    groups: dict[str, list[str]] = field(default_factory=dict)
    bodies: list[Any] = field(default_factory=list)

    @property
    def sends(self) -> list[str]:
        """Return the paths of what was sent."""
        return [line.partition(" ")[2].partition("?")[0] for line in self.requests if line.startswith("POST")]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api/v1/auth/accessKey":
            return self._access_key(request)
        if request.path == "/api/health":
            return web.Response()
        if not self._is_authorized(request):
            return web.Response(status=401, headers={"WWW-Authenticate": _KEY_NOT_FOUND})
        _, _, hub_path = request.path.removeprefix("/api/hubs/").partition("/")
        match request.method, hub_path.strip("/").split("/"):
            case "HEAD", ["connections", name]:
                return _found(name in self.connections, "Warning.Connection.NotExisted")
            case "GET", ["groups", name, "connections"]:
                return web.json_response(
                    {"value": [{"connectionId": item} for item in self.groups.get(name, [])]}
                )
            case "POST", ["connections", name, ":invoke"]:
                if name not in self.connections:
                    return web.json_response(_error("NotFound", "No such connection."), status=404)
                return web.json_response({"result": name})
            case "POST", _:
                self.bodies.append(json.loads(await request.read() or b"null"))
                return web.Response(status=202)
            case _:
                return web.Response(status=200)

    def verify(self, token: str) -> dict[str, Any]:
        """Read a client's token as the service does. Raise jwt.InvalidTokenError for one that it refuses."""
        key_id = jwt.get_unverified_header(token).get("kid")
        for key in self.keys if key_id is None else {self.temporary.get(key_id, "none of them")}:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token, key, algorithms=["HS256"], options={"verify_aud": False}
                )
            except jwt.InvalidTokenError:
                continue
            return claims
        raise jwt.InvalidTokenError("The signature key was not found")

    def _access_key(self, request: web.BaseRequest) -> web.Response:
        if not self.tokens.check(request, SIGNALR_RESOURCE):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        if not self.may_sign:
            return web.Response(status=403)
        key_id = f"key-{len(self.temporary) + 1}"
        self.temporary[key_id] = f"temporary-key-number-{len(self.temporary) + 1}-of-this-instance"
        return web.json_response({"KeyId": key_id, "AccessKey": self.temporary[key_id]})

    def _is_authorized(self, request: web.BaseRequest) -> bool:
        if self.tokens.check(request, SIGNALR_RESOURCE):
            return True
        if not self.takes_keys:
            return False
        try:
            self.verify(request.headers.get("Authorization", "").removeprefix("Bearer "))
        except jwt.InvalidTokenError:
            return False
        return True


def _found(is_found: bool, absent: str) -> web.Response:
    return (
        web.Response(status=200)
        if is_found
        else web.Response(status=404, headers={"x-ms-error-code": absent})
    )


class Cloud(abc.AbstractResolver):
    """Run the server, and lead Azure's host names to it."""

    def __init__(self) -> None:
        tokens = self.tokens = Tokens()
        self.vault = Vault(tokens=tokens)
        self.entra = Entra(tokens=tokens)
        self.identity = ManagedIdentity(tokens=tokens)
        self.service = Service(tokens=tokens)
        self.backup = Service(tokens=tokens)
        self.hosts: dict[str, Host] = {
            "main.vault.azure.net": self.vault,
            "login.microsoftonline.com": self.entra,
            "chat.service.signalr.net": self.service,
            "backup.service.signalr.net": self.backup,
        }
        self.down: set[str] = set()
        """Hosts that refuse connections."""

        self.ports: dict[str, int] = {}
        """Hosts that a server of the test stands for, by its port."""

        self.port = 0
        self.identity_url = ""
        self._runners: list[web.ServerRunner] = []
        # A port that is taken and not listened to refuses connections, and nobody else gets it.
        self._refusing = socket.socket()
        self._refusing.bind(("127.0.0.1", 0))

    async def start(self, context: Any) -> None:
        self.port = await self._serve(self._handle, context)
        self.identity_url = f"http://127.0.0.1:{await self._serve(self.identity.handle, None)}"

    async def close(self) -> None:
        """Do nothing: aiohttp calls it when a pool ends, but the cloud goes on."""

    async def stop(self) -> None:
        self._refusing.close()
        for runner in self._runners:
            await runner.cleanup()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[abc.ResolveResult]:
        if host not in {**self.hosts, **self.ports}:
            raise OSError(None, f"there is no host {host}")
        closed = self._refusing.getsockname()[1]
        to = closed if host in self.down else self.ports.get(host, self.port)
        return [
            abc.ResolveResult(
                hostname=host, host="127.0.0.1", port=to, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def _serve(self, handle: Respond, context: Any) -> int:
        runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self._runners.append(runner)
        port: int = runner.addresses[0][1]
        return port

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        host = request.host.partition(":")[0]
        return await (_break_off(request) if host in self.down else self.hosts[host].handle(request))
