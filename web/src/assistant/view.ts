// One answer on the page.

import type { AnswerPiece } from "../answers.js";
import { rendered } from "./markdown.js";

const ENDS: Readonly<Record<string, string>> = { done: "Finished.", cancelled: "Stopped." };

/** Shows the pieces of one answer as they come. */
export class AnswerView {
  readonly element = document.createElement("article");
  readonly #question = document.createElement("h2");
  readonly #calls = document.createElement("ul");
  readonly #text = document.createElement("div");
  readonly #sources = document.createElement("ul");
  readonly #note = document.createElement("p");
  readonly #stop = document.createElement("button");
  #raw = "";
  #frame = 0;

  constructor(id: string, question: string, stop: () => Promise<void>) {
    this.element.dataset["id"] = id;
    this.element.dataset["state"] = "streaming";
    this.element.setAttribute("aria-busy", "true");
    this.#question.textContent = question;
    this.#calls.className = "calls";
    this.#text.className = "text";
    this.#sources.className = "sources";
    for (const list of [this.#calls, this.#sources]) clear(list);
    this.#stop.type = "button";
    this.#stop.textContent = "Stop";
    this.#stop.addEventListener("click", () => {
      this.#stop.disabled = true;
      this.#note.textContent = "Stopping…";
      stop().catch(() => {
        this.#stop.disabled = false;
        this.#note.textContent = "It could not be stopped just now. Try again.";
      });
    });
    const bar = document.createElement("div");
    bar.className = "bar";
    this.#note.textContent = "Waiting for the answer…";
    bar.append(this.#stop, this.#note);
    this.element.append(this.#question, this.#calls, this.#text, this.#sources, bar);
  }

  set question(text: string) {
    this.#question.textContent = text;
  }

  show(piece: AnswerPiece): void {
    switch (piece.kind) {
      case "text":
        this.#raw += piece.text;
        this.#note.textContent = "";
        this.#draw();
        break;
      case "reset":
        this.#raw = piece.text ?? `${this.#raw}\n\n…\n\n`;
        for (const list of [this.#calls, this.#sources]) clear(list);
        this.#draw();
        break;
      case "status":
        this.#note.textContent = piece.text;
        break;
      case "toolCall":
        add(this.#calls, `${piece.data.name}(${JSON.stringify(piece.data.arguments ?? null)})`);
        break;
      case "citation":
        add(this.#sources, String(piece.data["title"] ?? piece.data["url"] ?? ""));
        break;
      case "error":
        this.#end("error", piece.text);
        break;
      default:
        this.#end(piece.kind, ENDS[piece.kind] ?? "");
    }
  }

  get hasText(): boolean {
    return this.#raw !== "";
  }

  fail(text: string): void {
    this.#end("error", text);
  }

  #end(state: string, note: string): void {
    this.#note.textContent = note;
    this.element.dataset["state"] = state;
    this.element.setAttribute("aria-busy", "false");
    this.#stop.hidden = true;
    this.#draw();
  }

  /** Draw with the next frame, however many pieces come before it. */
  #draw(): void {
    this.element.dataset["raw"] = this.#raw;
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#text.replaceChildren(rendered(this.#raw));
    });
  }
}

function clear(list: HTMLUListElement): void {
  list.replaceChildren();
  list.hidden = true;
}

function add(list: HTMLUListElement, text: string): void {
  const item = document.createElement("li");
  item.textContent = text;
  list.append(item);
  list.hidden = false;
}
