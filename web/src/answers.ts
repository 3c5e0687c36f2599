// Streamed answers: for await (const piece of answers.stream(id)). No dependencies; works in browsers and Node.

import type { AnswerPiece, Resumed, ServerPiece } from "./pieces.js";

export type * from "./pieces.js";

/** What is used of a connection: HubConnection of @microsoft/signalr has it. */
export interface AnswerConnection {
  on(target: string, handle: (piece: unknown) => void): void;
  off(target: string, handle: (piece: unknown) => void): void;
  invoke(method: string, ...args: unknown[]): Promise<unknown>;
  onreconnected?(callback: () => void): void;
}

export interface AnswersOptions {
  /** Called with the first piece of an answer that nobody streams: one that was asked for on another device. */
  readonly onAnswer?: (id: string) => void;
  /** False where the app has no store: what is missed is lost then, and ends the answer with an error. */
  readonly canResume?: boolean;
  /** Milliseconds of silence after which the server is asked how the answer is doing. */
  readonly askAfter?: number;
}

export interface StreamOptions {
  /** The number of the last piece that is shown already; 0 for none. */
  readonly since?: number;
}

const TARGET = "answerPiece";
const LAST: readonly string[] = ["done", "error", "cancelled"];
const KEPT_ANSWERS = 20;
const KEPT_PIECES = 500;
const ASK_AFTER = 10_000;
const RETRY_AFTER = 1_000;
const LONGEST_RETRY = 15_000;
const UNKNOWN_AT_MOST = 6;

/** The answers that come over one connection. */
export class Answers {
  readonly #connection: AnswerConnection;
  readonly #options: AnswersOptions;
  readonly #streams = new Map<string, Set<Stream>>();
  /** Pieces that came before anybody asked for their answer. */
  readonly #early = new Map<string, ServerPiece[]>();
  readonly #ended = new Set<string>();

  constructor(connection: AnswerConnection, options: AnswersOptions = {}) {
    this.#connection = connection;
    this.#options = options;
    connection.on(TARGET, this.#receive);
    connection.onreconnected?.(() => this.resume());
  }

  /**
   * The pieces of an answer, in order, each once, until its last one. What was missed, by a lost connection or a
   * reload, is fetched. Leaving the loop stops listening; it does not stop the answer, see cancel().
   */
  stream(id: string, options: StreamOptions = {}): AsyncIterableIterator<AnswerPiece> {
    const stream = new Stream(id, options.since ?? 0, {
      resume: this.#options.canResume === false ? undefined : (since) => this.#resume(id, since),
      askAfter: this.#options.askAfter ?? ASK_AFTER,
      close: () => this.#forget(id, stream),
    });
    const streams = this.#streams.get(id) ?? new Set();
    this.#streams.set(id, streams.add(stream));
    const early = this.#early.get(id) ?? [];
    this.#early.delete(id);
    stream.begin(early);
    return stream;
  }

  /** Stop an answer, on whichever device it was asked for. It ends with the piece `cancelled`. */
  async cancel(id: string): Promise<boolean> {
    return (await this.#connection.invoke("cancelAnswer", id)) === true;
  }

  /** Fetch what was missed of every answer. Call it after a connection was started anew. */
  resume(): void {
    for (const streams of this.#streams.values()) for (const stream of streams) stream.resume();
  }

  /** Stop listening. Streams that are open get no more pieces from the connection. */
  close(): void {
    this.#connection.off(TARGET, this.#receive);
    for (const streams of [...this.#streams.values()]) for (const stream of [...streams]) void stream.return();
  }

  readonly #receive = (value: unknown): void => {
    if (!isPiece(value)) return;
    const streams = this.#streams.get(value.id);
    if (streams !== undefined) {
      for (const stream of [...streams]) stream.receive(value);
      return;
    }
    if (this.#ended.has(value.id)) return;
    const kept = this.#early.get(value.id) ?? [];
    if (kept.length < KEPT_PIECES) kept.push(value);
    if (this.#early.has(value.id)) return;
    this.#early.set(value.id, kept);
    if (this.#early.size > KEPT_ANSWERS) {
      const [oldest] = this.#early.keys();
      if (oldest !== undefined) this.#early.delete(oldest);
    }
    this.#options.onAnswer?.(value.id);
  };

  async #resume(id: string, since: number): Promise<Resumed> {
    return (await this.#connection.invoke("resumeAnswer", id, since)) as Resumed;
  }

  #forget(id: string, stream: Stream): void {
    const streams = this.#streams.get(id);
    streams?.delete(stream);
    if (streams?.size === 0) {
      this.#streams.delete(id);
      // What the service still sends of it is not a new answer.
      this.#ended.add(id);
      if (this.#ended.size > KEPT_ANSWERS * 10) this.#ended.delete([...this.#ended][0] ?? "");
    }
  }
}

interface Means {
  readonly resume: ((since: number) => Promise<Resumed>) | undefined;
  readonly askAfter: number;
  readonly close: () => void;
}

class Stream implements AsyncIterableIterator<AnswerPiece> {
  readonly #id: string;
  readonly #means: Means;
  #seq: number;
  readonly #ahead = new Map<number, ServerPiece>();
  readonly #ready: AnswerPiece[] = [];
  #waiting: ((result: IteratorResult<AnswerPiece>) => void)[] = [];
  #hasEnded = false;
  #isResuming = false;
  #resumeAgain = false;
  #failures = 0;
  #unknown = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(id: string, since: number, means: Means) {
    this.#id = id;
    this.#seq = since;
    this.#means = means;
  }

  begin(early: readonly ServerPiece[]): void {
    for (const piece of early) this.#take(piece);
    // Nothing yet: it may have begun before this page was there.
    if (!this.#hasEnded && (early.length === 0 || this.#ahead.size > 0)) this.resume();
    this.#watch();
  }

  receive(piece: ServerPiece): void {
    this.#take(piece);
    if (this.#ahead.size > 0) this.resume();
    this.#watch();
  }

  resume(): void {
    if (this.#hasEnded) return;
    const resume = this.#means.resume;
    if (resume === undefined) {
      if (this.#ahead.size > 0) this.#fail("A part of the answer was lost.");
      return;
    }
    if (this.#isResuming) {
      this.#resumeAgain = true;
      return;
    }
    this.#isResuming = true;
    const hadBegun = this.#hasBegun();
    void resume(this.#seq)
      .then(
        (resumed) => {
          this.#failures = 0;
          this.#apply(resumed, hadBegun);
        },
        () => {
          // Not connected, or the app does not answer: later again, and at once after a reconnect.
          this.#failures += 1;
        },
      )
      .finally(() => {
        this.#isResuming = false;
        const again = this.#resumeAgain;
        this.#resumeAgain = false;
        if (again && this.#failures === 0) this.resume();
        this.#watch();
      });
  }

  next(): Promise<IteratorResult<AnswerPiece>> {
    const piece = this.#ready.shift();
    if (piece !== undefined) return Promise.resolve({ done: false, value: piece });
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<AnswerPiece>> {
    this.#end();
    this.#ready.length = 0;
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(piece: ServerPiece): void {
    if (this.#hasEnded || piece.seq <= this.#seq) return;
    this.#ahead.set(piece.seq, piece);
    this.#drain();
  }

  #hasBegun(): boolean {
    return this.#seq > 0 || this.#ahead.size > 0;
  }

  #drain(): void {
    let piece = this.#ahead.get(this.#seq + 1);
    while (piece !== undefined && !this.#hasEnded) {
      this.#ahead.delete(piece.seq);
      this.#give(piece);
      piece = this.#ahead.get(this.#seq + 1);
    }
  }

  #apply(resumed: Resumed, hadBegun: boolean): void {
    if (this.#hasEnded) return;
    if (resumed.state === "unknown") {
      // It may have begun only after the server had looked. Once it has begun, unknown means gone.
      if (hadBegun) this.#fail("This answer is not available any more.");
      else if (this.#hasBegun()) this.#resumeAgain = this.#ahead.size > 0;
      else if (++this.#unknown > UNKNOWN_AT_MOST) this.#fail("There is no such answer.");
      else this.#failures = this.#unknown;
      return;
    }
    if (!resumed.recovered && resumed.seq <= this.#seq) {
      // The page has all that a store has which failed for a while, save perhaps the end.
      const end = resumed.pieces.find((piece) => LAST.includes(piece.kind));
      if (end !== undefined) this.#give(end);
    } else if (!resumed.recovered) {
      this.#seq = resumed.seq;
      this.#push({ id: this.#id, seq: resumed.seq, kind: "reset", text: resumed.text });
      for (const piece of resumed.pieces) this.#push(piece);
      if (resumed.state !== "streaming") this.#end();
    } else {
      for (const piece of resumed.pieces) if (piece.seq > this.#seq) this.#give(piece);
    }
    for (const seq of [...this.#ahead.keys()]) if (seq <= this.#seq) this.#ahead.delete(seq);
    this.#drain();
  }

  #fail(text: string): void {
    this.#give({ id: this.#id, seq: this.#seq + 1, kind: "error", text });
  }

  #give(piece: ServerPiece): void {
    this.#seq = piece.seq;
    this.#push(piece);
    if (LAST.includes(piece.kind)) this.#end();
  }

  #push(piece: AnswerPiece): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) waiting({ done: false, value: piece });
    else this.#ready.push(piece);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#ahead.clear();
    for (const waiting of this.#waiting) waiting({ done: true, value: undefined });
    this.#waiting = [];
    this.#means.close();
  }

  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#hasEnded || this.#means.resume === undefined) return;
    const retry = Math.min(RETRY_AFTER * 2 ** (this.#failures - 1), LONGEST_RETRY);
    this.#timer = setTimeout(() => this.resume(), this.#failures > 0 ? retry : this.#means.askAfter);
  }
}

function isPiece(value: unknown): value is ServerPiece {
  const piece = value as Partial<ServerPiece> | null;
  return (
    typeof piece === "object" &&
    piece !== null &&
    typeof piece.id === "string" &&
    typeof piece.seq === "number" &&
    typeof piece.kind === "string"
  );
}
