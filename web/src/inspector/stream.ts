// The events as they come, whatever becomes of the runtime in between.

import { follow, StrangerError } from "./api.js";
import type { RuntimeEvent } from "./events.js";

export type StreamState = "connecting" | "live" | "lost" | "stranger";

const HISTORY = 10_000;
const PAUSES = [300, 700, 1500, 3000];

export class EventStream {
  #last = 0;
  #failures = 0;

  constructor(
    private readonly take: (events: readonly RuntimeEvent[]) => void,
    private readonly tell: (state: StreamState) => void,
  ) {}

  async run(): Promise<void> {
    for (;;) {
      try {
        const ended = new AbortController();
        await follow(this.#last, HISTORY, ended.signal, (events) => {
          this.#failures = 0;
          this.tell("live");
          this.#note(events);
        });
      } catch (error) {
        if (error instanceof StrangerError) {
          this.tell("stranger");
          return;
        }
      }
      this.tell("lost");
      const pause = PAUSES[Math.min(this.#failures, PAUSES.length - 1)] ?? 3000;
      this.#failures += 1;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  #note(events: readonly RuntimeEvent[]): void {
    for (const event of events) if (event.seq !== undefined) this.#last = event.seq;
    this.take(events);
  }
}
