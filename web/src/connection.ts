// The connection to the hub, which comes back by itself until it is told to stop.

import { HubConnectionBuilder, HubConnectionState, LogLevel, type HubConnection } from "@microsoft/signalr";
import { readMessage, readPresence, type ChatMessage, type PresenceEvent } from "./events.js";
import { NoAnswerError, NotConnectedError, errorText } from "./errors.js";
import { RefreshingHttpClient } from "./refresh.js";

export type State = "disconnected" | "connecting" | "connected" | "reconnecting";

export interface Status {
  readonly state: State;
  readonly connectionId: string | null;
  /** Attempts made since the connection was lost or asked for; 0 before the first. */
  readonly attempt: number;
  /** When the next attempt starts, in the clock of Date.now(); null while one is under way. */
  readonly retryAt: number | null;
  /** Why the connection was lost or the last attempt failed. */
  readonly reason: string | null;
}

export interface ChatEvents {
  status(status: Status): void;
  /** A new connection stands; `again` if there was one before. Calls work, others come after this. */
  established(again: boolean): Promise<void>;
  newMessage(message: ChatMessage): void;
  newConnection(event: PresenceEvent): void;
  connectionClosed(event: PresenceEvent): void;
}

/** The first attempt follows at once; then the pause doubles. */
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;

/** Longer than a function app takes to start, shorter than anybody waits for a message to be sent. */
const ANSWER_WITHIN = 20_000;

/** A connection that ended sooner than this counts as a failed attempt, or a server that closes every
 * connection at once would be asked again without a pause. */
const STABLE_AFTER = 5_000;

/** How long the groups are waited for. A function app that has to start first can take longer, but the
 * rest of the chat works without them. */
const ESTABLISHED_WITHIN = 5_000;

/**
 * One person's connection. It retries in here and not with withAutomaticReconnect(), which does not cover
 * the first start, cannot be hurried, and stops for good when the service closes without allowing it.
 */
export class ChatConnection {
  readonly #hub: HubConnection;
  readonly #signedIn: RefreshingHttpClient;
  readonly #events: ChatEvents;
  readonly #ownIds = new Set<string>();
  #status: Status = { state: "disconnected", connectionId: null, attempt: 0, retryAt: null, reason: null };
  #wanted = false;
  #starting = false;
  #wasConnected = false;
  #stableTimer: number | undefined;
  #retryTimer: number | undefined;

  constructor(base: string, user: string, events: ChatEvents) {
    this.#events = events;
    // The client puts "/negotiate" before the query, and keeps the query.
    const url = `${base}?user=${encodeURIComponent(user)}`;
    this.#signedIn = new RefreshingHttpClient(url);
    this.#hub = new HubConnectionBuilder()
      .withUrl(url, { httpClient: this.#signedIn })
      .configureLogging(LogLevel.None)
      .build();
    this.#on("newMessage", (argument) => events.newMessage(readMessage(argument)));
    this.#on("newConnection", (argument) => events.newConnection(readPresence(argument)));
    this.#on("connectionClosed", (argument) => events.connectionClosed(readPresence(argument)));
    this.#hub.onclose((error) => this.#lost(error));
  }

  get status(): Status {
    return this.#status;
  }

  /** Say whether calls can be made, which is so a little before the status says "connected". */
  get isUp(): boolean {
    return this.#hub.state === HubConnectionState.Connected;
  }

  /** Say whether a connection is or was this page's own. */
  isOwn(connectionId: string | null): boolean {
    return connectionId !== null && (this.#ownIds.has(connectionId) || connectionId === this.#hub.connectionId);
  }

  /** Connect, or skip the wait for the next attempt. */
  connect(): void {
    this.#wanted = true;
    if (this.#starting || this.#hub.state !== HubConnectionState.Disconnected) return;
    window.clearTimeout(this.#retryTimer);
    void this.#start();
  }

  /** Disconnect, and stay so until connect(). */
  disconnect(): void {
    this.#wanted = false;
    this.#wasConnected = false;
    window.clearTimeout(this.#retryTimer);
    window.clearTimeout(this.#stableTimer);
    this.#set({ state: "disconnected", connectionId: null, attempt: 0, retryAt: null, reason: null });
    void this.#hub.stop();
  }

  /**
   * Call a method of the hub and return what it answers. Reject with NotConnectedError if that is impossible
   * now, and with NoAnswerError if no answer comes in time.
   */
  async call(method: string, ...args: readonly unknown[]): Promise<unknown> {
    if (!this.isUp) throw new NotConnectedError();
    return within(ANSWER_WITHIN, this.#hub.invoke(method, ...args));
  }

  #on(event: string, handle: (argument: unknown) => void): void {
    this.#hub.on(event, (argument: unknown) => {
      // What still arrives while the connection closes is not for this page any more.
      if (this.#wanted) handle(argument);
    });
  }

  async #start(): Promise<void> {
    this.#starting = true;
    this.#set({
      state: this.#wasConnected ? "reconnecting" : "connecting",
      connectionId: null,
      attempt: this.#status.attempt + 1,
      retryAt: null,
    });
    try {
      await this.#hub.start();
    } catch (error) {
      this.#starting = false;
      this.#retry(errorText(error));
      return;
    }
    this.#starting = false;
    if (!this.#wanted) {
      void this.#hub.stop();
      return;
    }
    const again = this.#ownIds.size > 0;
    const connectionId = this.#hub.connectionId;
    if (connectionId !== null) this.#ownIds.add(connectionId);
    this.#wasConnected = true;
    await Promise.race([this.#events.established(again), pause(ESTABLISHED_WITHIN)]);
    if (this.#hub.connectionId !== connectionId || !this.isUp) return;
    this.#set({ state: "connected", connectionId, retryAt: null, reason: null });
    this.#stableTimer = window.setTimeout(() => this.#set({ attempt: 0 }), STABLE_AFTER);
  }

  #lost(error: Error | undefined): void {
    window.clearTimeout(this.#stableTimer);
    this.#signedIn.stop();
    this.#retry(error ? errorText(error) : "The SignalR service closed the connection.");
  }

  #retry(reason: string): void {
    if (!this.#wanted) return;
    const delay = delayBefore(this.#status.attempt);
    window.clearTimeout(this.#retryTimer);
    this.#retryTimer = window.setTimeout(() => this.connect(), delay);
    this.#set({
      state: this.#wasConnected ? "reconnecting" : "connecting",
      connectionId: null,
      retryAt: Date.now() + delay,
      reason,
    });
  }

  #set(change: Partial<Status>): void {
    this.#status = { ...this.#status, ...change };
    this.#events.status(this.#status);
  }
}

/** Return the pause before an attempt. Its second half is left to chance, so that not everybody comes back at once. */
function delayBefore(attempt: number): number {
  if (attempt === 0) return 0;
  const longest = Math.min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY);
  return longest / 2 + (Math.random() * longest) / 2;
}

async function within<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  let timer: number | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(new NoAnswerError(milliseconds / 1000)), milliseconds);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    window.clearTimeout(timer);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => window.setTimeout(resolve, milliseconds));
}
