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
  readonly secret: Secret;
}

/** A header that the code takes from the environment: everything else in it is text, whatever a client wrote there. */
interface Secret {
  readonly header: string;
  readonly prefix: string;
  readonly variable: string;
  readonly origin: string;
}

const SIGNATURE: Secret = {
  header: "X-ASRS-Signature",
  prefix: "",
  variable: "SIGNATURE",
  origin: "sha256= and the HMAC-SHA256 of the connection id with the access key, in hex",
};
const TOKEN: Secret = {
  header: "Authorization",
  prefix: "Bearer ",
  variable: "TOKEN",
  origin: "a JSON Web Token, signed with the access key, whose aud is the URL without the query",
};

function requestOf(event: RuntimeEvent): Request {
  const body = event.body ?? null;
  if (event.kind === "upstream_request") {
    const left = ["x-asrs-client-query", "x-asrs-signature"];
    const headers = Object.entries(event.headers ?? {}).filter(([name]) => !left.includes(name.toLowerCase()));
    return { method: "POST", url: event.url ?? "", headers, body, secret: SIGNATURE };
  }
  return {
    method: event.method ?? "GET",
    url: `${location.origin}${event.path ?? ""}?${VERSION}`,
    headers: body === null ? [] : [["Content-Type", "application/json"]],
    body,
    secret: TOKEN,
  };
}

function curl({ method, url, headers, body, secret }: Request): string {
  const lines = [
    `curl -i -X ${/^[A-Z]+$/.test(method) ? method : quoted(method)} ${quoted(url)}`,
    ...headers.map(([name, value]) => `  -H ${quoted(`${name}: ${value}`)}`),
    `  -H "${secret.header}: ${secret.prefix}$${secret.variable}"`,
  ];
  if (body !== null) lines.push(`  --data-raw ${quoted(body)}`);
  return `# ${secret.variable}: ${secret.origin}\n${lines.join(" \\\n")}`;
}

function python({ method, url, headers, body, secret }: Request): string {
  const data = body === null ? "" : `, data=${text(body)}.encode()`;
  return [
    "import os",
    "import urllib.request",
    "",
    `# ${secret.variable}: ${secret.origin}`,
    "headers = {",
    ...headers.map(([name, value]) => `    ${text(name)}: ${text(value)},`),
    `    ${text(secret.header)}: ${secret.prefix === "" ? "" : `${text(secret.prefix)} + `}os.environ[${text(secret.variable)}],`,
    "}",
    `request = urllib.request.Request(${text(url)}${data}, headers=headers, method=${text(method)})`,
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

function script({ method, url, headers, body, secret }: Request): string {
  return [
    `// ${secret.variable}: ${secret.origin}`,
    `const response = await fetch(${JSON.stringify(url)}, {`,
    `  method: ${JSON.stringify(method)},`,
    "  headers: {",
    ...headers.map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`),
    `    ${JSON.stringify(secret.header)}: ${JSON.stringify(secret.prefix)} + process.env.${secret.variable},`,
    "  },",
    ...(body === null ? [] : [`  body: ${JSON.stringify(body)},`]),
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
