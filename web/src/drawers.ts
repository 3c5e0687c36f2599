// On a narrow screen the lists slide in from the sides, one at a time.

import { byId } from "./dom.js";

interface Drawer {
  readonly panel: HTMLElement;
  readonly toggle: HTMLButtonElement;
}

export class Drawers {
  readonly #drawers: readonly Drawer[] = ["nav", "people"].map((id) => ({
    panel: byId(id, HTMLElement),
    toggle: byId(`${id}-toggle`, HTMLButtonElement),
  }));
  readonly #main = byId("main", HTMLElement);
  #open: Drawer | null = null;

  constructor() {
    for (const drawer of this.#drawers) {
      drawer.toggle.addEventListener("click", () => {
        this.#show(this.#open === drawer ? null : drawer);
      });
    }
    byId("scrim", HTMLDivElement).addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.#open) return;
      const { toggle } = this.#open;
      this.close();
      toggle.focus();
    });
    // A toggle that the style sheet hides has no drawer to it any more.
    window.addEventListener("resize", () => {
      if (this.#open && this.#open.toggle.offsetParent === null) this.close();
    });
  }

  close(): void {
    this.#show(null);
  }

  #show(open: Drawer | null): void {
    this.#open = open;
    for (const { panel, toggle } of this.#drawers) {
      const isOpen = panel === open?.panel;
      panel.toggleAttribute("data-open", isOpen);
      toggle.setAttribute("aria-expanded", String(isOpen));
    }
    this.#main.inert = open !== null;
    const first = open?.panel.querySelector<HTMLElement>(".row") ?? open?.panel.querySelector("button");
    first?.focus();
  }
}
