// Connection ids are for those who build the app: they are shown on demand, and the choice is remembered.

import { byId } from "./dom.js";

const KEY = "chat.developer";

export class DeveloperToggle {
  constructor() {
    const toggle = byId("developer", HTMLInputElement);
    toggle.checked = remembered();
    const apply = (): void => {
      document.body.toggleAttribute("data-developer", toggle.checked);
    };
    toggle.addEventListener("change", () => {
      remember(toggle.checked);
      apply();
      if (!toggle.checked) this.#chooseUsers();
    });
    apply();
  }

  // The choice between users and connections is hidden then.
  #chooseUsers(): void {
    const kind = byId("private-kind", HTMLSelectElement);
    kind.value = "user";
    kind.dispatchEvent(new Event("change"));
  }
}

// A browser that blocks storage throws at its mere mention. Then nothing is remembered.
function remembered(): boolean {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

function remember(isOn: boolean): void {
  try {
    localStorage.setItem(KEY, isOn ? "on" : "off");
  } catch {
    return;
  }
}
