// One person in the chat: what they do goes to the hub, what the hub says goes into the conversations.

import { ChatConnection, type ChatEvents, type Status } from "./connection.js";
import { Conversations, type Conversation, type Target } from "./conversations.js";
import { NotConnectedError, errorText } from "./errors.js";
import { anonymousName, readPeople, type ChatMessage, type PresenceEvent } from "./events.js";
import { People } from "./people.js";
import type { Session } from "./session.js";
import type { View } from "./view.js";

// Topics of notices, which end when what they are about is over.
const OUTAGE = "outage";
const UNSENT = "unsent";
const JOINING = "joining";

export class Chat implements ChatEvents {
  readonly #view: View;
  readonly #conversations: Conversations;
  readonly #people: People;
  readonly #connection: ChatConnection;
  readonly #session: Session;
  #name: string;
  #lostAt: number | null = null;
  #outage: string | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(base: string, name: string, session: Session, view: View) {
    this.#name = name;
    this.#session = session;
    this.#view = view;
    this.#people = new People(() => view.showPeople(this.#people));
    this.#conversations = new Conversations({
      listChanged: () => view.showConversations(this.#conversations),
      added: (conversation, entry) => view.showEntry(conversation, entry),
      changed: (conversation, entry) => view.showChange(conversation, entry),
    });
    this.#connection = new ChatConnection(base, name, this);
    // They are joined once the connection stands, as after a reconnect.
    for (const groupName of session.groups) {
      this.#conversations.setMember(this.#conversations.open({ kind: "group", id: groupName }), true);
    }
    view.showPeople(this.#people);
    view.showConversations(this.#conversations);
  }

  connect(): void {
    this.#connection.connect();
  }

  disconnect(): void {
    this.#connection.disconnect();
  }

  /** Do not wait for the next attempt, if there is one to wait for. */
  hurry(): void {
    const { state } = this.#connection.status;
    if (state === "connecting" || state === "reconnecting") this.#connection.connect();
  }

  select(conversation: Conversation): void {
    this.#conversations.select(conversation);
    this.#view.closeDrawers();
    this.#view.focusComposer();
  }

  openPrivate(target: Target): void {
    this.select(this.#conversations.open(target));
  }

  async join(groupName: string): Promise<boolean> {
    try {
      await this.#connection.call("joinGroup", groupName);
    } catch (error) {
      this.#view.notices.show(`Joining ${groupName} failed. ${errorText(error)}`, JOINING);
      return false;
    }
    this.#view.notices.dismiss(JOINING);
    const group = this.#conversations.open({ kind: "group", id: groupName });
    this.#setMember(group, true);
    this.select(group);
    return true;
  }

  async close(conversation: Conversation): Promise<void> {
    const { target } = conversation;
    if (target.kind === "group" && conversation.isMember && this.#connection.status.state === "connected") {
      try {
        await this.#connection.call("leaveGroup", target.id);
      } catch (error) {
        this.#view.notices.show(`Leaving ${target.id} failed. ${errorText(error)}`);
        return;
      }
    }
    // Without a connection there is no membership to give up.
    this.#conversations.close(conversation);
    this.#keepGroups();
    this.#view.focusComposer();
  }

  send(conversation: Conversation, text: string): void {
    if (this.#connection.status.state !== "connected") {
      this.#view.notices.show(errorText(new NotConnectedError()), UNSENT);
      return;
    }
    conversation.draft = "";
    this.#view.showDraft(conversation);
    const isPrivate = conversation.target.kind === "user" || conversation.target.kind === "connection";
    const echo = isPrivate ? this.#conversations.echo(conversation, this.#name, text) : null;
    // One after the other: functions run side by side, and two messages could overtake each other.
    this.#queue = this.#queue.then(async () => {
      try {
        const answer = await this.#connection.call(...sendCall(conversation.target, text));
        this.#view.notices.dismiss(UNSENT);
        if (echo) this.#conversations.accepted(conversation, echo);
        if (isPrivate && answer === false) this.#noteNobody(conversation);
      } catch (error) {
        if (echo) this.#conversations.withdraw(conversation, echo);
        conversation.draft = conversation.draft === "" ? text : `${conversation.draft}\n${text}`;
        this.#view.showDraft(conversation);
        // An answer that never came does not say whether the app had done its work.
        const fate = error instanceof NotConnectedError || this.#connection.isUp ? "was not" : "may not have been";
        this.#view.notices.show(`Your message ${fate} sent. ${errorText(error)}`, UNSENT);
      }
    });
  }

  status(status: Status): void {
    this.#view.showStatus(status, this.#name);
    if ((status.state === "reconnecting" || status.state === "disconnected") && this.#lostAt === null) {
      this.#lostAt = Date.now();
      this.#people.lost();
    }
    if (status.state === "connected") this.#view.notices.dismiss(UNSENT);
    if (status.state === "connected" || status.state === "disconnected") {
      this.#view.notices.dismiss(OUTAGE);
      this.#outage = null;
    } else if (status.attempt > 0 && status.retryAt !== null && status.reason !== this.#outage) {
      // Once for each reason, and not again with every attempt: it may have been dismissed.
      this.#outage = status.reason;
      if (status.reason !== null) this.#view.notices.show(status.reason, OUTAGE);
    }
  }

  async established(again: boolean): Promise<void> {
    if (again) this.#noteOutage();
    const groups = this.#conversations.groups.filter((group) => group.isMember);
    await Promise.all([this.#listPeople(), ...groups.map((group) => this.#rejoin(group))]);
  }

  newMessage(message: ChatMessage): void {
    const isOwn = this.#connection.isOwn(message.connectionId);
    if (isOwn) this.#learnName(message.sender);
    else if (message.connectionId !== null) this.#people.seen(message.connectionId, message.sender);
    this.#conversations.receive(message, isOwn);
  }

  newConnection({ connectionId, userId }: PresenceEvent): void {
    if (connectionId === null) return;
    if (this.#connection.isOwn(connectionId)) {
      this.#learnName(userId ?? anonymousName(connectionId));
      return;
    }
    const person = this.#people.seen(connectionId, userId);
    this.#notePresence(connectionId, userId, `${person.name} connected`);
  }

  connectionClosed({ connectionId, userId, error }: PresenceEvent): void {
    if (connectionId === null || this.#connection.isOwn(connectionId)) return;
    const person = this.#people.left(connectionId, userId);
    const why = error === null ? "" : `: ${errorText(error)}`;
    this.#notePresence(connectionId, userId, `${person.name} disconnected${why}`);
  }

  #notePresence(connectionId: string, userId: string | null, text: string): void {
    const conversations = [this.#conversations.everyone, this.#conversations.find({ kind: "connection", id: connectionId })];
    if (userId !== null) conversations.push(this.#conversations.find({ kind: "user", id: userId }));
    for (const conversation of conversations) {
      if (conversation) this.#conversations.note(conversation, text);
    }
  }

  async #listPeople(): Promise<void> {
    try {
      await this.#people.list(async () =>
        readPeople(await this.#connection.call("people")).filter(({ connectionId }) => !this.#connection.isOwn(connectionId)),
      );
      this.#view.setPeopleComplete(true);
    } catch {
      // An app without this method: people appear as they come, go or write.
      this.#view.setPeopleComplete(false);
    }
  }

  #noteNobody(conversation: Conversation): void {
    const { target } = conversation;
    const who = target.kind === "user" ? target.id : "This connection";
    this.#conversations.note(conversation, `${who} is not connected. Nobody received this message.`);
  }

  #setMember(group: Conversation, isMember: boolean): void {
    this.#conversations.setMember(group, isMember);
    this.#keepGroups();
  }

  #keepGroups(): void {
    const members = this.#conversations.groups.filter((group) => group.isMember);
    this.#session.setGroups(members.flatMap(({ target }) => (target.kind === "group" ? [target.id] : [])));
  }

  // A group's membership ended with the connection that had it.
  async #rejoin(group: Conversation): Promise<void> {
    if (group.target.kind !== "group") return;
    try {
      await this.#connection.call("joinGroup", group.target.id);
    } catch (error) {
      // If it was the connection that broke, the next one tries again.
      if (!this.#connection.isUp) return;
      this.#setMember(group, false);
      this.#view.notices.show(`Joining ${group.target.id} again failed. ${errorText(error)}`);
    }
  }

  #noteOutage(): void {
    if (this.#lostAt === null) return;
    const text = `Not connected for ${durationText(Date.now() - this.#lostAt)}. What was sent meanwhile is missing here.`;
    for (const conversation of this.#conversations.all) this.#conversations.note(conversation, text);
    this.#lostAt = null;
  }

  // The app knows better than the form what this person is called: it may sign people in, or name nobody.
  #learnName(userId: string | null): void {
    if (userId === null || userId === this.#name) return;
    this.#name = userId;
    this.#view.showStatus(this.#connection.status, userId);
  }
}

function sendCall(target: Target, text: string): [method: string, ...args: string[]] {
  switch (target.kind) {
    case "everyone":
      return ["broadcast", text];
    case "group":
      return ["sendToGroup", target.id, text];
    case "user":
      return ["sendToUser", target.id, text];
    case "connection":
      return ["sendToConnection", target.id, text];
  }
}

function durationText(milliseconds: number): string {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
