// The choice of a hub: one that is known, or any other by its name. The emulator alone knows none before the first
// client came.

import { byId } from "./dom.js";

const OTHER = "";

export class HubField {
  readonly #list: HTMLSelectElement;
  readonly #other: HTMLInputElement;
  readonly #otherField: HTMLElement;
  #offered: string | undefined;

  constructor(id: string) {
    this.#list = byId(id, HTMLSelectElement);
    this.#other = byId(`${id}-other`, HTMLInputElement);
    this.#otherField = byId(`${id}-other-field`, HTMLElement);
    this.#list.addEventListener("change", () => {
      this.#showOther();
      if (!this.#otherField.hidden) this.#other.focus();
    });
  }

  /** Offer the hubs that are known; what is chosen stays chosen. */
  offer(hubs: readonly string[]): void {
    if (hubs.join() === this.#offered) return;
    const isFirst = this.#offered === undefined || this.#offered === "";
    this.#offered = hubs.join();
    // Whoever types a name goes on, and one that is known by now is chosen from the list.
    const chosen = this.value;
    const isTyping = this.#other === document.activeElement;
    this.#list.replaceChildren(...hubs.map((hub) => new Option(hub, hub)), new Option("another one…", OTHER));
    if (hubs.includes(chosen) && !isTyping) this.#list.value = chosen;
    else if (isTyping || chosen !== "" || !isFirst) this.#list.value = OTHER;
    this.#showOther();
  }

  /** The name, in lower case as the service has it. */
  get value(): string {
    return this.#list.value === OTHER ? this.#other.value.trim().toLowerCase() : this.#list.value;
  }

  #showOther(): void {
    this.#otherField.hidden = this.#list.value !== OTHER;
  }
}
