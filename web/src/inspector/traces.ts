// Events that belong together: a call with everything that it led to, a connection, a refusal, a line of the log.

import { errorOf, moment, type RuntimeEvent } from "./events.js";

export type Outcome = "ok" | "failed" | "nobody" | "waiting" | "note";

const MAX_EVENTS = 10_000;
const SKIPPED = "skipped";
const SHOWN_ALONE = new Set(["warning", "error", "critical"]);
const NOT_SHOWN = new Set(["function_discovered", "function_removed", "summary"]);
const OF_THE_START = "start_initialization_";

export class Trace {
  readonly events: RuntimeEvent[] = [];

  constructor(readonly id: string) {}

  get first(): RuntimeEvent {
    const [first] = this.events;
    if (first === undefined) throw new Error("a trace has an event");
    return first;
  }

  find(kind: string): RuntimeEvent | undefined {
    return this.events.find((event) => event.kind === kind);
  }

  all(kind: string): RuntimeEvent[] {
    return this.events.filter((event) => event.kind === kind);
  }

  get began(): number {
    return moment(this.first);
  }

  /** How long it took, in milliseconds. */
  get duration(): number {
    const answered = this.find("client_answered")?.duration_ms;
    if (answered !== undefined) return answered;
    const last = this.events[this.events.length - 1] ?? this.first;
    return Math.max(moment(last) - this.began, ...this.events.map((event) => event.duration_ms ?? 0));
  }

  get outcome(): Outcome {
    const reasons = this.reasons;
    if (reasons.length > 0) return this.#isOnlyUnheard ? "nobody" : "failed";
    if (["log", "host_state_changed", "events_skipped"].includes(this.first.kind)) return "note";
    return this.#isWaiting ? "waiting" : "ok";
  }

  /** Why it failed, in the words of the log, the most telling reason first. */
  get reasons(): string[] {
    const found: string[] = [];
    for (const event of this.events) {
      if (event.kind === "request_refused") found.push(event.reason ?? "");
      if (event.kind === "connection_closed" && event.reason) found.push(event.reason);
      if (event.kind === "log" && event.level !== "warning" && SHOWN_ALONE.has(event.level ?? "")) {
        const raised = lastLine(event.message ?? "");
        if (raised !== null) found.push(raised);
        else if (event.trace_id === undefined) found.push(event.message ?? "");
      }
    }
    for (const event of this.events) {
      if (event.kind === "log" && event.level === "warning" && isTelling(event.message ?? "")) found.push(event.message ?? "");
    }
    for (const kind of ["service_request", "upstream_response", "invocation_completed", "client_answered"]) {
      for (const event of this.all(kind)) {
        const error = errorOf(event);
        if (error !== null && !isAnswerNo(event)) found.push(error);
      }
    }
    return [...new Set(found)];
  }

  /** The warnings that are no failure. */
  get warnings(): string[] {
    const reasons = this.reasons;
    return this.events
      .filter((event) => event.kind === "log" && event.level === "warning")
      .map((event) => event.message ?? "")
      .filter((text) => !reasons.includes(text));
  }

  get hubs(): string[] {
    return values(this.events.map((event) => event.hub));
  }

  get users(): string[] {
    return values(this.events.flatMap((event) => [event.user_id, event.names?.["user"]]));
  }

  get connections(): string[] {
    return values(
      this.events.flatMap((event) => [event.connection_id, event.names?.["connection"], ...(event.receivers ?? [])]),
    );
  }

  get groups(): string[] {
    return values(this.events.map((event) => event.names?.["group"]));
  }

  get targets(): string[] {
    return values(this.events.flatMap((event) => [event.target, event.event, event.function]));
  }

  /** Whether there are only lines of the log, and none that matters. */
  get isOnlyTold(): boolean {
    return this.events.every((event) => event.kind === "log" && !SHOWN_ALONE.has(event.level ?? ""));
  }

  get #isOnlyUnheard(): boolean {
    return this.events.every(
      (event) =>
        errorOf(event) === null || isAnswerNo(event) || (event.kind === "service_request" && event.reached === 0),
    ) && !this.events.some((event) => event.kind === "request_refused" || (event.kind === "connection_closed" && event.reason) || (event.kind === "log" && (event.level === "error" || event.level === "critical")));
  }

  get #isWaiting(): boolean {
    // A call may wait for those before it.
    if (this.find("client_called") !== undefined && this.find("upstream_response") === undefined) return true;
    if (this.all("upstream_request").length > this.all("upstream_response").length) return true;
    return this.all("invocation_started").length > this.all("invocation_completed").length;
  }
}

/** Keeps the last events, and joins them. */
export class Traces {
  readonly #traces = new Map<string, Trace>();
  readonly #negotiated = new Map<string, string>();
  #count = 0;

  add(events: readonly RuntimeEvent[]): void {
    for (const event of events) this.#add(event);
    while (this.#count > MAX_EVENTS) {
      const [oldest] = this.#traces.values();
      if (oldest === undefined) break;
      this.#traces.delete(oldest.id);
      this.#count -= oldest.events.length;
    }
  }

  /** All that are worth a line, the latest first. */
  latest(): Trace[] {
    return [...this.#traces.values()].filter((trace) => !trace.isOnlyTold).reverse();
  }

  get(id: string): Trace | undefined {
    return this.#traces.get(id);
  }

  clear(): void {
    this.#traces.clear();
    this.#count = 0;
  }

  get size(): number {
    return this.#count;
  }

  #add(event: RuntimeEvent): void {
    if (NOT_SHOWN.has(event.kind) || event.kind.startsWith(OF_THE_START)) return;
    if (event.trace_id === undefined && event.kind === "log" && !SHOWN_ALONE.has(event.level ?? "")) return;
    if (event.kind === "host_state_changed" && event.to === "starting") return;
    if (event.kind === "events_skipped") {
      this.#skip(event);
      return;
    }
    const id = event.trace_id ?? `event-${event.seq ?? event.timestamp}`;
    let trace = this.#traces.get(id);
    if (trace === undefined) {
      trace = new Trace(id);
      this.#traces.set(id, trace);
    }
    trace.events.push(event);
    this.#count += 1;
    if (event.kind === "client_negotiated") this.#negotiated.set(event.connection_id ?? "", id);
    if (event.kind === "connection_opened") this.#join(event.connection_id ?? "", trace);
  }

  /** Count what was left out, in one line. */
  #skip(event: RuntimeEvent): void {
    const before = this.#traces.get(SKIPPED)?.first.count ?? 0;
    const trace = new Trace(SKIPPED);
    trace.events.push({ ...event, count: before + (event.count ?? 0) });
    this.#traces.delete(SKIPPED);
    this.#traces.set(SKIPPED, trace);
  }

  /** Put the negotiation of a client where its connection is. */
  #join(connection: string, trace: Trace): void {
    const before = this.#negotiated.get(connection);
    const negotiated = before === undefined ? undefined : this.#traces.get(before);
    if (before === undefined || negotiated === undefined) return;
    this.#negotiated.delete(connection);
    this.#traces.delete(before);
    trace.events.unshift(...negotiated.events);
  }
}

/** Tell whether a 404 is the answer to a question: is this user there? */
export function isAnswerNo(event: RuntimeEvent): boolean {
  return event.status === 404 && (event.method === "GET" || event.method === "HEAD");
}

function isTelling(text: string): boolean {
  return text.startsWith("No function listens") || text.includes("its X-ASRS-Signature fits no");
}

/** Return the exception that a traceback ends with. */
function lastLine(text: string): string | null {
  if (!text.includes("Traceback (most recent call last)")) return null;
  const lines = text.trimEnd().split("\n");
  return lines[lines.length - 1] ?? null;
}

function values(found: readonly (string | null | undefined)[]): string[] {
  return [...new Set(found.filter((value): value is string => Boolean(value)))];
}
