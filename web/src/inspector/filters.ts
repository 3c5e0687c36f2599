// Which traces are shown. What is chosen outlives a reload of the page.

import { byId } from "./dom.js";
import type { Trace } from "./traces.js";

const FIELDS = ["hub", "outcome", "user", "connection", "group", "target"] as const;
export type Field = (typeof FIELDS)[number];

const KEPT = "inspector.filters";
const MAX_CHOICES = 200;

export class Filters {
  readonly #inputs = new Map<Field, HTMLInputElement | HTMLSelectElement>();

  constructor(private readonly changed: () => void) {
    const kept = this.#kept();
    for (const field of FIELDS) {
      const input = field === "hub" || field === "outcome" ? byId(`filter-${field}`, HTMLSelectElement) : byId(`filter-${field}`, HTMLInputElement);
      this.#inputs.set(field, input);
      const value = kept[field] ?? "";
      // A hub is a choice only once it is known.
      if (field === "hub" && value !== "") input.append(new Option(value, value));
      input.value = value;
      input.addEventListener("input", () => this.#change());
    }
    byId("filter-clear", HTMLButtonElement).addEventListener("click", () => this.clear());
    this.#mark();
  }

  /** Tell whether a trace is shown. */
  takes(trace: Trace): boolean {
    const outcome = this.#value("outcome");
    if (outcome === "bad" && trace.outcome !== "failed" && trace.outcome !== "nobody") return false;
    if (outcome !== "" && outcome !== "bad" && trace.outcome !== outcome) return false;
    return (
      has(trace.hubs, this.#value("hub"), true) &&
      has(trace.users, this.#value("user")) &&
      has(trace.connections, this.#value("connection")) &&
      has(trace.groups, this.#value("group")) &&
      has(trace.targets, this.#value("target"))
    );
  }

  get isOn(): boolean {
    return FIELDS.some((field) => this.#value(field) !== "");
  }

  /** Show only what concerns somebody, or everything again where that was shown already. */
  toggle(field: Field, value: string): void {
    const input = this.#inputs.get(field);
    if (input === undefined) return;
    if (field === "hub" && ![...(input as HTMLSelectElement).options].some((option) => option.value === value)) input.append(new Option(value, value));
    input.value = input.value === value ? "" : value;
    this.#change();
  }

  value(field: Field): string {
    return this.#value(field);
  }

  clear(): void {
    for (const input of this.#inputs.values()) input.value = "";
    this.#change();
  }

  /** Offer what there is to choose from. */
  offer(hubs: readonly string[], lists: Readonly<Record<"user" | "connection" | "group" | "target", readonly string[]>>): void {
    const select = byId("filter-hub", HTMLSelectElement);
    const known = new Set([...select.options].map((option) => option.value));
    for (const hub of hubs) if (!known.has(hub)) select.append(new Option(hub, hub));
    for (const [name, values] of Object.entries(lists)) {
      const list = byId(`${name}-choices`, HTMLDataListElement);
      const wanted = values.slice(0, MAX_CHOICES);
      if ([...list.options].map((option) => option.value).join("\n") === wanted.join("\n")) continue;
      list.replaceChildren(...wanted.map((value) => new Option("", value)));
    }
  }

  #value(field: Field): string {
    return this.#inputs.get(field)?.value.trim() ?? "";
  }

  #change(): void {
    sessionStorage.setItem(KEPT, JSON.stringify(Object.fromEntries(FIELDS.map((field) => [field, this.#value(field)]))));
    this.#mark();
    this.changed();
  }

  #mark(): void {
    byId("filter-clear", HTMLButtonElement).hidden = !this.isOn;
    for (const [field, input] of this.#inputs) input.toggleAttribute("data-on", this.#value(field) !== "");
  }

  #kept(): Partial<Record<Field, string>> {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") as Partial<Record<Field, string>>;
    } catch {
      return {};
    }
  }
}

function has(values: readonly string[], wanted: string, exact = false): boolean {
  if (wanted === "") return true;
  const lowered = wanted.toLowerCase();
  return values.some((value) => (exact ? value === wanted : value.toLowerCase().includes(lowered)));
}
