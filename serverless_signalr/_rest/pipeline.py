"""The request pipeline: azure-core's policies over the event loop's pool of sockets.

The first request imports this module, rather than the library, because azure.core and aiohttp take longer to
import than everything else.
"""

import logging
import math
import os
import platform
import random
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import AsyncPipeline, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    AsyncHTTPPolicy,
    AsyncRetryPolicy,
    DistributedTracingPolicy,
    HttpLoggingPolicy,
)

# The older of azure-core's two request classes is the faster one.
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpResponse, HttpRequest
from azure.core.settings import settings

from serverless_signalr import _telemetry as telemetry
from serverless_signalr._rest import clock
from serverless_signalr._rest.operations import Operation
from serverless_signalr._rest.pool import Pool, leave_pool, proxy, running_pool
from serverless_signalr._rest.responses import Response
from serverless_signalr._rest.tokens import sign_server_token
from serverless_signalr._rest.trace import current_traceparent
from serverless_signalr.endpoint import Endpoint
from serverless_signalr.errors import ServiceUnavailableError, UnauthorizedError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

__all__ = ["SCOPE", "Pipeline"]

SCOPE = "https://signalr.azure.com/.default"
"""The scope of Entra ID tokens."""

_LONGEST_WAIT = 30.0
"""Seconds. If the service asks for a longer pause, the error is raised instead."""

_TOKEN_LIFETIME = timedelta(minutes=5)
_TOKEN_USE = 120.0
"""Seconds for which a signed token is reused, since signing takes an eighth of the time of a request."""
_MAX_TOKENS = 500

_FAILURES = (ServiceRequestError, ServiceResponseError, IncompleteReadError)
"""The exceptions of azure-core for a missing or incomplete response."""

_log = logging.getLogger("serverless_signalr.rest")
_http_log = logging.getLogger("serverless_signalr.http")

type _Request = PipelineRequest[HttpRequest]
type _Answer = PipelineResponse[HttpRequest, AsyncHttpResponse]
type _Policies = AsyncPipeline[HttpRequest, AsyncHttpResponse]


class Pipeline:
    """The chain of policies for requests to one instance of the service.

    Responses are returned whatever their status. Raise ServiceUnavailableError if there is no response, and
    UnauthorizedError if the credential has no token. Requests carry the current span of OpenTelemetry, and
    are traced if azure-core's settings enable tracing at the time of the first request.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credential: "AsyncTokenCredential | None",
        *,
        connect_timeout: float,
        retry_delay: float,
    ) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._retry_delay = retry_delay
        agent = _user_agent()
        self._headers = {"User-Agent": agent, "Asrs-User-Agent": agent}
        self._options: dict[str, Any] = {"connection_timeout": connect_timeout}
        if through := proxy(endpoint.server_url):
            self._options["proxy"] = through
        if credential is not None:
            # The client has already checked that only loopback addresses are used without TLS.
            self._options["enforce_https"] = False

    async def send(self, operation: Operation, url: str, *, timeout: float, retries: int) -> Response:
        """Return the response to an operation.

        An operation that is not repeatable is retried only if it certainly did not run: no connection was
        established, or the response was 429, or 503 with Retry-After.
        """
        request_id = os.urandom(16).hex()
        headers = {**self._headers, **telemetry.propagated(), "x-ms-client-request-id": request_id}
        if (header := current_traceparent()) is not None:
            # The local runtime joins by it. Its trace is that of the spans, which follow the same event.
            headers["traceparent"] = header
        if operation.body is not None:
            headers["Content-Type"] = "application/json"
        options = {**self._options, "operation": operation, "read_timeout": timeout, "retries": retries}
        pool = await running_pool()
        policies = pool.users.get(self) or self._join(pool)
        try:
            response = await _run(policies, operation, url, headers, options)
            if response.status_code == 401 and self._credential is not None:
                # The policy has dropped the refused token, so this requests a new one, once.
                response = await _run(policies, operation, url, headers, options)
        except ClientAuthenticationError as error:
            raise UnauthorizedError(
                f"no access token for {SCOPE}: {str(error).partition('\n')[0]}; sign in, or give the app "
                "an identity that its credential can use"
            ) from error
        except _FAILURES as error:
            raise ServiceUnavailableError(_explain(operation, url, error)) from error
        request_id = response.headers.get("x-ms-request-id") or request_id
        instance = self._endpoint.url
        return Response(response.status_code, response.headers, response.body(), request_id, instance)

    async def aclose(self) -> None:
        """Leave the pool of the running loop, and close it if it has no other user."""
        await leave_pool(self)

    def _join(self, pool: Pool) -> _Policies:
        chain: list[Any] = [
            _RetryPolicy(self._retry_delay),
            _KeyPolicy(self._endpoint)
            if self._credential is None
            else AsyncBearerTokenCredentialPolicy(self._credential, SCOPE),
            # Checking azure-core's tracing setting per request would take a fifteenth of the request.
            *([DistributedTracingPolicy()] if settings.tracing_enabled() else []),
            _LogPolicy(),
        ]
        transport = AioHttpTransport(session=pool.session, session_owner=False)
        policies = pool.users[self] = AsyncPipeline(transport, chain)
        return policies


async def _run(
    policies: _Policies, operation: Operation, url: str, headers: dict[str, str], options: dict[str, Any]
) -> AsyncHttpResponse:
    request = HttpRequest(operation.method, url, data=operation.body)
    # A plain dict: azure-core's case-insensitive one is slow.
    request.headers = headers
    return (await policies.run(request, **options)).http_response


class _KeyPolicy(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """The policy that signs each request with the access key."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint
        self._tokens: dict[str, tuple[str, float]] = {}

    async def send(self, request: _Request) -> _Answer:
        url = request.http_request.url.partition("?")[0]
        now = clock.now()
        token, signed_at = self._tokens.get(url, ("", -math.inf))
        # The service would refuse a token that was signed while the clock was ahead.
        if not signed_at <= now < signed_at + _TOKEN_USE:
            token = self._sign(url, now)
        request.http_request.headers["Authorization"] = f"Bearer {token}"
        response = await self.next.send(request)
        if response.http_response.status_code == 401:
            self._tokens.pop(url, None)
        return response

    def _sign(self, url: str, now: float) -> str:
        if len(self._tokens) >= _MAX_TOKENS:
            self._tokens.clear()
        token = sign_server_token(self._endpoint, url, lifetime=_TOKEN_LIFETIME)
        self._tokens[url] = token, now
        return token


class _LogPolicy(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """The policy that logs each attempt through azure-core's policy, without tokens and queries.

    azure-core's own policy would take time even if the logger is disabled.
    """

    def __init__(self) -> None:
        super().__init__()
        # At INFO, azure-core's default, the Functions worker would forward every request.
        self._policy: Any = HttpLoggingPolicy(_http_log, http_logging_level=logging.DEBUG)

    async def send(self, request: _Request) -> _Answer:
        if not _http_log.isEnabledFor(logging.DEBUG):
            return await self.next.send(request)
        self._policy.on_request(request)
        response = await self.next.send(request)
        self._policy.on_response(request, response)
        return response


class _RetryPolicy(AsyncRetryPolicy[HttpRequest, AsyncHttpResponse]):
    """The policy that retries repeatable operations; azure-core's own would retry a POST after a 500."""

    def __init__(self, delay: float) -> None:
        super().__init__()
        self._delay = delay

    async def send(self, request: _Request) -> _Answer:
        operation: Operation = request.context.options.pop("operation")
        transport: Any = request.context.transport
        for attempt in range(request.context.options.pop("retries")):
            asked = None
            try:
                response = await self.next.send(request)
            except _FAILURES as error:
                if not _may_follow_failure(error, is_repeatable=operation.is_repeatable):
                    raise
                seen = type(error.inner_exception).__name__
            else:
                status = response.http_response.status_code
                if status < 400:
                    return response
                asked = self._asked_wait(response)
                if not _may_follow(status, asked, is_repeatable=operation.is_repeatable):
                    return response
                seen = str(status)
            backoff = self._delay * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311
            wait = max(asked or 0.0, min(backoff, _LONGEST_WAIT))
            _log.info("%s %s: %s, retrying in %.1f s", operation.method, operation.path, seen, wait)
            telemetry.retried(seen)
            await transport.sleep(wait)
            request.context["retry_count"] = attempt + 1
        return await self.next.send(request)

    def _asked_wait(self, response: _Answer) -> float | None:
        """Return the seconds in Retry-After, or None if it is absent or invalid."""
        with suppress(ValueError, TypeError):
            return self.get_retry_after(response)
        return None


def _may_follow(status: int, asked: float | None, *, is_repeatable: bool) -> bool:
    if asked is not None and asked > _LONGEST_WAIT:
        return False
    if status == 429 or (status == 503 and asked is not None):
        return True
    return is_repeatable and (status == 408 or status >= 500)


def _may_follow_failure(error: AzureError, *, is_repeatable: bool) -> bool:
    if isinstance(error.inner_exception, aiohttp.ClientSSLError | aiohttp.InvalidURL):
        return False  # A retry would fail in the same way.
    return is_repeatable or _did_not_run(error)


def _did_not_run(error: AzureError) -> bool:
    return isinstance(error.inner_exception, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def _explain(operation: Operation, url: str, error: AzureError) -> str:
    """Describe a failure without the query of the URL, which aiohttp would show."""
    parts = urlsplit(url)
    if isinstance(error.inner_exception, aiohttp.ConnectionTimeoutError):
        reason = f"connecting to {parts.netloc} timed out"
    elif _did_not_run(error):
        reason = f"no connection: {error.inner_exception}"
    elif isinstance(error, ServiceResponseTimeoutError):
        reason = f"{parts.netloc} did not respond in time"
    else:
        reason = f"the connection to {parts.netloc} was lost before the response"
    if _did_not_run(error):
        advice = "check Endpoint of the connection string, and the network between the app and the service"
    elif operation.is_repeatable:
        advice = "try again later"
    else:
        advice = "it was not retried, since it may have been carried out"
    return f"{operation.method} {parts.path} failed: {reason}; {advice}"


def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        release = version("serverless-signalr")
    except PackageNotFoundError:
        release = "0"
    return f"serverless-signalr/{release} Python/{platform.python_version()} ({platform.platform()})"
