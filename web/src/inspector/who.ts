// Who is there: hubs, connections, users and groups. A click shows only what concerns them.

import { byId, KeyedList, make, setText, visible } from "./dom.js";
import { act } from "./api.js";
import type { Connection, Hub, Sized, State } from "./events.js";
import type { Field, Filters } from "./filters.js";
import { age, bytes, count, shortId } from "./words.js";

interface Row {
  readonly key: string;
  readonly field: Field;
  readonly value: string;
  readonly name: string;
  readonly note: string;
  readonly facts: string;
  readonly connection?: Connection;
}

export class Who {
  readonly #names = new Map<string, string>();
  readonly #lists: Readonly<Record<"hub" | "connection" | "user" | "group", KeyedList<Row, HTMLLIElement>>>;

  constructor(
    private readonly filters: Filters,
    private readonly announce: (text: string) => void,
  ) {
    const list = (id: string): KeyedList<Row, HTMLLIElement> =>
      new KeyedList<Row, HTMLLIElement>(byId(id, HTMLUListElement), (row) => row.key, (row) => this.#create(row), (item, row) => this.#update(item, row));
    this.#lists = { hub: list("hubs"), connection: list("connections"), user: list("users"), group: list("groups") };
  }

  /** Return who a connection is, as far as it was ever seen. */
  nameOf(connection: string): string {
    const user = this.#names.get(connection);
    return user === undefined ? connection : `${user} (${connection})`;
  }

  note(connection: string, user: string | null | undefined): void {
    if (user) this.#names.set(connection, user);
  }

  show(state: State): void {
    const only = this.filters.value("hub");
    const hubs = state.hubs.filter((hub) => only === "" || hub.name === only);
    for (const hub of hubs) for (const one of hub.connections) this.note(one.connection_id, one.user_id);
    this.#lists.hub.show(state.hubs.map((hub) => ({ key: hub.name, field: "hub", value: hub.name, name: hub.name, note: count(hub.connection_count, "connection"), facts: "" })));
    this.#lists.connection.show(hubs.flatMap((hub) => hub.connections.map((one) => rowOf(one, state.played))));
    this.#lists.user.show(hubs.flatMap((hub) => hub.users.map((one) => sized(hub, "user", one))));
    this.#lists.group.show(hubs.flatMap((hub) => hub.groups.map((one) => sized(hub, "group", one))));
    const total = (of: (hub: Hub) => number): number => hubs.reduce((sum, hub) => sum + of(hub), 0);
    setText(byId("connection-count", HTMLElement), String(total((hub) => hub.connection_count)));
    setText(byId("user-count", HTMLElement), String(total((hub) => hub.user_count)));
    setText(byId("group-count", HTMLElement), String(total((hub) => hub.group_count)));
    byId("nobody-here", HTMLElement).hidden = total((hub) => hub.connection_count) > 0;
  }

  #create(row: Row): HTMLLIElement {
    const item = make("li", "one");
    const button = make("button", "pick");
    button.type = "button";
    button.append(make("span", "name"), make("span", "note"), make("span", "facts"));
    button.addEventListener("click", () => this.filters.toggle(row.field, row.value));
    item.append(button);
    if (row.connection !== undefined) item.append(this.#more(row.connection));
    return item;
  }

  #update(item: HTMLLIElement, row: Row): void {
    const set = (name: string, text: string): void => {
      const element = item.querySelector<HTMLElement>(`.pick .${name}`);
      if (element !== null) setText(element, text);
    };
    set("name", row.name);
    set("note", row.note);
    set("facts", row.facts);
    item.querySelector(".pick")?.setAttribute("aria-pressed", String(this.filters.value(row.field) === row.value));
  }

  #more(connection: Connection): HTMLElement {
    const more = make("details", "connection-more");
    const summary = make("summary", "", "Details");
    summary.setAttribute("aria-label", visible(`Details of ${connection.user_id ?? "anonymous"}, connection ${connection.connection_id}`));
    more.append(summary, make("code", "id", connection.connection_id));
    const claims = Object.entries(connection.claims).map(([name, values]) => `${name}: ${values.join(", ")}`);
    more.append(make("pre", "claims", claims.join("\n")));
    const drop = make("button", "small", "Cut off");
    drop.type = "button";
    drop.title = "End the connection without a word, as a network that fails does";
    drop.addEventListener("click", () => {
      act("drop", { connection_id: connection.connection_id }).then(
        () => this.announce("The connection was cut off."),
        (error: unknown) => this.announce(error instanceof Error ? error.message : String(error)),
      );
    });
    more.append(drop);
    return more;
  }
}

function rowOf(one: Connection, played: readonly string[]): Row {
  const facts = [one.transport, one.protocol];
  if (one.seconds !== undefined) facts.push(age(one.seconds), `↑\u00a0${bytes(one.received_bytes ?? 0)}`, `↓\u00a0${bytes(one.sent_bytes ?? 0)}`);
  if (one.groups.length > 0) facts.push(one.groups.length < 4 ? `in ${one.groups.join(", ")}` : `in ${one.groups.length} groups`);
  if (one.waiting.length > 0) facts.push(`${count(one.waiting.length, "event")} on the way`);
  if (played.includes(one.connection_id)) facts.push("played here");
  return { key: one.connection_id, field: "connection", value: one.connection_id, name: one.user_id ?? "anonymous", note: shortId(one.connection_id), facts: facts.join(" · "), connection: one };
}

function sized(hub: Hub, field: "user" | "group", one: Sized): Row {
  return { key: `${hub.name}/${one.name}`, field, value: one.name, name: one.name, note: count(one.connections, "connection"), facts: "" };
}
