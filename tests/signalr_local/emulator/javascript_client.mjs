// Connect with @microsoft/signalr, tell what happens in lines of JSON, and stop when standard input ends.

import { createRequire } from "node:module";

const [url, transport, protocol, comesBack] = process.argv.slice(2);
const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const signalr = require("@microsoft/signalr");

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const builder = new signalr.HubConnectionBuilder()
  .withUrl(url, { transport: signalr.HttpTransportType[transport] })
  .configureLogging(signalr.LogLevel.None);
if (protocol === "messagepack") {
  const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");
  builder.withHubProtocol(new MessagePackHubProtocol());
}
if (comesBack) {
  builder.withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 50 });
}
const connection = builder.build();
connection.on("m", (...args) => say({ received: args }));
connection.on("confirm", (question) => ({ answered: question }));
connection.onreconnected((id) => say({ reconnected: id }));
connection.onclose((error) => say({ closed: error?.message ?? null }));

await connection.start();
say({ connectionId: connection.connectionId });
say({ result: await connection.invoke("echo", { a: "ü", b: [1, null, true] }) });
await connection.invoke("fail").catch((error) => say({ error: error.message }));

for await (const _ of process.stdin);
await connection.stop();
