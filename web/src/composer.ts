// Where a message is written. The text belongs to its conversation and outlives everything but sending.

import type { Conversation } from "./conversations.js";
import { titleOf } from "./conversations.js";
import { byId, setText } from "./dom.js";

const MAX_ROWS = 8;

export class Composer {
  readonly #text = byId("message", HTMLTextAreaElement);
  readonly #label = byId("message-label", HTMLLabelElement);
  #conversation: Conversation | null = null;

  constructor(send: (conversation: Conversation, text: string) => void) {
    const form = byId("composer", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#text.focus();
      if (this.#conversation && this.#text.value.trim() !== "") send(this.#conversation, this.#text.value.trim());
    });
    this.#text.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a candidate.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    this.#text.addEventListener("input", () => {
      if (this.#conversation) this.#conversation.draft = this.#text.value;
      this.#fit();
    });
  }

  show(conversation: Conversation): void {
    this.#conversation = conversation;
    setText(this.#label, `Message to ${titleOf(conversation.target)}`);
    this.refresh();
  }

  /** Show the draft as it is now. */
  refresh(): void {
    this.#text.value = this.#conversation?.draft ?? "";
    this.#fit();
  }

  /** Be ready for typing, unless that brings up a keyboard that covers half of the screen. */
  focus(): void {
    if (matchMedia("(hover: hover)").matches) this.#text.focus();
  }

  // Where the style sheet's field-sizing is not known, lines are counted.
  #fit(): void {
    this.#text.rows = Math.min(this.#text.value.split("\n").length, MAX_ROWS);
  }
}
