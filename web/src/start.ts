// What the chat with everybody begins with: what to do first.

import { make } from "./dom.js";

/** Return the first thing in the log: on a developer's machine with the next two steps. */
export function startCard(): HTMLElement {
  const card = make("div", "log-start");
  card.append(make("p", "", "Messages from now on appear here. There is no history."));
  if (!isDevelopersMachine()) return card;
  const steps = make("ul", "steps");
  const second = make("li", "");
  const link = make("a", "", "Open a second window");
  link.href = location.href;
  link.target = "_blank";
  // A window that knows this one would copy its session, and with it the name.
  link.rel = "noopener";
  second.append(link, " and join under another name.");
  const edit = make("li", "");
  edit.append("Edit ", make("code", "", document.body.dataset["source"] ?? ""), ": the app reloads, and everybody stays connected.");
  steps.append(second, edit);
  card.append(steps);
  return card;
}

function isDevelopersMachine(): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
}
