// Drive @microsoft/signalr with the page's module that keeps a connection signed in, by lines of JSON.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const signalr = require("@microsoft/signalr");
const source = await readFile(new URL("../../web/src/refresh.ts", import.meta.url), "utf8");
const { code } = await require("esbuild").transform(source, { loader: "ts", format: "cjs" });
const module = { exports: {} };
new Function("require", "module", code)(require, module);

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
let connection, signedIn;

const commands = {
  async start({ url, transport, refreshes }) {
    signedIn = new module.exports.RefreshingHttpClient(url);
    connection = new signalr.HubConnectionBuilder()
      .withUrl(url, {
        transport: signalr.HttpTransportType[transport],
        ...(refreshes ? { httpClient: signedIn } : {}),
      })
      .configureLogging(signalr.LogLevel.None)
      .build();
    connection.on("tick", (number) => say({ event: "tick", value: number }));
    connection.onclose((error) => say({ event: "closed", value: error?.message ?? null }));
    await connection.start();
    return connection.connectionId;
  },
  refresh: () => signedIn.refresh(),
  invoke: ({ target }) => connection.invoke(target),
  id: () => connection.connectionId,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...rest } = JSON.parse(line);
  Promise.resolve(commands[command](rest)).then(
    (result) => say({ id, result: result ?? null }),
    (error) => say({ id, error: error.message }),
  );
}
process.exit(0);
