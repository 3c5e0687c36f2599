// What a trace is called in the timeline.

import type { RuntimeEvent } from "./events.js";
import type { Trace } from "./traces.js";
import { argumentsOf, brief, shortId } from "./words.js";

export interface Title {
  readonly who: string;
  readonly what: string;
  readonly detail: string;
}

/** Return who did what. */
export function titleOf(trace: Trace): Title {
  const main =
    trace.find("client_called") ??
    trace.find("connection_opened") ??
    trace.find("connection_closed") ??
    trace.find("request_refused") ??
    trace.first;
  const who = whoOf(main) || "anonymous";
  switch (main.kind) {
    case "client_called":
      return { who, what: main.target ?? "", detail: shown(main) };
    case "connection_opened":
      return { who, what: "connected", detail: `${main.transport ?? ""}, ${main.protocol ?? ""}` };
    case "connection_closed":
      return { who, what: "disconnected", detail: "" };
    case "client_negotiated":
      return { who, what: "negotiated", detail: "not connected yet" };
    case "request_refused":
      return { who: "a client", what: `refused, ${main.status ?? ""}`, detail: `${main.method ?? ""} ${main.path ?? ""}` };
    case "upstream_request":
      return { who, what: main.event ?? "", detail: "sent to the app again" };
    case "service_request":
      return { who: "server", what: operation(main), detail: shown(main) };
    case "message_received":
      return { who, what: `received ${main.target ?? ""}`, detail: shown(main) };
    case "host_state_changed":
      return { who: "host", what: stateOf(main), detail: "" };
    case "invocation_started":
    case "invocation_completed":
      return { who: "function", what: main.function ?? "", detail: "" };
    case "events_skipped":
      return { who: "inspector", what: `${(main.count ?? 0).toLocaleString("en")} events were left out: too many at once, or no longer kept`, detail: "" };
    default: {
      const started = trace.find("invocation_started");
      if (started !== undefined) return { who: "function", what: started.function ?? "", detail: "" };
      const sent = trace.find("service_request");
      if (sent !== undefined) return { who: "server", what: operation(sent), detail: shown(sent) };
      return { who: "log", what: brief(main.message ?? main.kind, 160), detail: "" };
    }
  }
}

/** Return what a request to the REST API asks for. */
export function operation(event: RuntimeEvent): string {
  const names = event.names ?? {};
  const to = names["group"] !== undefined ? `group ${names["group"]}` : names["user"] !== undefined ? `user ${names["user"]}` : names["connection"] !== undefined ? `connection ${shortId(names["connection"])}` : "everyone";
  if (event.target) return `${event.target} to ${to}`;
  const path = event.path ?? "";
  if (path.endsWith("closeConnections")) return `close the connections of ${to}`;
  if (names["group"] !== undefined && (names["connection"] !== undefined || names["user"] !== undefined)) {
    const member = names["user"] !== undefined ? `user ${names["user"]}` : `connection ${shortId(names["connection"] ?? "")}`;
    if (event.method === "PUT") return `add ${member} to group ${names["group"]}`;
    if (event.method === "DELETE") return `remove ${member} from group ${names["group"]}`;
    return `is ${member} in group ${names["group"]}?`;
  }
  if (event.method === "DELETE") return names["connection"] !== undefined && !path.endsWith("/groups") ? `close ${to}` : `remove ${to} from all groups`;
  if (event.method === "GET" || event.method === "HEAD") return `is there a ${to}?`;
  return `${event.method ?? ""} ${path}`;
}

function whoOf(event: RuntimeEvent): string {
  return event.user_id ?? (event.connection_id === undefined ? "" : shortId(event.connection_id));
}

function shown(event: RuntimeEvent): string {
  const values = argumentsOf(event.body);
  return values.length === 0 ? "" : brief(values.map((value) => JSON.stringify(value)).join(", "), 90);
}

function stateOf(event: RuntimeEvent): string {
  if (event.to === "recycling") return "the app has changed and is loaded again";
  if (event.to === "ready") return "the app is loaded";
  return `the host is ${event.to ?? ""}`;
}
