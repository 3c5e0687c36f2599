// The messages of the conversation on screen.

import { avatarOf } from "./avatar.js";
import { MAX_ENTRIES, titleOf, type Conversation, type Entry } from "./conversations.js";
import { byId, make } from "./dom.js";
import { appendLinked } from "./links.js";
import { startCard } from "./start.js";

const SAME_BREATH = 5 * 60_000;
const NEAR_END = 80;
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class MessageLog {
  #log = byId("log", HTMLDivElement);
  readonly #toEnd = byId("to-end", HTMLButtonElement);
  readonly #shown = new WeakMap<Entry, HTMLElement>();
  #last: Entry | undefined;

  constructor() {
    this.#toEnd.addEventListener("click", () => {
      this.#scrollToEnd();
      this.#log.focus();
    });
    // The log gets shorter when a phone's keyboard opens or the composer grows; the end stays in sight.
    new ResizeObserver(() => {
      if (this.#toEnd.hidden) this.#scrollToEnd();
    }).observe(this.#toEnd.parentElement ?? this.#log);
  }

  /** Show a conversation from its beginning. */
  show(conversation: Conversation): void {
    // A new element, because a screen reader would announce old messages put into a live region.
    const log = make("div", "log");
    log.id = "log";
    log.tabIndex = 0;
    log.setAttribute("role", "log");
    log.setAttribute("aria-live", "polite");
    log.setAttribute("aria-label", `Messages in ${titleOf(conversation.target)}`);
    log.addEventListener("scroll", () => {
      if (this.#isAtEnd()) this.#toEnd.hidden = true;
    });
    this.#last = undefined;
    log.append(startOf(conversation));
    for (const entry of conversation.entries) log.append(...this.#elements(entry));
    this.#log.replaceWith(log);
    this.#log = log;
    this.#scrollToEnd();
  }

  add(entry: Entry): void {
    const follow = this.#isAtEnd() || entry.isOwn;
    this.#log.append(...this.#elements(entry));
    // The first child is not an entry.
    if (this.#log.children.length > MAX_ENTRIES + 1) this.#log.children[1]?.remove();
    if (follow) this.#scrollToEnd();
    else if (entry.kind === "message") this.#toEnd.hidden = false;
  }

  update(conversation: Conversation, entry: Entry): void {
    const element = this.#shown.get(entry);
    if (!conversation.entries.includes(entry)) this.show(conversation);
    else if (element) element.dataset["pending"] = String(entry.isPending);
  }

  /** Return what an entry adds to the log: itself, and before the first of another day the day. */
  #elements(entry: Entry): HTMLElement[] {
    const last = this.#last;
    this.#last = entry;
    const element = this.#element(entry, last);
    if (last === undefined || last.at.toDateString() === entry.at.toDateString()) return [element];
    return [make("p", "day", DAY.format(entry.at)), element];
  }

  #element(entry: Entry, last: Entry | undefined): HTMLElement {
    if (entry.kind === "line") {
      const line = make("p", "line", entry.text);
      line.append(" ", timeOf(entry.at));
      return line;
    }
    const message = make("article", "message");
    this.#shown.set(entry, message);
    message.dataset["own"] = String(entry.isOwn);
    message.dataset["pending"] = String(entry.isPending);
    const continues =
      last?.kind === "message" &&
      last.author === entry.author &&
      last.isOwn === entry.isOwn &&
      entry.at.getTime() - last.at.getTime() < SAME_BREATH;
    message.dataset["continues"] = String(continues);
    const head = make("p", "message-head");
    head.append(make("span", "author", entry.isOwn ? "You" : entry.author), timeOf(entry.at));
    const text = make("p", entry.isData ? "text data" : "text");
    appendLinked(text, entry.text);
    message.append(head, text);
    // Whom an own message is from shows by its place.
    if (!entry.isOwn) message.prepend(avatarOf(entry.author));
    return message;
  }

  #isAtEnd(): boolean {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_END;
  }

  #scrollToEnd(): void {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#toEnd.hidden = true;
  }
}

function timeOf(at: Date): HTMLTimeElement {
  const time = make("time", "", CLOCK.format(at));
  time.dateTime = at.toISOString();
  return time;
}

function startOf(conversation: Conversation): HTMLElement {
  switch (conversation.target.kind) {
    case "everyone":
      return startCard();
    case "group":
      return make("p", "log-start", `Messages to the group ${conversation.target.id} from now on appear here.`);
    case "user":
      return make("p", "log-start", `Only ${conversation.target.id} and you see these messages.`);
    case "connection":
      return make("p", "log-start", "Only this connection and you see these messages.");
  }
}
