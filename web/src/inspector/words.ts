// How things are said: short, and the same everywhere on the page.

import { visible } from "./dom.js";

/** Return a duration. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** Return how long something has been there, in seconds. */
export function age(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Return a number of bytes. */
export function bytes(count: number): string {
  if (count < 1000) return `${count}\u00a0B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)}\u00a0kB`;
  return `${(count / 1_000_000).toFixed(1)}\u00a0MB`;
}

/** Return a connection id, short enough for a line. */
export function shortId(id: string): string {
  return id.length > 8 ? `${id.slice(0, 6)}…` : id;
}

/** Return a count with its noun. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Return the time of day of a moment, to the millisecond. */
export function clock(ms: number): string {
  const at = new Date(ms);
  const pad = (value: number, digits = 2): string => String(value).padStart(digits, "0");
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}

/** Return a text on one line, cut at a length. */
export function brief(text: string, length = 120): string {
  const line = visible(text).replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** Return a body for reading: JSON indented, anything else as it is. */
export function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

/** Return the arguments of a body that is an invocation, or of one that the REST API takes. */
export function argumentsOf(body: string | null | undefined): unknown[] {
  try {
    const value: unknown = JSON.parse(body ?? "");
    if (Array.isArray(value)) return Array.isArray(value[4]) ? (value[4] as unknown[]) : [];
    const found = (value as { arguments?: unknown }).arguments;
    return Array.isArray(found) ? (found as unknown[]) : [];
  } catch {
    return [];
  }
}
