// A client with stateful reconnect that sends and receives numbered messages.
// usage: node stateful_client.mjs NEGOTIATE-URL PROTOCOL
// It prints {"opened": true}, then {"received": n} for each message; on "send N" it sends N more numbers.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const signalR = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");
const [url, protocol] = process.argv.slice(2);
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

let builder = new signalR.HubConnectionBuilder()
  .withUrl(url, { transport: signalR.HttpTransportType.WebSockets })
  .withStatefulReconnect({ bufferSize: 10_000_000 })
  .configureLogging(signalR.LogLevel.None);
if (protocol === "messagepack") builder = builder.withHubProtocol(new MessagePackHubProtocol());
const connection = builder.build();
connection.on("number", (number) => say({ received: number }));
connection.onclose((error) => say({ closed: String(error) }));
await connection.start();
say({ opened: connection.connectionId });

let sent = 0;
const failed = (error) => say({ failed: String(error) });
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [command, count] = line.split(" ");
    if (command === "send") for (let i = 0; i < Number(count); i++) connection.send("number", sent++).catch(failed);
    if (command === "invoke") connection.invoke("echo", count).then((answer) => say({ answer }), failed);
  })
  .on("close", async () => {
    await connection.stop();
    process.exit(0);
  });
