// The form in front of the chat: who are you?

import { byId, setText } from "./dom.js";

const REMEMBERED = "chat.name";

export class JoinForm {
  readonly #screen = byId("join-screen", HTMLDivElement);
  readonly #form = byId("join-form", HTMLFormElement);
  readonly #name = byId("join-name", HTMLInputElement);
  readonly #error = byId("join-error", HTMLParagraphElement);
  readonly #address = byId("join-address", HTMLParagraphElement);

  constructor(joined: (name: string) => void) {
    this.#name.value = remembered();
    this.#name.addEventListener("input", () => this.#complain(""));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#name.value.trim();
      if (name === "") {
        this.#complain("Enter a name.");
        this.#name.focus();
        return;
      }
      remember(name);
      joined(name);
    });
  }

  show(): void {
    this.#screen.hidden = false;
    this.#name.focus();
    this.#name.select();
  }

  hide(): void {
    this.#screen.hidden = true;
  }

  /** Say which app this page talks to, where that is not the one that served it. */
  showAddress(base: string): void {
    setText(this.#address, `Connects to ${base}`);
  }

  /** Say why joining is impossible. */
  refuse(reason: string): void {
    byId("join-button", HTMLButtonElement).disabled = true;
    this.#name.disabled = true;
    setText(this.#error, reason);
  }

  #complain(text: string): void {
    setText(this.#error, text);
    if (text === "") this.#name.removeAttribute("aria-invalid");
    else this.#name.setAttribute("aria-invalid", "true");
  }
}

// A browser that blocks storage throws at its mere mention. Then nothing is remembered.
function remembered(): string {
  try {
    return sessionStorage.getItem(REMEMBERED) ?? "";
  } catch {
    return "";
  }
}

function remember(name: string): void {
  try {
    sessionStorage.setItem(REMEMBERED, name);
  } catch {
    return;
  }
}
