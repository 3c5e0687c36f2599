// What the app sends. Nothing about its shape is taken for granted: an HTTP request can make the app send
// any JSON value to any target.

import type { Connected } from "./people.js";

export interface ChatMessage {
  readonly sender: string | null;
  readonly connectionId: string | null;
  readonly text: string;
  /** The text is a JSON value that somebody sent in place of one. */
  readonly isData: boolean;
  readonly groupName: string | null;
  readonly isPrivate: boolean;
}

export interface PresenceEvent {
  readonly connectionId: string | null;
  readonly userId: string | null;
  readonly error: string | null;
}

export function readMessage(argument: unknown): ChatMessage {
  const fields = asRecord(argument);
  // Without a text, the whole argument is what there is to show.
  const content = "text" in fields && fields["text"] !== null ? fields["text"] : argument;
  return {
    sender: asText(fields["sender"]),
    connectionId: asText(fields["connectionId"]),
    text: typeof content === "string" ? content : (JSON.stringify(content, null, 2) ?? ""),
    isData: typeof content !== "string",
    groupName: asText(fields["groupName"]),
    isPrivate: fields["isPrivate"] === true,
  };
}

export function readPresence(argument: unknown): PresenceEvent {
  const fields = asRecord(argument);
  return {
    connectionId: asText(fields["connectionId"]),
    userId: asText(fields["userId"]),
    error: asText(fields["error"]),
  };
}

/** Read the answer of the method `people`: the connections that are there. */
export function readPeople(answer: unknown): readonly Connected[] {
  const people = Array.isArray(answer) ? answer.map(readPresence) : [];
  return people.flatMap(({ connectionId, userId }) => (connectionId === null ? [] : [{ connectionId, userId }]));
}

/** Name a connection whose user is anonymous. */
export function anonymousName(connectionId: string): string {
  return `Anonymous ${shortId(connectionId)}`;
}

/** Return enough of a connection id to tell it from the others on one page. */
export function shortId(connectionId: string): string {
  return connectionId.slice(0, 6);
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function asText(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
