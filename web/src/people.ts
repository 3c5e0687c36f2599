// Who was seen. The service keeps no list of who is there, so this one starts empty and knows only those
// who came, went or wrote since.

import { anonymousName } from "./events.js";

/** "unknown": seen before this page lost its connection, and not since. */
export type Presence = "here" | "gone" | "unknown";

export interface Person {
  readonly key: string;
  readonly name: string;
  /** Null for an anonymous person, who is one connection and no more. */
  readonly userId: string | null;
  readonly connections: Set<string>;
  presence: Presence;
}

export class People {
  readonly #all = new Map<string, Person>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Everybody, those who are here first. */
  get all(): readonly Person[] {
    const rank: Record<Presence, number> = { here: 0, unknown: 1, gone: 2 };
    return [...this.#all.values()].sort(
      (a, b) => rank[a.presence] - rank[b.presence] || a.name.localeCompare(b.name),
    );
  }

  /** Note a connection that came or wrote, and return whose it is. */
  seen(connectionId: string, userId: string | null): Person {
    const key = keyOf(connectionId, userId);
    const person = this.#all.get(key) ?? newPerson(key, connectionId, userId);
    this.#all.set(key, person);
    person.connections.add(connectionId);
    person.presence = "here";
    this.#changed();
    return person;
  }

  /** Note a connection that went, and return whose it was. */
  left(connectionId: string, userId: string | null): Person {
    const key = keyOf(connectionId, userId);
    const person = this.#all.get(key) ?? newPerson(key, connectionId, userId);
    this.#all.set(key, person);
    person.connections.delete(connectionId);
    // Of somebody who was here before us, other connections may be open that we have never heard of.
    if (person.connections.size === 0) person.presence = "gone";
    // Nobody without a name comes back as the same one.
    if (userId === null) this.#all.delete(key);
    this.#changed();
    return person;
  }

  /** Forget who is here: this page was away and has missed who came and went. */
  lost(): void {
    for (const person of this.#all.values()) {
      person.connections.clear();
      if (person.userId === null) this.#all.delete(person.key);
      else if (person.presence === "here") person.presence = "unknown";
    }
    this.#changed();
  }
}

function newPerson(key: string, connectionId: string, userId: string | null): Person {
  return { key, name: userId ?? anonymousName(connectionId), userId, connections: new Set(), presence: "here" };
}

function keyOf(connectionId: string, userId: string | null): string {
  return userId === null ? `connection ${connectionId}` : `user ${userId}`;
}
