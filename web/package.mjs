// Makes the npm package of the client of streamed answers, in build/answers or in the folder that is named:
// src/answers.ts as JavaScript with its types, and nothing that it depends on.

import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = process.argv[2] ?? at("build/answers");

// The package has the version of the Python library, whose methods and pieces it knows.
const version = /^version = "(.+)"$/m.exec(await readFile(at("../pyproject.toml"), "utf8"))[1];

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const compiler = [at("node_modules/typescript/bin/tsc"), "--project", at("answers/tsconfig.json"), "--outDir", folder];
execFileSync(process.execPath, compiler, { stdio: "inherit" });
await copyFile(at("answers/README.md"), `${folder}/README.md`);
await copyFile(at("../LICENSE"), `${folder}/LICENSE`);
const description = JSON.parse(await readFile(at("answers/package.json"), "utf8"));
await writeFile(`${folder}/package.json`, `${JSON.stringify({ ...description, version }, null, 2)}\n`);
console.log(`${folder}: ${description.name} ${version}. To pack it: npm pack ${folder}`);
