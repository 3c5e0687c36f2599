// The timeline: a line for each trace, the latest first, one of which is open.

import { byId, KeyedList, make, setText } from "./dom.js";
import { detailOf } from "./detail.js";
import { titleOf } from "./titles.js";
import type { Outcome, Trace } from "./traces.js";
import { brief, clock, duration } from "./words.js";

const PAGE = 100;
const REASON = 240;
const KEPT = "inspector.open";
const OUTCOMES: Readonly<Record<Outcome, string>> = {
  ok: "ok",
  failed: "failed",
  nobody: "reached nobody",
  waiting: "waiting",
  note: "note",
};

export class Timeline {
  readonly #list: KeyedList<Trace, HTMLLIElement>;
  readonly #root = byId("timeline", HTMLOListElement);
  readonly #more = byId("older", HTMLButtonElement);
  readonly #opened = new Set<string>();
  #shown = PAGE;
  #open = sessionStorage.getItem(KEPT);
  #traces: readonly Trace[] = [];

  constructor(
    private readonly nameOf: (connection: string) => string,
    private readonly announce: (text: string) => void,
  ) {
    this.#list = new KeyedList<Trace, HTMLLIElement>(
      this.#root,
      (trace) => trace.id,
      (trace) => this.#create(trace),
      (item, trace) => this.#update(item, trace),
    );
    this.#more.addEventListener("click", () => {
      this.#shown += PAGE;
      this.show(this.#traces);
    });
    this.#root.addEventListener("keydown", (event) => this.#onKey(event));
  }

  show(traces: readonly Trace[]): void {
    this.#traces = traces;
    const shown = traces.slice(0, this.#shown);
    // What is open stays, however much comes.
    const open = traces.find((trace) => trace.id === this.#open);
    if (open !== undefined && !shown.includes(open)) shown.push(open);
    this.#list.show(shown);
    this.#more.hidden = traces.length <= this.#shown;
  }

  /** Open a trace, or close the one that is open. */
  open(id: string | null): void {
    this.#open = id;
    if (id === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, id);
    this.show(this.#traces);
    this.#root.querySelector("[aria-expanded=true]")?.scrollIntoView({ block: "nearest" });
  }

  focusFirst(): void {
    this.#root.querySelector<HTMLButtonElement>("button.row")?.focus();
  }

  #create(trace: Trace): HTMLLIElement {
    const item = make("li", "trace");
    const row = make("button", "row");
    row.type = "button";
    row.append(make("time", "at"), make("span", "mark-outcome"), make("span", "title"), make("span", "chips"), make("span", "why"));
    row.addEventListener("click", () => this.open(this.#open === trace.id ? null : trace.id));
    item.append(row);
    return item;
  }

  #update(item: HTMLLIElement, trace: Trace): void {
    const isOpen = trace.id === this.#open;
    const version = `${trace.events.length} ${trace.first.count ?? ""} ${isOpen}`;
    if (item.dataset["version"] === version) return;
    item.dataset["version"] = version;
    const outcome = trace.outcome;
    item.dataset["outcome"] = outcome;
    const row = child(item, ".row");
    row.setAttribute("aria-expanded", String(isOpen));
    const title = titleOf(trace);
    setText(child(row, ".at"), clock(trace.began));
    child(row, ".mark-outcome").replaceChildren(make("span", "visually-hidden", OUTCOMES[outcome]));
    const name = child(row, ".title");
    name.replaceChildren(make("span", "who", title.who), document.createTextNode(" "), make("b", "what", title.what), document.createTextNode(" "), make("span", "args", title.detail));
    child(row, ".chips").replaceChildren(...chipsOf(trace).map((text) => make("span", "chip", text)));
    const [reason] = trace.reasons;
    const why = child(row, ".why");
    setText(why, reason === undefined || (title.who === "log" && outcome === "failed") ? (trace.warnings.length > 0 && title.who !== "log" ? brief(trace.warnings[0] ?? "", REASON) : "") : brief(reason, REASON));
    this.#showDetail(item, trace, isOpen);
  }

  #showDetail(item: HTMLLIElement, trace: Trace, isOpen: boolean): void {
    const old = item.querySelector(".detail");
    for (const part of old?.querySelectorAll("details") ?? []) {
      const key = part.dataset["key"] ?? "";
      if (part.open) this.#opened.add(key);
      else this.#opened.delete(key);
    }
    if (!isOpen) {
      old?.remove();
      return;
    }
    const detail = detailOf(trace, this.nameOf, this.#opened, this.announce);
    if (old === null) item.append(detail);
    else old.replaceWith(detail);
  }

  #onKey(event: KeyboardEvent): void {
    const target = event.target;
    if (!(target instanceof HTMLElement) || !target.classList.contains("row")) {
      if (event.key === "Escape") this.#closeFrom(target);
      return;
    }
    const rows = [...this.#root.querySelectorAll<HTMLButtonElement>("button.row")];
    const index = rows.indexOf(target as HTMLButtonElement);
    const moves: Readonly<Record<string, number>> = { ArrowDown: index + 1, j: index + 1, ArrowUp: index - 1, k: index - 1, Home: 0, End: rows.length - 1 };
    const next = moves[event.key];
    if (next !== undefined) {
      rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
      event.preventDefault();
    } else if (event.key === "Escape") this.open(null);
  }

  #closeFrom(target: EventTarget | null): void {
    const item = target instanceof HTMLElement ? target.closest("li.trace") : null;
    this.open(null);
    item?.querySelector<HTMLButtonElement>(".row")?.focus();
  }
}

function chipsOf(trace: Trace): string[] {
  const chips: string[] = [];
  const called = trace.find("client_called") ?? trace.find("connection_opened") ?? trace.find("connection_closed");
  const started = trace.find("invocation_started");
  if (called !== undefined && started?.function !== undefined && started.function !== called.target) chips.push(started.function);
  const sent = trace.all("service_request").filter((event) => event.reached !== null && event.reached !== undefined);
  if (sent.length > 0) chips.push(`reached ${sent.reduce((sum, event) => sum + (event.reached ?? 0), 0)}`);
  if (trace.duration > 0) chips.push(duration(trace.duration));
  return chips;
}

function child(parent: HTMLElement, selector: string): HTMLElement {
  const found = parent.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`a row has no ${selector}`);
  return found;
}
