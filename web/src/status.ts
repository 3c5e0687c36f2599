// The state of the connection, always in sight, and the one button that changes it.

import type { State, Status } from "./connection.js";
import { byId, setText } from "./dom.js";

const WORDS: Record<State, string> = {
  disconnected: "Disconnected",
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
};

export class StatusBar {
  readonly #status = byId("status", HTMLSpanElement);
  readonly #detail = byId("status-detail", HTMLSpanElement);
  readonly #button = byId("connection-button", HTMLButtonElement);
  #shown: Status | null = null;

  constructor(actions: { connect(): void; disconnect(): void }) {
    this.#button.addEventListener("click", () => {
      if (this.#shown?.state === "connected") actions.disconnect();
      else actions.connect();
    });
    window.setInterval(() => this.#tick(), 250);
  }

  show(status: Status): void {
    this.#shown = status;
    this.#status.dataset["state"] = status.state;
    this.#status.dataset["connectionId"] = status.connectionId ?? "";
    setText(this.#status, WORDS[status.state]);
    setText(this.#button, buttonOf(status.state));
    this.#tick();
  }

  // The countdown is outside the live region: nobody wants to hear every second of it.
  #tick(): void {
    if (this.#shown) setText(this.#detail, detailOf(this.#shown));
  }
}

function buttonOf(state: State): string {
  if (state === "connected") return "Disconnect";
  return state === "disconnected" ? "Reconnect" : "Try now";
}

function detailOf(status: Status): string {
  if (status.state === "connected" || status.state === "disconnected") return "";
  const seconds = status.retryAt === null ? 0 : Math.ceil((status.retryAt - Date.now()) / 1000);
  if (seconds > 0) return `attempt ${status.attempt + 1} in ${seconds} s`;
  return status.attempt > 1 ? `attempt ${status.attempt}` : "";
}
