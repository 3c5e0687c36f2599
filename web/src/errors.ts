// What went wrong, in one sentence for the person in front of the page.

/** Thrown for a call while there is no connection; nothing was sent. */
export class NotConnectedError extends Error {
  constructor() {
    super("Not connected. Nothing was sent; your text is still here.");
  }
}

/** Thrown for a call that the app has not answered in time; it may have done its work all the same. */
export class NoAnswerError extends Error {
  constructor(seconds: number) {
    super(
      `The app has not answered within ${seconds} s. Look at the upstream: the service has to reach the app's ` +
        "functions. On your machine the log of the local runtime says what happened; in Azure, the upstream " +
        "settings of the SignalR service.",
    );
  }
}

const FALLBACK = "Something went wrong, and the server did not say what.";

// What the SignalR client says itself. Its sentences are for developers, and some of them end in advice
// about server code.
const CLIENT_SENTENCES: readonly (readonly [RegExp, (match: RegExpMatchArray) => string])[] = [
  [/negotiation with the server: .*Status code '(\d+)'/s, (match) => refused(match[1])],
  [/Unexpected status code returned from negotiate '(\d+)'/, (match) => refused(match[1])],
  [/negotiation with the server: (TypeError|TimeoutError|AbortError)/, () => "The app does not answer."],
  [/negotiation with the server: SyntaxError/, () => "The app's answer to negotiate is not JSON."],
  [/WebSocket failed to connect|Unable to connect to the server with any/, () => "The SignalR service does not answer."],
  [/WebSocket closed with status code|Server timeout elapsed|not in the OPEN state/, () => "The connection to the SignalR service was lost."],
  [
    /Invocation canceled|Cannot send data if the connection is not/,
    () => "The connection was lost before the app answered.",
  ],
  [/Server returned handshake error: (.+)/s, (match) => `The SignalR service refused: ${match[1] ?? ""}`],
  [/Server returned an error on close: (.+)/s, (match) => `The SignalR service closed the connection: ${match[1] ?? ""}`],
];

/**
 * Return the sentence that an error is about.
 *
 * The same failed call reads differently by where the app runs: the local host answers with the sentence
 * alone, the Azure Functions host with the worker's report (result, exception, stack), an ASP.NET Core hub
 * with a preamble. The stack never comes out of here.
 */
export function errorText(error: unknown): string {
  const message = messageOf(error);
  for (const [pattern, sentence] of CLIENT_SENTENCES) {
    const match = message.match(pattern);
    if (match) return finish(withoutStack(sentence(match)));
  }
  const report = message.match(/Result:\s*Failure\s+Exception:\s*([\s\S]*)/);
  const inner = report?.[1] ?? message.match(/on the server\.\s+(\w*Exception: [\s\S]*)/)?.[1] ?? message;
  return finish(withoutStack(inner).replace(/^(?:[\w.]+\.)?HubException:\s*/, ""));
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === "string" ? error : "";
}

function withoutStack(text: string): string {
  return text.split(/\r?\n\s*(?:Stack(?: ?Trace)?:|Traceback \(|at \S|File ")/i, 1)[0] ?? "";
}

function finish(text: string): string {
  return text.trim() || FALLBACK;
}

function refused(status: string | undefined): string {
  if (status === "401" || status === "403") return `The app refuses the connection (${status}). You may have to sign in.`;
  if (status === "404") return "There is no negotiate function at this address (404).";
  return `The app failed to negotiate a connection (${status ?? "no status"}).`;
}
