// An event as a command or code that does the same. Tokens are never in it: it says where one comes from.

import type { RuntimeEvent } from "./events.js";
import { argumentsOf } from "./words.js";

export type Language = "curl" | "Python" | "JavaScript";

const VERSION = "api-version=2024-12-01";

/** Return the languages in which an event can be had. */
export function languagesOf(event: RuntimeEvent): Language[] {
  if (event.kind === "client_called") return ["Python", "JavaScript"];
  if (event.kind === "upstream_request" || event.kind === "service_request") return ["curl", "Python", "JavaScript"];
  return [];
}

/** Return an event as code. */
export function codeOf(event: RuntimeEvent, language: Language): string {
  if (event.kind === "client_called") return language === "Python" ? pythonCall(event) : scriptCall(event);
  const request = requestOf(event);
  if (language === "curl") return curl(request);
  return language === "Python" ? (pythonSend(event) ?? python(request)) : script(request);
}

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | null;
  /** What stands for a secret, and where it comes from. */
  readonly secret: { readonly name: string; readonly origin: string };
}

function requestOf(event: RuntimeEvent): Request {
  const body = event.body ?? null;
  if (event.kind === "upstream_request") {
    const headers = Object.entries(event.headers ?? {}).filter(([name]) => name !== "X-ASRS-Client-Query");
    return {
      method: "POST",
      url: event.url ?? "",
      headers: [...headers, ["X-ASRS-Signature", "$SIGNATURE"]],
      body,
      secret: { name: "SIGNATURE", origin: "sha256= and the HMAC-SHA256 of the connection id with the access key, in hex" },
    };
  }
  return {
    method: event.method ?? "GET",
    url: `${location.origin}${event.path ?? ""}?${VERSION}`,
    headers: [["Authorization", "Bearer $TOKEN"], ...(body === null ? [] : [["Content-Type", "application/json"] as const])],
    body,
    secret: { name: "TOKEN", origin: "a JSON Web Token, signed with the access key, whose aud is the URL without the query" },
  };
}

function curl(request: Request): string {
  const headers = request.headers.map(([name, value]) => `  -H ${value.includes("$") ? `"${name}: ${value}"` : quoted(`${name}: ${value}`)}`);
  const lines = [`curl -i -X ${request.method} ${quoted(request.url)}`, ...headers];
  if (request.body !== null) lines.push(`  --data-raw ${quoted(request.body)}`);
  return `# ${request.secret.name}: ${request.secret.origin}\n${lines.join(" \\\n")}`;
}

function python(request: Request): string {
  const secret = request.secret.name;
  const headers = request.headers.map(([name, value]) => `    ${text(name)}: ${value.includes("$") ? `f${text(value.replace(`$${secret}`, `{${secret.toLowerCase()}}`))}` : text(value)},`);
  const data = request.body === null ? "" : `, data=${text(request.body)}.encode()`;
  return [
    "import os",
    "import urllib.request",
    "",
    `${secret.toLowerCase()} = os.environ[${text(secret)}]  # ${request.secret.origin}`,
    "headers = {",
    ...headers,
    "}",
    `request = urllib.request.Request(${text(request.url)}${data}, headers=headers, method=${text(request.method)})`,
    "with urllib.request.urlopen(request) as response:",
    "    print(response.status, response.read().decode())",
  ].join("\n");
}

/** A message through the REST API has a method of the library that sends it. */
function pythonSend(event: RuntimeEvent): string | null {
  if (event.kind !== "service_request" || !event.target || event.reached === null) return null;
  const names = event.names ?? {};
  const values = [event.target, ...argumentsOf(event.body)].map(literal);
  const [method, to] =
    names["group"] !== undefined ? ["send_to_group", names["group"]] : names["user"] !== undefined ? ["send_to_user", names["user"]] : names["connection"] !== undefined ? ["send_to_connection", names["connection"]] : ["send_to_all", undefined];
  const given = to === undefined ? values : [literal(to), ...values];
  return [
    "import asyncio",
    "import os",
    "from serverless_signalr import ServiceClient",
    "",
    "async def main() -> None:",
    `    async with ServiceClient(os.environ["AzureSignalRConnectionString"], ${literal(event.hub ?? "")}) as client:`,
    `        await client.${method}(${given.join(", ")})`,
    "",
    "asyncio.run(main())",
  ].join("\n");
}

function script(request: Request): string {
  const headers = request.headers.map(([name, value]) => `    ${JSON.stringify(name)}: ${value.includes("$") ? `\`${value.replace(/\$(\w+)/, "${process.env.$1}")}\`` : JSON.stringify(value)},`);
  const body = request.body === null ? [] : [`  body: ${JSON.stringify(request.body)},`];
  return [
    `// ${request.secret.name}: ${request.secret.origin}`,
    `const response = await fetch(${JSON.stringify(request.url)}, {`,
    `  method: ${JSON.stringify(request.method)},`,
    "  headers: {",
    ...headers,
    "  },",
    ...body,
    "});",
    "console.log(response.status, await response.text());",
  ].join("\n");
}

function scriptCall(event: RuntimeEvent): string {
  const values = [event.target ?? "", ...argumentsOf(event.body)].map((value) => JSON.stringify(value));
  const call = event.invocation_id === null ? "send" : "invoke";
  return `const result = await connection.${call}(${values.join(", ")});`;
}

function pythonCall(event: RuntimeEvent): string {
  const values = [event.target ?? "", ...argumentsOf(event.body)].map(literal);
  return [
    "from signalr_local.testing import SignalRTest",
    "",
    "async def test_call() -> None:",
    '    async with SignalRTest(".", worker=True) as env:',
    `        client = await env.connect(${event.user_id == null ? "" : literal(event.user_id)})`,
    `        result = await client.invoke(${values.join(", ")})`,
  ].join("\n");
}

/** Return a JSON value as Python writes it. */
function literal(value: unknown): string {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, item]) => `${text(name)}: ${literal(item)}`).join(", ")}}`;
  return typeof value === "string" ? text(value) : String(value);
}

function text(value: string): string {
  return JSON.stringify(value);
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", "'\\''")}'`;
}
