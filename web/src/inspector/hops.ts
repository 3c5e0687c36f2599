// The steps of a trace, from the client to whoever was reached and back.

import { errorOf, moment, type RuntimeEvent } from "./events.js";
import { operation } from "./titles.js";
import { isAnswerNo, type Trace } from "./traces.js";
import { count, duration, shortId } from "./words.js";

export interface Hop {
  readonly name: string;
  readonly what: string;
  readonly facts: readonly string[];
  /** Milliseconds from the beginning of the trace, and for how long; null where it is a moment. */
  readonly start: number;
  readonly length: number | null;
  readonly isBad: boolean;
  readonly error: string | null;
  readonly parts: readonly Part[];
  /** The event that it can be copied or repeated from. */
  readonly event: RuntimeEvent;
}

export interface Part {
  readonly title: string;
  readonly text: string;
}

/** Return the steps of a trace, in the order in which they began. */
export function hopsOf(trace: Trace, nameOf: (connection: string) => string): Hop[] {
  const began = trace.began;
  const hops: Hop[] = [];
  for (const event of trace.events) {
    const hop = hopOf(event, trace, began, nameOf);
    if (hop !== null) hops.push(hop);
  }
  return hops;
}

function hopOf(event: RuntimeEvent, trace: Trace, began: number, nameOf: (id: string) => string): Hop | null {
  const at = moment(event) - began;
  const simple = { start: at, length: null, isBad: false, error: null, parts: [] as Part[], facts: [] as string[], event };
  const ended = { ...simple, start: Math.max(0, at - (event.duration_ms ?? 0)), length: event.duration_ms ?? null };
  const error = errorOf(event);
  switch (event.kind) {
    case "client_negotiated":
      return { ...simple, name: "Negotiate", what: event.user_id ?? "anonymous", facts: [`connection ${event.connection_id ?? ""}`] };
    case "connection_opened":
      return { ...simple, name: "Connection", what: "opened", facts: [event.transport ?? "", event.protocol ?? "", `connection ${event.connection_id ?? ""}`] };
    case "connection_closed":
      return { ...simple, name: "Connection", what: "closed", isBad: Boolean(event.reason), error: event.reason ?? null, facts: [`connection ${event.connection_id ?? ""}`] };
    case "request_refused":
      return { ...simple, name: "Refused", what: `${event.status ?? ""} ${event.method ?? ""} ${event.path ?? ""}`, isBad: true, error: event.reason ?? null };
    case "client_called":
      return { ...simple, name: "Client calls", what: event.target ?? "", facts: [event.user_id ?? "anonymous", `connection ${event.connection_id ?? ""}`, event.protocol ?? ""], parts: bodyOf("Message", event) };
    case "upstream_request":
      return upstream(event, trace, at);
    case "invocation_started":
      return called(event, trace, at);
    case "service_request": {
      const reached = event.reached;
      const receivers = (event.receivers ?? []).map(nameOf);
      const more = (reached ?? 0) - receivers.length;
      const facts = [`${event.status ?? ""}`, `${event.method ?? ""} ${event.path ?? ""}`];
      if (reached !== null && reached !== undefined) facts.push(`reached ${count(reached, "connection")}`);
      const parts = bodyOf("Message", event);
      if (receivers.length > 0) parts.push({ title: "Reached", text: receivers.join("\n") + (more > 0 ? `\nand ${more} more` : "") });
      return { ...ended, name: "REST API", what: operation(event), facts, parts, error: isAnswerNo(event) ? null : error, isBad: error !== null && !isAnswerNo(event) };
    }
    case "client_answered":
      return { ...ended, name: "Completion", what: error === null ? "result" : "error", facts: [event.target ?? ""], parts: bodyOf("Message", event), error, isBad: error !== null };
    case "message_received":
      return { ...simple, name: "Received", what: event.target ?? "", facts: [event.user_id ?? "anonymous", `connection ${event.connection_id ?? ""}`], parts: bodyOf("Message", event) };
    case "log":
      return ofFunction(event) ? null : logged(event, simple);
    case "host_state_changed":
      return { ...simple, name: "Host", what: `${event.from ?? "stopped"} → ${event.to ?? ""}` };
    default:
      return null;
  }
}

function upstream(event: RuntimeEvent, trace: Trace, at: number): Hop {
  const response = trace.find("upstream_response");
  const error = response === undefined ? null : errorOf(response);
  const facts = [event.url ?? "no upstream rule matches"];
  if (response === undefined) facts.push("no answer yet");
  else if (response.status !== null) facts.unshift(`${response.status ?? ""}`);
  const called = trace.find("client_called");
  const waited = called === undefined ? 0 : moment(event) - moment(called);
  if (waited >= 1) facts.push(`waited ${duration(waited)} for the calls before`);
  const headers = Object.entries(event.headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  return {
    name: "Upstream",
    what: `${event.category ?? ""} / ${event.event ?? ""}`,
    facts,
    start: at,
    length: response?.duration_ms ?? null,
    isBad: error !== null,
    error,
    parts: [
      { title: "Headers", text: headers.join("\n") },
      ...bodyOf("Request", event),
      ...(response === undefined ? [] : bodyOf("Response", response)),
    ],
    event,
  };
}

function called(event: RuntimeEvent, trace: Trace, at: number): Hop {
  const id = event.invocation_id;
  const completed = trace.events.find((one) => one.kind === "invocation_completed" && one.invocation_id === id);
  const lines = trace.events.filter((one) => one.kind === "log" && one.attributes?.["function.invocation_id"] === id).map((one) => `${(one.level ?? "").padEnd(11)} ${one.message ?? ""}`);
  const error = completed === undefined ? null : errorOf(completed);
  return {
    name: "Function",
    what: event.function ?? "",
    facts: [completed?.result ?? "still runs", `invocation ${shortId(id ?? "")}`],
    start: at,
    length: completed?.duration_ms ?? null,
    isBad: error !== null,
    error,
    parts: lines.length === 0 ? [] : [{ title: "Log", text: lines.join("\n") }],
    event,
  };
}

function logged(event: RuntimeEvent, simple: Omit<Hop, "name" | "what">): Hop | null {
  if (event.level === "information" || event.level === "debug") return null;
  const isBad = event.level === "error" || event.level === "critical";
  return { ...simple, name: "Log", what: event.level ?? "", isBad, error: event.message ?? "" };
}

function ofFunction(event: RuntimeEvent): boolean {
  return event.attributes?.["function.invocation_id"] !== undefined;
}

function bodyOf(title: string, event: RuntimeEvent): Part[] {
  return event.body ? [{ title, text: event.body }] : [];
}
