// Who is there: those whom the app listed when this page connected, and those who came, went or wrote since.

import { anonymousName } from "./events.js";

/** "unknown": here before this page lost its connection; the app is asked again when it is back. */
export type Presence = "here" | "gone" | "unknown";

export interface Person {
  readonly key: string;
  readonly name: string;
  /** Null for an anonymous person, who is one connection and no more. */
  readonly userId: string | null;
  readonly connections: Set<string>;
  presence: Presence;
}

export interface Connected {
  readonly connectionId: string;
  readonly userId: string | null;
}

interface Meanwhile {
  readonly came: Map<string, Connected>;
  readonly left: Set<string>;
}

export class People {
  readonly #all = new Map<string, Person>();
  #meanwhile: Meanwhile | null = null;
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
    const person = this.#note(connectionId, userId);
    this.#meanwhile?.came.set(connectionId, { connectionId, userId });
    this.#meanwhile?.left.delete(connectionId);
    this.#changed();
    return person;
  }

  /** Note a connection that went, and return whose it was. */
  left(connectionId: string, userId: string | null): Person {
    const key = keyOf(connectionId, userId);
    const person = this.#all.get(key) ?? newPerson(key, connectionId, userId);
    this.#all.set(key, person);
    person.connections.delete(connectionId);
    this.#meanwhile?.came.delete(connectionId);
    this.#meanwhile?.left.add(connectionId);
    if (person.connections.size === 0) person.presence = "gone";
    // Nobody without a name comes back as the same one.
    if (userId === null) this.#all.delete(key);
    this.#changed();
    return person;
  }

  /**
   * Take over the list of who is there, which is asked for here: whoever is not in it has gone. Who comes or
   * goes while the answer is under way is known better than by the answer.
   */
  async list(ask: () => Promise<readonly Connected[]>): Promise<void> {
    const meanwhile: Meanwhile = { came: new Map(), left: new Set() };
    this.#meanwhile = meanwhile;
    const listed = await ask();
    if (this.#meanwhile !== meanwhile) return;
    this.#meanwhile = null;
    const there = new Map(listed.map((connected) => [connected.connectionId, connected]));
    for (const connectionId of meanwhile.left) there.delete(connectionId);
    for (const [connectionId, connected] of meanwhile.came) there.set(connectionId, connected);
    this.#replace([...there.values()]);
  }

  #replace(connections: readonly Connected[]): void {
    for (const person of this.#all.values()) {
      person.connections.clear();
      person.presence = "gone";
      if (person.userId === null) this.#all.delete(person.key);
    }
    for (const { connectionId, userId } of connections) this.#note(connectionId, userId);
    this.#changed();
  }

  /** Forget who is here: this page was away and has missed who came and went. */
  lost(): void {
    this.#meanwhile = null;
    for (const person of this.#all.values()) {
      person.connections.clear();
      if (person.userId === null) this.#all.delete(person.key);
      else if (person.presence === "here") person.presence = "unknown";
    }
    this.#changed();
  }

  #note(connectionId: string, userId: string | null): Person {
    const key = keyOf(connectionId, userId);
    const person = this.#all.get(key) ?? newPerson(key, connectionId, userId);
    this.#all.set(key, person);
    person.connections.add(connectionId);
    person.presence = "here";
    return person;
  }
}

function newPerson(key: string, connectionId: string, userId: string | null): Person {
  return { key, name: userId ?? anonymousName(connectionId), userId, connections: new Set(), presence: "here" };
}

function keyOf(connectionId: string, userId: string | null): string {
  return userId === null ? `connection ${connectionId}` : `user ${userId}`;
}
