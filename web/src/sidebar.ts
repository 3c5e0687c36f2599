// The list of conversations.

import type { Conversation, Conversations } from "./conversations.js";
import { titleOf } from "./conversations.js";
import { KeyedList, byId, make, setText } from "./dom.js";

export interface SidebarActions {
  select(conversation: Conversation): void;
}

type List = KeyedList<Conversation, HTMLLIElement>;

export class Sidebar {
  readonly #everyone: List;
  readonly #groups: List;
  readonly #private: List;
  readonly #badge = byId("nav-badge", HTMLSpanElement);
  readonly #toggleLabel = byId("nav-toggle-label", HTMLSpanElement);
  #currentKey = "";

  constructor(private readonly actions: SidebarActions) {
    this.#everyone = this.#list("everyone-list");
    this.#groups = this.#list("group-list");
    this.#private = this.#list("private-list");
  }

  show(conversations: Conversations): void {
    this.#currentKey = conversations.current.key;
    const others = conversations.all.filter((one) => one !== conversations.everyone);
    this.#everyone.show([conversations.everyone]);
    this.#groups.show(others.filter((one) => one.target.kind === "group"));
    this.#private.show(others.filter((one) => one.target.kind !== "group"));

    const unread = conversations.unread;
    setText(this.#badge, unread > 0 ? countText(unread) : "");
    setText(this.#toggleLabel, unread > 0 ? `Conversations, ${unread} unread` : "Conversations");
  }

  #list(id: string): List {
    return new KeyedList<Conversation, HTMLLIElement>(
      byId(id, HTMLUListElement),
      (conversation) => conversation.key,
      (conversation) => this.#create(conversation),
      (child, conversation) => this.#update(child, conversation),
    );
  }

  #create(conversation: Conversation): HTMLLIElement {
    const item = make("li", "");
    const button = make("button", "row");
    button.type = "button";
    const mark = make("span", `kind kind-${conversation.target.kind}`);
    mark.setAttribute("aria-hidden", "true");
    const badge = make("span", "badge");
    badge.setAttribute("aria-hidden", "true");
    button.append(
      mark,
      make("span", "row-name", titleOf(conversation.target)),
      badge,
      make("span", "visually-hidden row-unread"),
    );
    if (conversation.target.kind === "connection") button.title = conversation.target.id;
    button.addEventListener("click", () => this.actions.select(conversation));
    item.append(button);
    return item;
  }

  #update(child: HTMLLIElement, conversation: Conversation): void {
    const { unread } = conversation;
    const button = child.querySelector("button");
    const badge = child.querySelector<HTMLElement>(".badge");
    const words = child.querySelector<HTMLElement>(".row-unread");
    if (!button || !badge || !words) return;
    button.toggleAttribute("data-unread", unread > 0);
    button.toggleAttribute("data-outside", !conversation.isMember);
    if (conversation.key === this.#currentKey) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    setText(badge, unread > 0 ? countText(unread) : "");
    setText(words, unread > 0 ? `, ${unread} unread` : "");
  }
}

function countText(count: number): string {
  return count > 99 ? "99+" : String(count);
}
