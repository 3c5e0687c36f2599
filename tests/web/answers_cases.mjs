// Play server to web/src/answers.ts: a case is a list of steps, and what the page gets is printed as JSON.

import { Answers } from "./bundled.mjs";

const { steps, since, canResume } = JSON.parse(process.argv[2]);
const results = [];
const asked = [];
let receive;
const connection = {
  on: (_, handle) => (receive = handle),
  off: () => {},
  invoke: (method, id, from) => {
    asked.push([method, id, from]);
    const result = results.shift() ?? { state: "streaming", recovered: true, seq: from, text: null, pieces: [] };
    return result === "fails" ? Promise.reject(new Error("gone")) : Promise.resolve(result);
  },
};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const answers = new Answers(connection, { canResume });
const early = steps.findIndex((step) => step === "stream");
const got = [];
let stream;
for (const [number, step] of steps.entries()) {
  if (step === "stream") {
    stream = answers.stream("a", { since });
    void (async () => {
      for await (const piece of stream) got.push(piece);
      got.push("ended");
    })();
  } else if (step === "resume") answers.resume();
  else if (step.result !== undefined) results.push(step.result);
  else receive("value" in step ? step.value : step);
  if (number >= early) await turn();
}
await turn();
await stream.return();
process.stdout.write(JSON.stringify({ got, asked }));
