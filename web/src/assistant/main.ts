// The page of examples/answers: ask, watch, stop; the answers are there again after a reload.

import { HubConnectionBuilder, HubConnectionState, LogLevel } from "@microsoft/signalr";
import { Answers } from "../answers.js";
import { errorText } from "../errors.js";
import { AnswerView } from "./view.js";

interface Known {
  readonly id: string;
  readonly question: string;
}

const KEPT = 20;
const api = new URL(".", location.href).href.replace(/\/$/, "");
const parameters = new URLSearchParams(location.search);
const user = parameters.get("user") ?? sessionStorage.getItem("user") ?? `guest-${crypto.randomUUID().slice(0, 8)}`;
sessionStorage.setItem("user", user);

const status = byId("status");
const list = byId("answers");
const views = new Map<string, AnswerView>();

const connection = new HubConnectionBuilder()
  .withUrl(`${api}?user=${encodeURIComponent(user)}`)
  .withAutomaticReconnect({ nextRetryDelayInMilliseconds: (context) => Math.min(1000 * 2 ** context.previousRetryCount, 15_000) })
  .configureLogging(LogLevel.None)
  .build();
const answers = new Answers(connection, {
  onAnswer: (id) => open(id, remembered().find((each) => each.id === id)?.question ?? "A question from another device"),
});

connection.on("asked", (id: string, question: string, sender: string | null) => {
  const shown = sender === null || sender === user ? question : `${sender}: ${question}`;
  remember({ id, question: shown });
  const view = views.get(id);
  if (view) view.question = shown;
  else open(id, shown);
});
connection.onreconnecting(() => say("reconnecting", "The connection was lost. Reconnecting…"));
connection.onreconnected(() => say("connected", `Connected as ${user}`));
connection.onclose(() => void connect());

form("ask-form", async () => {
  const field = byId("question") as HTMLTextAreaElement;
  const question = field.value.trim();
  if (!question) return;
  const id = crypto.randomUUID().replaceAll("-", "");
  field.value = "";
  remember({ id, question });
  const view = open(id, question);
  // The response comes when the answer has ended, or is a 5xx of a gateway that does not wait so long.
  const response = await fetch(`${api}/questions?user=${encodeURIComponent(user)}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ id, question, group: room() }),
  }).catch(() => null);
  if (response === null || response.ok || view === undefined) return;
  if (response.status < 500) view.fail(await response.text());
  else if (!view.hasText) view.fail("The app could not answer. Try again.");
});
(byId("question") as HTMLTextAreaElement).addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  (byId("ask-form") as HTMLFormElement).requestSubmit();
});
form("room-form", async () => {
  if (!room()) {
    say("connected", `Connected as ${user}`);
    return;
  }
  try {
    await connection.invoke("join", room());
    say("connected", `In the group ${room()} as ${user}`);
  } catch (error) {
    say("connected", errorText(error));
  }
});

void connect();

async function connect(): Promise<void> {
  for (let attempt = 0; connection.state !== HubConnectionState.Connected; attempt += 1) {
    try {
      await connection.start();
    } catch (error) {
      say("reconnecting", errorText(error));
      await new Promise((resolve) => setTimeout(resolve, Math.min(1000 * 2 ** attempt, 15_000)));
    }
  }
  say("connected", `Connected as ${user}`);
  answers.resume();
  for (const { id, question } of remembered()) if (!views.has(id)) open(id, question);
  byId("model").hidden = (await connection.invoke("hasModel").catch(() => true)) === true;
}

function open(id: string, question: string): AnswerView | undefined {
  if (views.has(id)) return views.get(id);
  const view = new AnswerView(id, question, async () => {
    await answers.cancel(id);
  });
  views.set(id, view);
  byId("empty").hidden = true;
  list.append(view.element);
  view.element.scrollIntoView({ block: "end" });
  void watch(id, view);
  return view;
}

async function watch(id: string, view: AnswerView): Promise<void> {
  const scroller = list.parentElement;
  for await (const piece of answers.stream(id)) {
    const isAtEnd = scroller !== null && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
    view.show(piece);
    if (isAtEnd) requestAnimationFrame(() => scroller.scrollTo({ top: scroller.scrollHeight }));
  }
}

function remembered(): Known[] {
  try {
    return JSON.parse(sessionStorage.getItem("answers") ?? "[]") as Known[];
  } catch {
    return [];
  }
}

function remember(known: Known): void {
  const others = remembered().filter((each) => each.id !== known.id);
  sessionStorage.setItem("answers", JSON.stringify([...others, known].slice(-KEPT)));
}

function room(): string {
  return (byId("room") as HTMLInputElement).value.trim();
}

function say(state: string, text: string): void {
  status.dataset["state"] = state;
  status.textContent = text;
}

function form(id: string, submit: () => Promise<void>): void {
  byId(id).addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
}

function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}
