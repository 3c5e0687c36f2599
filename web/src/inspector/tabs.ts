// The tabs on the right, and on a phone those between the columns. What is chosen outlives a reload of the page.

import { byId } from "./dom.js";

export function showTabs(): void {
  follow("play-tabs");
  follow("view-tabs");
}

function follow(id: string): void {
  const list = byId(id, HTMLElement);
  const tabs = [...list.querySelectorAll<HTMLButtonElement>("[role=tab]")];
  const kept = `inspector.${id}`;
  const choose = (tab: HTMLButtonElement): void => {
    for (const one of tabs) {
      const isChosen = one === tab;
      one.setAttribute("aria-selected", String(isChosen));
      one.tabIndex = isChosen ? 0 : -1;
      const panel = document.getElementById(one.getAttribute("aria-controls") ?? "");
      panel?.toggleAttribute("data-chosen", isChosen);
    }
    sessionStorage.setItem(kept, tab.id);
  };
  for (const tab of tabs) tab.addEventListener("click", () => choose(tab));
  list.addEventListener("keydown", (event) => {
    const index = tabs.indexOf(document.activeElement as HTMLButtonElement);
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    if (step === 0 || index < 0 || next === undefined) return;
    choose(next);
    next.focus();
    event.preventDefault();
  });
  const [first] = tabs;
  const chosen = tabs.find((tab) => tab.id === sessionStorage.getItem(kept)) ?? tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? first;
  if (chosen !== undefined) choose(chosen);
}
