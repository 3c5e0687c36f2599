// Drive @microsoft/signalr by lines of JSON: commands on standard input, results and events on standard output.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const signalr = require("@microsoft/signalr");

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let connection;

const commands = {
  async start({ url, events, answers = {}, transport }) {
    connection = new signalr.HubConnectionBuilder()
      .withUrl(url, transport ? { transport: signalr.HttpTransportType[transport] } : {})
      .configureLogging(signalr.LogLevel.None)
      .build();
    for (const event of events) {
      connection.on(event, (...args) => say({ event, arguments: args }));
    }
    for (const [event, answer] of Object.entries(answers)) {
      connection.on(event, () => answer);
    }
    connection.onclose((error) => say({ event: "closed", arguments: [error?.message ?? null] }));
    await connection.start();
    return null;
  },
  async invoke({ target, args }) {
    return (await connection.invoke(target, ...args)) ?? null;
  },
  async stop() {
    await connection.stop();
    return null;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...rest } = JSON.parse(line);
  commands[command](rest).then(
    (result) => say({ id, result }),
    (error) => say({ id, error: error.message }),
  );
}
process.exit(0);
