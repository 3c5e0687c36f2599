// Writes dist/index.html: one file with script and style in it, so that one function can serve the whole
// page and nothing on it is fetched from anywhere else.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const options = {
  bundle: true,
  minify: true,
  write: false,
  target: ["chrome111", "firefox113", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
};

const [script, style, page, client] = await Promise.all([
  bundle("src/main.ts", { format: "iife" }),
  bundle("src/style.css", {}),
  readFile(at("src/index.html"), "utf8"),
  readFile(at("node_modules/@microsoft/signalr/package.json"), "utf8").then(JSON.parse),
]);

// The service's host is known only once negotiate has answered, hence connect-src to anywhere; everything
// else is limited to what is in this file.
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "img-src data:",
  "connect-src http: https: ws: wss:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const built = fill(
  page
    .replace(/<!--(?! notice).*?-->/gs, "")
    .replace(/>\s*\n\s*/g, ">\n")
    .trim(),
  {
    notice: `@microsoft/signalr ${client.version}, (c) .NET Foundation and contributors, MIT License`,
    policy,
    style,
    script,
  },
);

await mkdir(at("dist"), { recursive: true });
await writeFile(at("dist/index.html"), built + "\n");
console.log(`dist/index.html: ${(Buffer.byteLength(built) / 1024).toFixed(0)} KB`);

async function bundle(entry, more) {
  const result = await esbuild.build({ ...options, ...more, entryPoints: [at(entry)] });
  const text = result.outputFiles[0].text.trim();
  // Either would end its element early, and the policy's hash would no longer match.
  if (/<\/(script|style)/i.test(text)) throw new Error(`${entry}: contains a closing tag`);
  return text;
}

function hash(text) {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function fill(template, values) {
  const seen = new Set();
  // A function as replacement, because "$&" in a minified script is not meant as a pattern.
  const text = template.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`src/index.html: unknown placeholder ${name}`);
    seen.add(name);
    return values[name];
  });
  for (const name of Object.keys(values)) {
    if (!seen.has(name)) throw new Error(`src/index.html: no placeholder {{${name}}}`);
  }
  return text;
}
