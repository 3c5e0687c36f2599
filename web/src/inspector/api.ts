// Requests to the runtime that serves this page, with the token of its address.

import type { RuntimeEvent, State } from "./events.js";

const token = new URLSearchParams(location.search).get("token") ?? "";
const base = `${location.origin}/_inspect`;
const authorization = { Authorization: `Bearer ${token}` };

/** The runtime was started anew, with another token. */
export class StrangerError extends Error {}

/** Return who is there. */
export async function getState(): Promise<State> {
  const response = await fetch(`${base}/state`, { headers: authorization });
  check(response);
  return (await response.json()) as State;
}

/** Do something and return what came of it; the message of the error is the runtime's own sentence. */
export async function act<T>(name: string, fields: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${base}/do/${name}`, {
      method: "POST",
      headers: { ...authorization, "Content-Type": "application/json" },
      body: JSON.stringify(fields),
    });
  } catch {
    throw new Error("The runtime does not answer.");
  }
  const answer = (await response.json().catch(() => ({}))) as T & { error?: string | null };
  if (!response.ok) throw new Error(answer.error ?? `The runtime answered ${response.status}.`);
  return answer;
}

/** Events that the page takes at once; while more come, an eighth of it a second, which nobody reads either. */
const BURST = 500;

/** Take events after a number, in pieces, until the runtime ends or is asked to stop. */
export async function follow(
  after: number,
  limit: number,
  signal: AbortSignal,
  take: (events: RuntimeEvent[]) => void,
): Promise<void> {
  const response = await fetch(`${base}/events?follow=true&after=${after}&limit=${limit}&burst=${BURST}`, {
    headers: authorization,
    signal,
  });
  check(response);
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    take(lines.map((line) => JSON.parse(line) as RuntimeEvent));
  }
}

function check(response: Response): void {
  if (response.status === 401 || response.status === 403) throw new StrangerError();
  if (!response.ok) throw new Error(`The runtime answered ${response.status}.`);
}
