// The list of people, each a way to start a private conversation.

import { avatarOf } from "./avatar.js";
import type { Target } from "./conversations.js";
import { KeyedList, byId, make, setText } from "./dom.js";
import { shortId } from "./events.js";
import type { People, Person, Presence } from "./people.js";

const WORDS: Record<Presence, string> = {
  here: "here",
  gone: "gone",
  unknown: "not known",
};

export class Roster {
  readonly #list: KeyedList<Person, HTMLLIElement>;
  readonly #empty = byId("people-empty", HTMLParagraphElement);
  readonly #note = byId("people-note", HTMLElement);
  readonly #avatar = byId("me-avatar", HTMLSpanElement);
  readonly #name = byId("me-name", HTMLSpanElement);
  readonly #connection = byId("me-connection", HTMLElement);

  constructor(private readonly open: (target: Target) => void) {
    this.#list = new KeyedList<Person, HTMLLIElement>(
      byId("people-list", HTMLUListElement),
      (person) => person.key,
      (person) => this.#create(person),
      (child, person) => this.#update(child, person),
    );
  }

  show(people: People): void {
    const all = people.all;
    this.#list.show(all);
    this.#empty.hidden = all.length > 0;
  }

  /** Say whether the list has everybody, or only those seen since this page joined. */
  setComplete(isComplete: boolean): void {
    this.#note.hidden = isComplete;
  }

  showMe(name: string, connectionId: string | null): void {
    if (this.#name.textContent !== name) this.#avatar.replaceChildren(avatarOf(name));
    setText(this.#name, name);
    setText(this.#connection, connectionId ?? "no connection");
  }

  #create(person: Person): HTMLLIElement {
    const item = make("li", "person");
    const avatar = avatarOf(person.name);
    avatar.append(make("span", "dot"));
    const { userId } = person;
    const name = userId === null ? make("span", "row-name", person.name) : this.#opener(userId, person.name);
    const head = make("div", "person-head");
    head.append(avatar, name, make("span", "presence"));
    item.append(head, make("div", "connections"));
    return item;
  }

  #opener(userId: string, name: string): HTMLButtonElement {
    const button = make("button", "row-name link", name);
    button.type = "button";
    button.setAttribute("aria-label", `Message ${name}`);
    button.addEventListener("click", () => this.open({ kind: "user", id: userId }));
    return button;
  }

  #update(item: HTMLLIElement, person: Person): void {
    item.dataset["presence"] = person.presence;
    const presence = item.querySelector<HTMLElement>(".presence");
    const connections = item.querySelector<HTMLElement>(".connections");
    if (!presence || !connections) return;
    setText(presence, WORDS[person.presence]);
    // The usual case is left to the dot; screen readers hear it all the same.
    presence.classList.toggle("visually-hidden", person.presence === "here");
    const shown = [...connections.children].map((child) => (child as HTMLElement).dataset["id"]);
    const wanted = [...person.connections];
    // Rewritten only when they differ, or a button would lose the focus whenever anybody comes or goes.
    if (shown.join() !== wanted.join()) connections.replaceChildren(...wanted.map((id) => this.#chip(id)));
  }

  #chip(id: string): HTMLButtonElement {
    const button = make("button", "chip", shortId(id));
    button.type = "button";
    button.dataset["id"] = id;
    button.title = id;
    // What is said contains what is shown, for those who speak to their computer.
    button.setAttribute("aria-label", `Message connection ${shortId(id)} (${id})`);
    button.addEventListener("click", () => this.open({ kind: "connection", id }));
    return button;
  }
}
