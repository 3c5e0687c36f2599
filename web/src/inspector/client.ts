// Plays a client: connects, calls methods of the hub, listens.

import { byId, make, setText, visible } from "./dom.js";
import { act } from "./api.js";
import { hubsOf, moment, type AppFunction, type RuntimeEvent, type State } from "./events.js";
import { readFields, parse, showFields } from "./fields.js";
import { HubField } from "./hubs.js";
import { brief, clock, pretty, shortId } from "./words.js";

const MAX_RECEIVED = 50;
const OTHER = "";

export class ClientPanel {
  readonly #clients = byId("clients", HTMLSelectElement);
  readonly #methods = byId("methods", HTMLSelectElement);
  readonly #fields = byId("arguments", HTMLElement);
  readonly #hub = new HubField("connect-hub");
  readonly #answer = byId("answer", HTMLElement);
  readonly #received = byId("received", HTMLOListElement);
  #functions: readonly AppFunction[] = [];
  #shownMethods = "";
  #played: readonly string[] = [];
  #state: State | null = null;
  readonly #messages: RuntimeEvent[] = [];

  constructor(private readonly announce: (text: string) => void) {
    byId("connect-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#connect();
    });
    byId("call-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#call();
    });
    byId("leave", HTMLButtonElement).addEventListener("click", () => void this.#end("leave"));
    this.#clients.addEventListener("change", () => {
      this.#showMethods();
      this.#showReceived();
    });
    this.#methods.addEventListener("change", () => this.#showFields());
    this.#showClients();
  }

  /** Take who is there, and what there is to call. */
  show(state: State): void {
    this.#state = state;
    this.#functions = (state.app.functions ?? []).filter((one) => one.category?.toLowerCase() === "messages");
    this.#hub.offer(hubsOf(state));
    // Before the runtime has told its hubs, whatever is chosen is not what is meant.
    byId("connect", HTMLButtonElement).disabled = false;
    if (state.played.join() !== this.#played.join()) {
      this.#played = state.played;
      this.#showClients();
    }
    this.#showMethods();
  }

  receive(event: RuntimeEvent): void {
    this.#messages.unshift(event);
    this.#messages.length = Math.min(this.#messages.length, MAX_RECEIVED * 4);
    this.#showReceived();
  }

  async #connect(): Promise<void> {
    try {
      const text = byId("connect-claims", HTMLTextAreaElement).value;
      const claims = text.trim() === "" ? {} : parse(text, "Claims");
      const fields = { hub: this.#hub.value, user: byId("connect-user", HTMLInputElement).value.trim(), claims };
      const { connection_id } = await act<{ connection_id: string }>("connect", fields);
      this.#played = [...this.#played, connection_id];
      this.#showClients(connection_id, fields.user, fields.hub);
      this.announce(`${fields.user === "" ? "A client" : fields.user} is connected.`);
      this.#tell("connect-error", "");
    } catch (error) {
      this.#tell("connect-error", message(error));
    }
  }

  async #call(): Promise<void> {
    const client = this.#clients.value;
    try {
      const [target, values] = this.#methods.value === OTHER ? [byId("other-method", HTMLInputElement).value.trim(), readFields(this.#fields)] : [this.#methods.value, readFields(this.#fields)];
      this.#say("Waiting for the answer…", "waiting");
      const answer = await act<{ result: unknown }>("call", { connection_id: client, target, arguments: values });
      this.#say(pretty(JSON.stringify(answer.result)), "ok");
    } catch (error) {
      this.#say(message(error), "bad");
    }
  }

  async #end(how: "leave"): Promise<void> {
    try {
      await act(how, { connection_id: this.#clients.value });
    } catch (error) {
      this.announce(message(error));
    }
  }

  #showClients(chosen = this.#clients.value, user = "", hub = ""): void {
    const options = this.#played.map((id) => {
      const option = new Option(visible(this.#nameOf(id, id === chosen ? user : "", id === chosen ? hub : "")), id);
      option.dataset["hub"] = this.#hubOf(id) ?? hub;
      return option;
    });
    this.#clients.replaceChildren(...options);
    if (this.#played.includes(chosen)) this.#clients.value = chosen;
    const isEmpty = this.#played.length === 0;
    byId("call-panel", HTMLElement).hidden = isEmpty;
    byId("no-client", HTMLElement).hidden = !isEmpty;
    this.#showMethods();
    this.#showReceived();
  }

  #showMethods(): void {
    const hub = this.#hubOf(this.#clients.value) ?? this.#clients.selectedOptions[0]?.dataset["hub"] ?? "";
    const methods = this.#functions.filter((one) => one.hub?.toLowerCase() === hub.toLowerCase());
    const version = JSON.stringify([hub, methods]);
    if (version === this.#shownMethods) return;
    this.#shownMethods = version;
    const chosen = this.#methods.value;
    this.#methods.replaceChildren(...methods.map((one) => new Option(visible(one.event ?? one.name), one.event ?? one.name)), new Option("another one…", OTHER));
    if (methods.some((one) => one.event === chosen)) this.#methods.value = chosen;
    this.#showFields();
  }

  #showFields(): void {
    const hub = this.#hubOf(this.#clients.value) ?? this.#clients.selectedOptions[0]?.dataset["hub"] ?? "";
    const method = this.#functions.find((one) => one.event === this.#methods.value && one.hub?.toLowerCase() === hub.toLowerCase());
    byId("other-field", HTMLElement).hidden = this.#methods.value !== OTHER;
    showFields(this.#fields, method?.parameters ?? null);
  }

  #showReceived(): void {
    const mine = this.#messages.filter((event) => event.connection_id === this.#clients.value).slice(0, MAX_RECEIVED);
    byId("nothing-received", HTMLElement).hidden = mine.length > 0;
    this.#received.replaceChildren(
      ...mine.map((event) => {
        const item = make("li", "received");
        item.append(make("time", "at", clock(moment(event))), make("b", "", event.target ?? ""), make("code", "", brief(argumentsText(event), 200)));
        return item;
      }),
    );
  }

  #nameOf(id: string, user: string, hub: string): string {
    for (const one of this.#state?.hubs ?? []) {
      const found = one.connections.find((each) => each.connection_id === id);
      if (found !== undefined) return `${found.user_id ?? "anonymous"} in ${one.name} (${shortId(id)})`;
    }
    return `${user === "" ? "anonymous" : user}${hub === "" ? "" : ` in ${hub}`} (${shortId(id)})`;
  }

  #hubOf(id: string): string | undefined {
    return this.#state?.hubs.find((hub) => hub.connections.some((one) => one.connection_id === id))?.name;
  }

  #say(text: string, state: string): void {
    setText(this.#answer, text);
    this.#answer.dataset["state"] = state;
  }

  #tell(id: string, text: string): void {
    setText(byId(id, HTMLElement), text);
  }
}

function argumentsText(event: RuntimeEvent): string {
  try {
    const { arguments: values } = JSON.parse(event.body ?? "{}") as { arguments?: unknown[] };
    return (values ?? []).map((value) => JSON.stringify(value)).join(", ");
  } catch {
    return event.body ?? "";
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
