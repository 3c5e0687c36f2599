// Plays the server: sends to everyone, a user, a group or a connection, and plans what is to go wrong.

import { byId, setText } from "./dom.js";
import { act } from "./api.js";
import { hubsOf, type State } from "./events.js";
import { listOf } from "./fields.js";
import { HubField } from "./hubs.js";

type To = "all" | "user" | "group" | "connection";

export class ServerPanel {
  readonly #hub = new HubField("send-hub");
  readonly #to = byId("send-to", HTMLSelectElement);
  readonly #name = byId("send-name", HTMLInputElement);

  constructor(private readonly open: (traceId: string) => void) {
    byId("send-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.#to.addEventListener("change", () => this.#showName());
    this.#showName();
  }

  /** Take which hubs there are. */
  show(state: State): void {
    this.#hub.offer(hubsOf(state));
  }

  async #send(): Promise<void> {
    const error = byId("send-error", HTMLElement);
    try {
      const { trace_id } = await act<{ trace_id: string }>("send", {
        hub: this.#hub.value,
        to: this.#to.value,
        name: this.#name.value,
        target: byId("send-target", HTMLInputElement).value.trim(),
        arguments: listOf(byId("send-arguments", HTMLTextAreaElement).value, "Arguments"),
      });
      setText(error, "");
      this.open(trace_id);
    } catch (failure) {
      setText(error, failure instanceof Error ? failure.message : String(failure));
    }
  }

  #showName(): void {
    const to = this.#to.value as To;
    byId("send-name-field", HTMLElement).hidden = to === "all";
    setText(byId("send-name-label", HTMLLabelElement), { all: "", user: "User id", group: "Group", connection: "Connection id" }[to]);
    if (to !== "all") this.#name.setAttribute("list", `${to}-choices`);
  }
}

export class FaultPanel {
  readonly #kind = byId("fault-kind", HTMLSelectElement);

  constructor() {
    byId("fault-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#plan(this.#fields());
    });
    byId("fault-clear", HTMLButtonElement).addEventListener("click", () => void this.#plan({ clear: true }));
    this.#kind.addEventListener("change", () => this.#showFields());
    this.#showFields();
  }

  show(state: State): void {
    this.#showPending(state.faults_pending);
  }

  async #plan(fields: object): Promise<void> {
    const error = byId("fault-error", HTMLElement);
    try {
      const { pending } = await act<{ pending: number }>("faults", fields);
      this.#showPending(pending);
      setText(error, "");
    } catch (failure) {
      setText(error, failure instanceof Error ? failure.message : String(failure));
    }
  }

  #fields(): object {
    const kind = this.#kind.value;
    const times = Number(byId("fault-times", HTMLInputElement).value || 1);
    const event = byId("fault-event", HTMLInputElement).value.trim();
    const status = byId("fault-status", HTMLInputElement).value;
    const delay = Number(byId("fault-delay", HTMLInputElement).value || 0);
    if (kind === "lose") return { lose: { event, times } };
    const common = { ...(status === "" ? {} : { status: Number(status) }), delay, times };
    return kind === "rest" ? { rest: common } : { upstream: { ...common, ...(event === "" ? {} : { event }) } };
  }

  #showFields(): void {
    const kind = this.#kind.value;
    byId("fault-answer", HTMLElement).hidden = kind === "lose";
    byId("fault-event-field", HTMLElement).hidden = kind === "rest";
    byId("fault-event", HTMLInputElement).required = kind === "lose";
  }

  #showPending(count: number): void {
    setText(byId("fault-pending", HTMLElement), count === 0 ? "Nothing is planned to go wrong." : `${count} planned.`);
    byId("fault-clear", HTMLButtonElement).hidden = count === 0;
  }
}
