// Puts the page together: who joins gets a chat, who leaves gets the form back.

import { apiBase } from "./address.js";
import { Chat } from "./chat.js";
import { errorText } from "./errors.js";
import { JoinForm } from "./join.js";
import { Session } from "./session.js";
import { View } from "./view.js";

let chat: Chat | null = null;

const session = new Session();

const view = new View({
  connect: () => chat?.connect(),
  disconnect: () => chat?.disconnect(),
  leaveChat: () => {
    chat?.disconnect();
    chat = null;
    session.end();
    view.hide();
    form.show();
  },
  select: (conversation) => chat?.select(conversation),
  openPrivate: (target) => chat?.openPrivate(target),
  close: (conversation) => void chat?.close(conversation),
  join: async (groupName) => (await chat?.join(groupName)) ?? false,
  send: (conversation, text) => chat?.send(conversation, text),
});

const form = new JoinForm(enter);
const base = addressOrRefusal();
if (session.name !== null && base !== null) enter(session.name);
else form.show();

function enter(name: string): void {
  if (base === null) return;
  session.start(name);
  chat = new Chat(base, name, session, view);
  form.hide();
  view.show();
  view.focusComposer();
  chat.connect();
}

// What ended the connection may be over: the network is back, or the computer awake.
window.addEventListener("online", () => chat?.hurry());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) chat?.hurry();
});

function addressOrRefusal(): string | null {
  const page = new URL(location.href);
  try {
    const address = apiBase(page);
    if (new URL(address).origin !== page.origin) form.showAddress(address);
    return address;
  } catch (error) {
    form.refuse(errorText(error));
    return null;
  }
}
