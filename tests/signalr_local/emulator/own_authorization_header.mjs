// Connect with @microsoft/signalr as an app does that sends a token of its own in a header.

import { createRequire } from "node:module";

const [url, name, token] = process.argv.slice(2);
const require = createRequire(new URL("../../../web/package.json", import.meta.url));
const signalr = require("@microsoft/signalr");

const connection = new signalr.HubConnectionBuilder()
  .withUrl(url, { headers: { [name]: `Bearer ${token}` } })
  .configureLogging(signalr.LogLevel.None)
  .build();
await connection.start().catch(() => {});
await connection.stop();
