// What the button "New conversation" opens: the two forms that add to the list of conversations.

import type { Target } from "./conversations.js";
import { byId } from "./dom.js";

export interface AddingActions {
  /** Resolve to whether it worked: a name that did not stays in its field. */
  join(groupName: string): Promise<boolean>;
  openPrivate(target: Target): void;
}

export class Adding {
  readonly #toggle = byId("add-toggle", HTMLButtonElement);
  readonly #panel = byId("add-panel", HTMLDivElement);
  readonly #groupName = byId("group-name", HTMLInputElement);
  readonly #kind = byId("private-kind", HTMLSelectElement);
  readonly #id = byId("private-id", HTMLInputElement);

  constructor(private readonly actions: AddingActions) {
    this.#toggle.addEventListener("click", () => {
      this.#show(this.#panel.hidden);
      if (!this.#panel.hidden) this.#groupName.focus();
    });
    const onKey = (event: KeyboardEvent): void => this.#onKey(event);
    this.#toggle.addEventListener("keydown", onKey);
    this.#panel.addEventListener("keydown", onKey);
    byId("group-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#join(this.#groupName.value.trim());
    });
    this.#kind.addEventListener("change", () => {
      this.#id.placeholder = this.#kind.value === "connection" ? "Connection id" : "User id";
    });
    byId("private-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#openPrivate(this.#id.value.trim());
    });
  }

  close(): void {
    this.#show(false);
  }

  async #join(name: string): Promise<void> {
    if (name === "") this.#groupName.focus();
    else if (await this.actions.join(name)) {
      this.#groupName.value = "";
      this.close();
    }
  }

  #openPrivate(id: string): void {
    if (id === "") {
      this.#id.focus();
      return;
    }
    this.#id.value = "";
    this.close();
    this.actions.openPrivate({ kind: this.#kind.value === "connection" ? "connection" : "user", id });
  }

  // The drawer around it listens to Escape too, and stays open.
  #onKey(event: KeyboardEvent): void {
    if (event.key !== "Escape" || this.#panel.hidden) return;
    event.stopPropagation();
    this.close();
    this.#toggle.focus();
  }

  #show(isOpen: boolean): void {
    this.#panel.hidden = !isOpen;
    this.#toggle.setAttribute("aria-expanded", String(isOpen));
  }
}
