// Drive web/src/answers.ts by lines of JSON: commands on standard input, results on standard output.

import { createInterface } from "node:readline";
import { Answers, require } from "../web/bundled.mjs";

const signalr = require("@microsoft/signalr");

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const seen = new Map();
let connection;
let answers;

/** Follow an answer, and keep its text and its pieces as a page would. */
async function follow(id, since = 0) {
  const state = { text: "", seqs: [], kinds: [], end: null };
  seen.set(id, state);
  say({ event: "began", id });
  for await (const piece of answers.stream(id, { since })) {
    state.seqs.push(piece.seq);
    state.kinds.push(piece.kind);
    if (piece.kind === "text") state.text += piece.text;
    if (piece.kind === "reset") state.text = piece.text ?? "";
    say({ event: "piece", id, kind: piece.kind, seq: piece.seq, length: state.text.length });
    if (["done", "error", "cancelled"].includes(piece.kind)) state.end = piece.kind;
  }
  say({ event: "ended", id, ...state });
}

const commands = {
  async start({ url, drop = 0, onAnswer = false }) {
    connection = new signalr.HubConnectionBuilder()
      .withUrl(url)
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 200 })
      .configureLogging(signalr.LogLevel.None)
      .build();
    let count = 0;
    const lossy = {
      // Every so many pieces are lost on the way, as they are while a connection is down.
      on: (target, handle) =>
        connection.on(target, (piece) => {
          count += 1;
          if (drop && count % drop === 0) return;
          handle(piece);
          if (drop) handle(piece);
        }),
      off: (target, handle) => connection.off(target, handle),
      invoke: (...args) => connection.invoke(...args),
      onreconnected: (callback) => connection.onreconnected(callback),
    };
    connection.on("asked", () => {});
    answers = new Answers(lossy, { askAfter: 1000, ...(onAnswer ? { onAnswer: (id) => void follow(id) } : {}) });
    await connection.start();
    return null;
  },
  async ask({ id, question, group = "" }) {
    void follow(id);
    const response = await fetch(`${connection.baseUrl.replace("?", "/questions?")}`, {
      method: "POST",
      body: JSON.stringify({ id, question, group }),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return null;
  },
  async follow({ id, since }) {
    void follow(id, since);
    return null;
  },
  async cancel({ id }) {
    return answers.cancel(id);
  },
  async invoke({ target, args }) {
    return (await connection.invoke(target, ...args)) ?? null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { number, command, ...rest } = JSON.parse(line);
  commands[command](rest).then(
    (result) => say({ number, result }),
    (error) => say({ number, error: error.message }),
  );
}
process.exit(0);
