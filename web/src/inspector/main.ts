// Puts the page together: events and the state come in, the timeline and the lists show them.

import { byId, setText } from "./dom.js";
import { getState, StrangerError } from "./api.js";
import { ClientPanel } from "./client.js";
import type { RuntimeEvent, State } from "./events.js";
import { Filters } from "./filters.js";
import { FaultPanel, ServerPanel } from "./server.js";
import { EventStream, type StreamState } from "./stream.js";
import { showTabs } from "./tabs.js";
import { Timeline } from "./timeline.js";
import { Traces } from "./traces.js";
import { Who } from "./who.js";

const STATE_EVERY = 1000;
const STATE_IDLE = 5000;
const SHOW_EVERY = 100;
const STATUS: Readonly<Record<StreamState, string>> = {
  connecting: "connecting",
  live: "live",
  lost: "the runtime is gone; it is looked for again",
  stranger: "the runtime was started anew: open the address that it printed",
};

const traces = new Traces();
const status = byId("status", HTMLElement);
const toast = byId("toast", HTMLElement);
const pause = byId("pause", HTMLButtonElement);
let isPaused = false;
let showing: number | undefined;
let stateDue = 0;
let stateAt = 0;
let forgotten: number | undefined;

const filters = new Filters(() => {
  show();
  if (state !== null) who.show(state);
});
let state: State | null = null;
const who = new Who(filters, announce);
const timeline = new Timeline((id) => who.nameOf(id), announce);
const client = new ClientPanel(announce);
const server = new ServerPanel((id) => {
  filters.clear();
  timeline.open(id);
});
const faults = new FaultPanel();
showTabs();
// A phone shows what happened first.
if (matchMedia("(max-width: 860px)").matches && !filters.isOn) byId("filter-box", HTMLDetailsElement).open = false;

pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  setText(pause, isPaused ? "Go on" : "Pause");
  if (!isPaused) show();
});
byId("clear", HTMLButtonElement).addEventListener("click", () => {
  traces.clear();
  show();
});
document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") byId("filter-target", HTMLInputElement).focus();
  else if (event.key === "j" && !(event.target instanceof HTMLElement && event.target.closest("#timeline"))) timeline.focusFirst();
  else if (event.key === "p") pause.click();
  else return;
  event.preventDefault();
});

void new EventStream(take, (to) => {
  status.dataset["state"] = to;
  setText(status, STATUS[to]);
}).run();
void watchState();

function take(events: readonly RuntimeEvent[]): void {
  traces.add(events);
  for (const event of events) {
    if (event.connection_id !== undefined) who.note(event.connection_id, event.user_id);
    if (event.kind === "message_received") client.receive(event);
    if (event.kind !== "log") stateDue = Math.max(stateDue, stateAt + STATE_EVERY);
  }
  if (!isPaused) showing ??= window.setTimeout(show, SHOW_EVERY);
}

function show(): void {
  showing = undefined;
  const all = traces.latest();
  const shown = filters.isOn ? all.filter((trace) => filters.takes(trace)) : all;
  timeline.show(shown);
  setText(byId("shown", HTMLElement), filters.isOn ? `${shown.length} of ${all.length}` : String(all.length));
  byId("nothing", HTMLElement).hidden = shown.length > 0;
  byId("nothing", HTMLElement).dataset["filtered"] = String(filters.isOn && all.length > 0);
  filters.offer([...new Set(all.flatMap((trace) => trace.hubs))], {
    user: seen(all.flatMap((trace) => trace.users)),
    connection: seen(all.flatMap((trace) => trace.connections)),
    group: seen(all.flatMap((trace) => trace.groups)),
    target: seen(all.flatMap((trace) => trace.targets)),
  });
}

function seen(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

async function watchState(): Promise<void> {
  for (;;) {
    const now = performance.now();
    if (!document.hidden && (now >= stateAt + STATE_IDLE || (stateDue > stateAt && now >= stateDue))) {
      stateAt = now;
      try {
        state = await getState();
        who.show(state);
        client.show(state);
        server.show(state);
        faults.show(state);
      } catch (error) {
        if (error instanceof StrangerError) return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (stateAt === 0) stateAt = -STATE_IDLE;
  }
}

function announce(text: string): void {
  setText(toast, text);
  toast.dataset["shown"] = "true";
  window.clearTimeout(forgotten);
  forgotten = window.setTimeout(() => {
    toast.dataset["shown"] = "false";
  }, 4000);
}
