// Writes dist/index.html, the chat, dist/answers.html, the page of examples/answers, and the inspector's page,
// which belongs to the local runtime: each is one file with script and style in it, so that one function can
// serve the whole page and nothing on it is fetched from anywhere else.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
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

const client = await versionOf("@microsoft/signalr");
const marked = await versionOf("marked");
const notice = `@microsoft/signalr ${client}, (c) .NET Foundation and contributors, MIT License`;

await mkdir(at("dist"), { recursive: true });
// The service's host is known only once negotiate has answered, hence connections to anywhere.
const anywhere = "http: https: ws: wss:";
await build("src", "dist/index.html", anywhere, notice);
await build("src/assistant", "dist/answers.html", anywhere, `${notice}; marked ${marked}, (c) MarkedJS and others, MIT License`);
if (existsSync(at("../signalr_local/inspector"))) {
  await build("src/inspector", "../signalr_local/inspector/page.html", "'self'", "no code of others");
}

async function build(folder, output, reach, notice) {
  const [script, style, page] = await Promise.all([
    bundle(`${folder}/main.ts`, { format: "iife" }),
    bundle(`${folder}/style.css`, {}),
    readFile(at(`${folder}/index.html`), "utf8"),
  ]);
  // Everything but connections is limited to what is in this file.
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "img-src data:",
    `connect-src ${reach}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const built = fill(
    `${folder}/index.html`,
    page
      .replace(/<!--(?! notice).*?-->/gs, "")
      .replace(/>\s*\n\s*/g, ">\n")
      .trim(),
    { notice, policy, style, script },
  );
  await writeFile(at(output), built + "\n");
  console.log(`${output}: ${(Buffer.byteLength(built) / 1024).toFixed(0)} KB`);
}

async function versionOf(name) {
  return JSON.parse(await readFile(at(`node_modules/${name}/package.json`), "utf8")).version;
}

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

function fill(source, template, values) {
  const seen = new Set();
  // A function as replacement, because "$&" in a minified script is not meant as a pattern.
  const text = template.replace(/\{\{(\w+)\}\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`${source}: unknown placeholder ${name}`);
    seen.add(name);
    return values[name];
  });
  for (const name of Object.keys(values)) {
    if (!seen.has(name)) throw new Error(`${source}: no placeholder {{${name}}}`);
  }
  return text;
}
