// Errors, in front of the person who has to know.

import { byId, make } from "./dom.js";

const MAX_NOTICES = 3;

export class Notices {
  readonly #list = byId("notices", HTMLDivElement);
  readonly #shown = new Map<string, HTMLElement>();

  /** Show an error until it is dismissed. One with a topic replaces the topic's last one. */
  show(text: string, topic = text): void {
    this.dismiss(topic);
    const notice = make("div", "notice");
    notice.setAttribute("role", "alert");
    const dismiss = make("button", "icon-button");
    dismiss.type = "button";
    dismiss.append(make("span", "icon icon-close"), make("span", "visually-hidden", "Dismiss"));
    dismiss.addEventListener("click", () => {
      this.dismiss(topic);
      byId("message", HTMLTextAreaElement).focus();
    });
    this.#list.append(notice);
    notice.append(make("p", "", text), dismiss);
    this.#shown.set(topic, notice);
    for (const oldest of this.#shown.keys()) {
      if (this.#shown.size <= MAX_NOTICES) break;
      this.dismiss(oldest);
    }
  }

  dismiss(topic: string): void {
    this.#shown.get(topic)?.remove();
    this.#shown.delete(topic);
  }

  clear(): void {
    for (const topic of [...this.#shown.keys()]) this.dismiss(topic);
  }
}
