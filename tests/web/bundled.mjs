// web/src/answers.ts as a module, made by the bundler of the page.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const web = new URL("../../web/", import.meta.url);

/** What the page's packages export, such as "@microsoft/signalr". */
export const require = createRequire(new URL("package.json", web));

const built = require("esbuild").buildSync({
  entryPoints: [fileURLToPath(new URL("src/answers.ts", web))],
  bundle: true,
  format: "esm",
  write: false,
});
const code = Buffer.from(built.outputFiles[0].contents).toString("base64");

export const { Answers } = await import(`data:text/javascript;base64,${code}`);
