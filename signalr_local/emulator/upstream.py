"""Upstream requests: how an event is sent to the app, and what the response means.

Source: https://learn.microsoft.com/azure/azure-signalr/concept-upstream.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter, time

from serverless_signalr._rest.trace import traceparent
from serverless_signalr.protocol.upstream import CONNECTED, Category, UpstreamEvent
from signalr_local.emulator.faults import Faults
from signalr_local.emulator.http_client import (
    BrokenResponseError,
    HttpClient,
    Response,
    StalledResponseError,
    TooLargeError,
    UnreachableError,
)
from signalr_local.emulator.rules import UpstreamRule, find_rule, shown_rules, shown_url
from signalr_local.emulator.tiers import Quota, QuotaError
from signalr_local.inspector.events import UpstreamRequest, UpstreamResponse
from signalr_local.inspector.journal import LIGHT, Journal
from signalr_local.trace_context import begin_trace, new_trace_id

__all__ = ["MAX_ANSWER", "Answer", "Upstream"]

MAX_ANSWER = 16 * 1024 * 1024
"""The largest accepted response of the app, in bytes."""

_MAX_SHOWN = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """The app's answer to an event: bytes or an error for the client. A silent one is not passed on."""

    body: bytes = b""
    error: str | None = None
    is_silent: bool = False
    status: int | None = None
    reason: str | None = None
    """Why the event failed, in the words of the log; an empty text where that is no failure."""


class Upstream:
    """The delivery of events to the app. Like the service, it never repeats a request."""

    def __init__(self, rules: Sequence[UpstreamRule], keys: Sequence[str], timeout: float) -> None:
        self.rules = list(rules)
        self.keys = keys
        self._timeout = timeout
        self.quota = Quota()
        self.is_silent = False
        """Whether calls that no rule matches stay unanswered, as in Azure."""
        self.forwards_streams = False
        """Whether calls that ask for a stream are sent to the app."""
        self.faults = Faults()
        self.journal: Journal | None = None
        self.delivered = 0
        """How many events were sent, or were to be sent."""
        self._client: HttpClient | None = None

    def open(self) -> None:
        """Allow requests; needs a running loop."""
        self._client = HttpClient(self._timeout, MAX_ANSWER)

    def close(self) -> None:
        """Close all connections to the app."""
        if self._client is not None:
            self._client.close()

    async def deliver(
        self, event: UpstreamEvent, content_type: str, body: bytes, trace_id: str | None = None
    ) -> Answer:
        """Send an event to the first rule that matches. Failures are logged, with a hint.

        An app that has no rule for connections does not want to know of them: that is no error.
        """
        self.delivered += 1
        trace_id = trace_id or new_trace_id()
        begin_trace(trace_id)
        rule = find_rule(self.rules, event.hub, event.category, event.event)
        journal = self.journal
        if journal is None:
            return await self._deliver(event, rule, content_type, body)
        url = None if rule is None else rule.url
        journal.append(
            (UpstreamRequest, journal.number(), time(), trace_id, event, url, content_type, body),
        )
        if len(body) > LIGHT:
            journal.weigh(len(body))
        began = perf_counter()
        answer = await self._deliver(event, rule, content_type, body)
        seconds = perf_counter() - began
        error = answer.error if answer.reason is None else answer.reason or None
        journal.append(
            (
                UpstreamResponse,
                journal.number(),
                time(),
                trace_id,
                event,
                answer.status,
                error,
                seconds,
                answer.body,
            )
        )
        if len(answer.body) > LIGHT:
            journal.weigh(len(answer.body))
        return answer

    async def _deliver(
        self, event: UpstreamEvent, rule: UpstreamRule | None, content_type: str, body: bytes
    ) -> Answer:
        fault = await self.faults.event(event.event)
        if fault is not None and fault.is_lost:
            return Answer(is_silent=True, reason="The event was lost on purpose: it never reached the app.")
        if fault is not None and fault.status is not None:
            return Answer(
                error=_status_error(fault.status),
                status=fault.status,
                reason=f"Answered {fault.status} on purpose, in the app's place.",
            )
        if rule is None:
            return self._unmatched(event)
        url = rule.url
        try:
            url = rule.url_for(event.hub, event.category, event.event)
            answer = _read(event, url, await self._post(url, event, content_type, body))
            if answer.body:
                self.quota.take(1, len(answer.body))
            return answer
        except StalledResponseError:
            return _unreadable(event, "Invocation failed, response cancelled.")
        except TooLargeError:
            return _unreadable(event, "Invocation failed, response too large.")
        except BrokenResponseError as error:
            return _unreadable(event, f"Invocation failed, error: {error}.")
        except QuotaError as error:
            # All clients were closed, so that nobody reads this.
            return Answer(error=str(error))
        except TimeoutError:
            hint = f"no answer within {self._timeout:g} seconds; is the function blocked, or in a debugger?"
        except UnreachableError as error:
            hint = (
                f"{error}; is the function host running there? In a container, localhost is the container "
                "itself: use host.docker.internal"
            )
        except OSError as error:
            hint = f"{error}; is this an address of the function host?"
        except UnicodeEncodeError:
            hint = "a name in it has half of a surrogate pair, which UTF-8 cannot express"
        except ValueError as error:
            hint = str(error)
        text = f"{_shown(event)} was not delivered to {shown_url(url)}: {hint}."
        _log.warning("%s", text)
        return Answer(error=_status_error(HTTPStatus.INTERNAL_SERVER_ERROR), reason=text)

    async def _post(self, url: str, event: UpstreamEvent, content_type: str, body: bytes) -> Response:
        if self._client is None:
            raise RuntimeError("the emulator is not running")
        headers = event.headers(self.keys)
        headers["Content-Type"] = content_type
        headers["traceparent"] = traceparent.get() or ""
        return await self._client.post(url, headers, body)

    def _unmatched(self, event: UpstreamEvent) -> Answer:
        if event.category == Category.CONNECTIONS:
            return Answer()
        rules = "; ".join(line.strip() for line in shown_rules(self.rules)) or "none"
        text = (
            f"{_shown(event)} was not delivered: no upstream rule matches. Rules: {rules}. In Azure the "
            "client would wait for ever: set the upstream of the service to the webhook of the function app."
        )
        _log.warning("%s", text)
        return Answer(
            is_silent=self.is_silent,
            reason=text,
            error=f"Invocation failed, no upstream is set for event '{event.event}' of hub '{event.hub}'.",
        )


def _read(event: UpstreamEvent, url: str, response: Response) -> Answer:
    if response.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        return Answer(response.body, status=response.status)
    # An app need not have functions for connected and disconnected.
    is_expected = response.status == HTTPStatus.NOT_FOUND and event.category == Category.CONNECTIONS
    hint = _hint(event, response.status)
    text = f"{_shown(event)} was answered {response.status} by {shown_url(url)}. {hint}"
    _log.log(logging.DEBUG if is_expected else logging.WARNING, "%s", text)
    return Answer(
        error=_status_error(response.status),
        status=response.status,
        reason="" if is_expected else text,
    )


def _unreadable(event: UpstreamEvent, error: str) -> Answer:
    _log.warning("%s was answered, but: %s", _shown(event), error)
    return Answer(error=error, reason=f"The event was answered, but: {error}")


def _status_error(status: int) -> str:
    return f"Invocation failed, status code {int(status)}"


def _shown(event: UpstreamEvent) -> str:
    return f"Event {event.event[:_MAX_SHOWN]!r} (hub {event.hub!r}, category {str(event.category)!r})"


def _hint(event: UpstreamEvent, status: int) -> str:
    match status:
        case HTTPStatus.NOT_FOUND:
            return (
                "No function there has a SignalR trigger for this hub, category and event, or the URL is not "
                "the webhook /runtime/webhooks/signalr."
            )
        case HTTPStatus.UNAUTHORIZED:
            return (
                "The app's connection string holds another AccessKey than this emulator, or the URL lacks "
                "the code of the webhook."
            )
        case HTTPStatus.FORBIDDEN if event.event == CONNECTED:
            return "The function failed; see its log. The client stays connected."
        case HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            return "The app does not take the content type of this client's protocol."
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "The app failed; see its log."
        case _:
            return "Expected 200 or 204."
