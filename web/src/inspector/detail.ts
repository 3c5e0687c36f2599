// A trace, opened: why it failed, and its steps with bodies, headers, status and milliseconds.

import { make } from "./dom.js";
import { act } from "./api.js";
import { codeOf, languagesOf } from "./copy.js";
import type { RuntimeEvent } from "./events.js";
import { hopsOf, type Hop } from "./hops.js";
import type { Trace } from "./traces.js";
import { brief, duration, pretty } from "./words.js";

/** Return what is shown of an open trace. */
export function detailOf(trace: Trace, nameOf: (connection: string) => string, opened: ReadonlySet<string>, announce: (text: string) => void): HTMLElement {
  const detail = make("div", "detail");
  const hops = hopsOf(trace, nameOf);
  const length = Math.max(trace.duration, ...hops.map((hop) => hop.start + (hop.length ?? 0)), 1);
  // The line above shows the first, as far as it fits.
  for (const text of trace.reasons.filter((text, index) => index > 0 || text.length > 200)) detail.append(make("p", "reason more", text));
  for (const text of trace.warnings) detail.append(make("p", "warning", text));
  const list = make("ol", "hops");
  hops.forEach((hop, index) => {
    list.append(hopItem(hop, `${trace.id}/${index}`, length, opened, announce));
  });
  detail.append(list);
  return detail;
}

function hopItem(hop: Hop, key: string, length: number, opened: ReadonlySet<string>, announce: (text: string) => void): HTMLElement {
  const item = make("li", "hop");
  item.toggleAttribute("data-bad", hop.isBad);
  const head = make("div", "hop-head");
  head.append(make("span", "hop-name", hop.name), make("span", "hop-what", hop.what));
  if (hop.length !== null) head.append(make("span", "hop-time", duration(hop.length)));
  item.append(head);
  const bar = make("div", "bar-track");
  const fill = make("div", hop.length === null ? "bar-point" : "bar-fill");
  const start = Math.min(100, (hop.start / length) * 100);
  fill.style.setProperty("margin-inline-start", `${Math.min(start, 99)}%`);
  if (hop.length !== null) fill.style.setProperty("width", `${Math.max(0.6, Math.min((hop.length / length) * 100, 100 - start))}%`);
  bar.append(fill);
  item.append(bar);
  const facts = hop.facts.filter((fact) => fact !== "");
  if (facts.length > 0) item.append(make("p", "facts", facts.join(" · ")));
  if (hop.error) item.append(make("p", hop.isBad ? "reason" : "warning", hop.error));
  for (const part of hop.parts) item.append(partOf(part.title, part.text, `${key}/${part.title}`, opened));
  const tools = toolsOf(hop.event, announce);
  if (tools !== null) item.append(tools);
  return item;
}

function partOf(title: string, text: string, key: string, opened: ReadonlySet<string>): HTMLElement {
  const part = make("details", "part");
  part.dataset["key"] = key;
  part.open = opened.has(key);
  const summary = make("summary", "", title);
  summary.append(make("code", "peek", brief(text, 60)));
  const body = make("pre", "body", pretty(text));
  body.tabIndex = 0;
  part.append(summary, body);
  return part;
}

function toolsOf(event: RuntimeEvent, announce: (text: string) => void): HTMLElement | null {
  const languages = languagesOf(event);
  if (languages.length === 0) return null;
  const tools = make("div", "tools");
  for (const language of languages) {
    const button = make("button", "small", `Copy as ${language}`);
    button.type = "button";
    button.addEventListener("click", () => {
      void navigator.clipboard.writeText(codeOf(event, language)).then(
        () => announce(`Copied as ${language}.`),
        () => announce("The browser does not let the page copy."),
      );
    });
    tools.append(button);
  }
  if (event.kind === "upstream_request") {
    const button = make("button", "small", "Send again");
    button.type = "button";
    button.addEventListener("click", () => {
      act<{ status: number | null; error: string | null }>("repeat", { seq: event.seq }).then(
        (answer) => announce(answer.error ?? `Sent again: the app answered ${answer.status ?? ""}.`),
        (error: unknown) => announce(error instanceof Error ? error.message : String(error)),
      );
    });
    tools.append(button);
  }
  return tools;
}
