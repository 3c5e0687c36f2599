// The page, as the rest of the program sees it.

import { Adding } from "./adding.js";
import { Composer } from "./composer.js";
import type { Status } from "./connection.js";
import { titleOf, type Conversation, type Conversations, type Entry, type Target } from "./conversations.js";
import { byId, setText } from "./dom.js";
import { DeveloperToggle } from "./developer.js";
import { Drawers } from "./drawers.js";
import { MessageLog } from "./log.js";
import { Notices } from "./notices.js";
import type { People } from "./people.js";
import { Roster } from "./roster.js";
import { Sidebar } from "./sidebar.js";
import { StatusBar } from "./status.js";

export interface Actions {
  connect(): void;
  disconnect(): void;
  leaveChat(): void;
  select(conversation: Conversation): void;
  openPrivate(target: Target): void;
  /** Leave the group, or close the private conversation. */
  close(conversation: Conversation): void;
  join(groupName: string): Promise<boolean>;
  send(conversation: Conversation, text: string): void;
}

export class View {
  readonly notices = new Notices();
  readonly #screen = byId("chat-screen", HTMLDivElement);
  readonly #title = byId("conversation-title", HTMLHeadingElement);
  readonly #hint = byId("conversation-hint", HTMLParagraphElement);
  readonly #close = byId("conversation-close", HTMLButtonElement);
  readonly #joinAgain = byId("conversation-join", HTMLButtonElement);
  readonly #adding: Adding;
  readonly #drawers = new Drawers();
  readonly #log = new MessageLog();
  readonly #composer: Composer;
  readonly #sidebar: Sidebar;
  readonly #roster: Roster;
  readonly #status: StatusBar;
  #shown: Conversation | null = null;

  constructor(actions: Actions) {
    this.#composer = new Composer(actions.send);
    this.#adding = new Adding(actions);
    this.#sidebar = new Sidebar(actions);
    this.#roster = new Roster(actions.openPrivate);
    this.#status = new StatusBar(actions);
    new DeveloperToggle();
    byId("leave-button", HTMLButtonElement).addEventListener("click", actions.leaveChat);
    this.#close.addEventListener("click", () => this.#shown && actions.close(this.#shown));
    this.#joinAgain.addEventListener("click", () => {
      if (this.#shown?.target.kind === "group") void actions.join(this.#shown.target.id);
    });
  }

  show(): void {
    this.#screen.hidden = false;
  }

  hide(): void {
    this.#screen.hidden = true;
    this.#shown = null;
    this.#adding.close();
    this.#drawers.close();
    this.notices.clear();
    document.title = "Chat";
  }

  showStatus(status: Status, name: string): void {
    this.#status.show(status);
    this.#roster.showMe(name, status.connectionId);
  }

  showPeople(people: People): void {
    this.#roster.show(people);
  }

  setPeopleComplete(isComplete: boolean): void {
    this.#roster.setComplete(isComplete);
  }

  /** Bring the lists up to date, and the rest too if another conversation is current. */
  showConversations(conversations: Conversations): void {
    const { current, unread } = conversations;
    this.#sidebar.show(conversations);
    document.title = unread > 0 ? `(${unread}) Chat` : "Chat";
    setText(this.#hint, hintOf(current));
    this.#joinAgain.hidden = current.isMember;
    if (this.#shown === current) return;
    this.#shown = current;
    setText(this.#title, titleOf(current.target));
    this.#close.hidden = current.target.kind === "everyone";
    setText(this.#close, current.target.kind === "group" ? "Leave group" : "Close");
    this.#log.show(current);
    this.#composer.show(current);
  }

  showEntry(conversation: Conversation, entry: Entry): void {
    if (conversation === this.#shown) this.#log.add(entry);
  }

  showChange(conversation: Conversation, entry: Entry): void {
    if (conversation === this.#shown) this.#log.update(conversation, entry);
  }

  showDraft(conversation: Conversation): void {
    if (conversation === this.#shown) this.#composer.refresh();
  }

  closeDrawers(): void {
    this.#drawers.close();
  }

  focusComposer(): void {
    this.#composer.focus();
  }
}

function hintOf({ target, isMember }: Conversation): string {
  switch (target.kind) {
    case "everyone":
      return "Everybody who is connected";
    case "group":
      return isMember ? "Group" : "Group, which you are not a member of";
    case "user":
      return "Private";
    case "connection":
      return "Private, one connection";
  }
}
