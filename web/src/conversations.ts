// The conversations of one person on this page. There is no history on the server: what is in here is
// what arrived while the page was open.

import { anonymousName, shortId, type ChatMessage } from "./events.js";

export type Target =
  | { readonly kind: "everyone" }
  | { readonly kind: "group"; readonly id: string }
  | { readonly kind: "user"; readonly id: string }
  | { readonly kind: "connection"; readonly id: string };

/** What is written in a conversation: by a person, or by this page about what happened. */
export interface Entry {
  readonly kind: "message" | "line";
  readonly author: string;
  readonly text: string;
  readonly isData: boolean;
  readonly isOwn: boolean;
  readonly at: Date;
  /** Shown here by the sender's own page, and not yet known to have been accepted. */
  isPending: boolean;
}

export interface Conversation {
  readonly key: string;
  readonly target: Target;
  readonly entries: Entry[];
  unread: number;
  draft: string;
  /** For a group: whether this connection is a member. */
  isMember: boolean;
}

export interface ConversationsView {
  /** A conversation came, went, was selected, or its counts changed. */
  listChanged(): void;
  added(conversation: Conversation, entry: Entry): void;
  /** An entry is not pending any more, or not part of the conversation. */
  changed(conversation: Conversation, entry: Entry): void;
}

export const MAX_ENTRIES = 500;
const EVERYONE: Target = { kind: "everyone" };

export class Conversations {
  readonly #all = new Map<string, Conversation>();
  readonly #view: ConversationsView;
  readonly everyone: Conversation;
  #current: Conversation;
  /** Private messages shown before the server knew them, which it may yet deliver to their sender. */
  readonly #echoes: { readonly key: string; readonly text: string }[] = [];

  constructor(view: ConversationsView) {
    this.#view = view;
    this.everyone = newConversation(EVERYONE);
    this.#all.set(this.everyone.key, this.everyone);
    this.#current = this.everyone;
  }

  get current(): Conversation {
    return this.#current;
  }

  get all(): readonly Conversation[] {
    return [...this.#all.values()];
  }

  get unread(): number {
    return this.all.reduce((sum, conversation) => sum + conversation.unread, 0);
  }

  get groups(): readonly Conversation[] {
    return this.all.filter((conversation) => conversation.target.kind === "group");
  }

  find(target: Target): Conversation | undefined {
    return this.#all.get(keyOf(target));
  }

  /** Return the conversation with a target, a new one if need be. */
  open(target: Target): Conversation {
    const present = this.find(target);
    if (present) return present;
    const conversation = newConversation(target);
    this.#all.set(conversation.key, conversation);
    this.#view.listChanged();
    return conversation;
  }

  select(conversation: Conversation): void {
    this.#current = conversation;
    conversation.unread = 0;
    this.#view.listChanged();
  }

  close(conversation: Conversation): void {
    if (conversation === this.everyone) return;
    this.#all.delete(conversation.key);
    if (this.#current === conversation) this.#current = this.everyone;
    this.select(this.#current);
  }

  setMember(conversation: Conversation, isMember: boolean): void {
    conversation.isMember = isMember;
    this.#view.listChanged();
  }

  /** Put a message that arrived where it belongs. */
  receive(message: ChatMessage, isOwn: boolean): void {
    const conversation = this.#conversationOf(message);
    if (isOwn && message.isPrivate && this.#takeEcho(conversation, message.text)) return;
    this.#add(conversation, {
      kind: "message",
      author: authorOf(message),
      text: message.text,
      isData: message.isData,
      isOwn,
      at: new Date(),
      isPending: false,
    });
  }

  /** Show a message to its own sender. Only private ones need it: the others come back from the server. */
  echo(conversation: Conversation, author: string, text: string): Entry {
    const entry: Entry = {
      kind: "message",
      author,
      text,
      isData: false,
      isOwn: true,
      at: new Date(),
      isPending: true,
    };
    this.#echoes.push({ key: conversation.key, text });
    if (this.#echoes.length > MAX_ENTRIES) this.#echoes.shift();
    this.#add(conversation, entry);
    return entry;
  }

  accepted(conversation: Conversation, entry: Entry): void {
    entry.isPending = false;
    this.#view.changed(conversation, entry);
  }

  withdraw(conversation: Conversation, entry: Entry): void {
    const index = conversation.entries.indexOf(entry);
    if (index >= 0) conversation.entries.splice(index, 1);
    this.#takeEcho(conversation, entry.text);
    this.#view.changed(conversation, entry);
  }

  /** Write down what happened, without counting it as unread. */
  note(conversation: Conversation, text: string): void {
    this.#add(conversation, {
      kind: "line",
      author: "",
      text,
      isData: false,
      isOwn: false,
      at: new Date(),
      isPending: false,
    });
  }

  #conversationOf(message: ChatMessage): Conversation {
    if (message.isPrivate) {
      if (message.connectionId !== null) {
        // An answer belongs where the question was asked, to the connection if that is what was written to.
        const asked = this.find({ kind: "connection", id: message.connectionId });
        if (asked) return asked;
      }
      if (message.sender !== null) return this.open({ kind: "user", id: message.sender });
      if (message.connectionId !== null) return this.open({ kind: "connection", id: message.connectionId });
    }
    if (message.groupName !== null) return this.open({ kind: "group", id: message.groupName });
    return this.everyone;
  }

  #takeEcho(conversation: Conversation, text: string): boolean {
    const index = this.#echoes.findIndex((echo) => echo.key === conversation.key && echo.text === text);
    if (index < 0) return false;
    this.#echoes.splice(index, 1);
    return true;
  }

  #add(conversation: Conversation, entry: Entry): void {
    conversation.entries.push(entry);
    if (conversation.entries.length > MAX_ENTRIES) conversation.entries.shift();
    if (entry.kind === "message" && !entry.isOwn && conversation !== this.#current) conversation.unread += 1;
    this.#view.added(conversation, entry);
    this.#view.listChanged();
  }
}

/** Name a conversation, as the list and the heading show it. */
export function titleOf(target: Target): string {
  switch (target.kind) {
    case "everyone":
      return "Everyone";
    case "connection":
      return `Connection ${shortId(target.id)}`;
    default:
      return target.id;
  }
}

function newConversation(target: Target): Conversation {
  return { key: keyOf(target), target, entries: [], unread: 0, draft: "", isMember: true };
}

function keyOf(target: Target): string {
  return target.kind === "everyone" ? "everyone" : `${target.kind} ${target.id}`;
}

function authorOf(message: ChatMessage): string {
  if (message.sender !== null) return message.sender;
  return message.connectionId !== null ? anonymousName(message.connectionId) : "Unknown sender";
}
